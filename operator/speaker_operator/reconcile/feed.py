"""Follow the objects of a kind: list them once, then watch on from there.

kopf wraps every event in tasks, loggers, memories and handlers of its own, which for children and
pods cost more than all that the operator makes of them. So kopf watches what people declare, and
what comes of it, many times as much, is followed here.
"""

import asyncio
import logging
from collections.abc import Iterable
from typing import Final

from speaker_operator.kube.client import KubeClient
from speaker_operator.kube.errors import (
    ExpiredError,
    KubeError,
    ThrottledError,
    UnavailableError,
)
from speaker_operator.kube.resources import Key, Resource, key_of
from speaker_operator.reconcile.backoff import Backoff
from speaker_operator.reconcile.observe import Observer, selector_of
from speaker_operator.reconcile.store import Store, version_of

logger = logging.getLogger(__name__)

_BOOKMARK: Final = "BOOKMARK"
_STEADY_SECONDS: Final = 10.0
"""After so long, what ended a watch has nothing to do with what did before."""
_PASSING: Final = (UnavailableError, ThrottledError)
"""What says nothing of the version that was to be watched from."""
_BACKOFF: Final = Backoff(base_seconds=0.2, cap_seconds=2.0)


class Feed:
    """The objects of one resource in a namespace, or in the cluster."""

    def __init__(
        self,
        resource: Resource,
        namespace: str | None,
        *,
        client: KubeClient,
        store: Store,
        observer: Observer,
    ) -> None:
        self._resource = resource
        self._namespace = namespace
        self._client = client
        self._store = store
        self._observer = observer
        self._selector = selector_of(resource)
        self._version = ""
        """From where to watch on; empty if everything has to be listed first."""

    async def run(self) -> None:
        """Follow until cancelled, whatever happens to the API server."""
        loop, failures = asyncio.get_running_loop(), 0
        while True:
            began, trouble = loop.time(), ""
            try:
                if not self._version:
                    await self.list()
                await self.watch()
            except KubeError as error:
                trouble = str(error)
                if isinstance(error, ExpiredError) or not isinstance(error, _PASSING):
                    self._version = ""
            failures = 1 if loop.time() - began > _STEADY_SECONDS else failures + 1
            wait = _BACKOFF.delay(failures)
            if trouble:
                logger.warning(
                    "%s not followed, next try in %.3g s: %s", self._resource.plural, wait, trouble
                )
            await asyncio.sleep(wait)

    async def list(self) -> None:
        """Take in all there are, and forget what has gone."""
        known = self._known()
        objects, self._version = await self._client.snapshot(
            self._resource, self._namespace, self._selector
        )
        for manifest in objects:
            self._observer.present(manifest)
        listed = {key_of(manifest) for manifest in objects}
        self._forget({key: version for key, version in known.items() if key not in listed})

    async def watch(self) -> None:
        """Take in what happens from there on, until the watch ends."""
        events = self._client.watch(self._resource, self._namespace, self._selector, self._version)
        async for kind, manifest in events:
            if kind != _BOOKMARK:
                self._observer.event(kind, manifest)
            self._version = manifest["metadata"]["resourceVersion"]

    def lose(self) -> None:
        """Forget all of them: the cluster has the kind no more."""
        self._forget(self._known())

    def _known(self) -> dict[Key, int]:
        """The versions of those that are known."""
        keys = self._store.keys(self._resource.kind, self._namespace)
        return {key: self._store.version(key) for key in keys}

    def _forget(self, gone: dict[Key, int]) -> None:
        """Forget objects that have gone since they were of these versions."""
        for key, version in gone.items():
            manifest = self._store.get(key)
            if manifest is not None and version_of(manifest) == version:
                self._observer.gone(manifest)


async def follow(feeds: Iterable[Feed]) -> None:
    """Follow all of them until cancelled."""
    async with asyncio.TaskGroup() as running:
        for feed in feeds:
            running.create_task(feed.run())

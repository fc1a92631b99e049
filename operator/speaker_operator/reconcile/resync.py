"""Hold what was observed against what the API server has, in case a watch missed something.

A watch that breaks for long starts anew from a list, and nobody is told what was deleted in
between. So whenever something was listed anew, and every hour anyway, the store is checked.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from speaker_operator.kube.client import KubeClient
from speaker_operator.kube.errors import ForbiddenError, KubeError, NotFoundError
from speaker_operator.kube.resources import DECLARED, WATCHED, JsonObject, Resource, key_of
from speaker_operator.metrics import OperatorMetrics
from speaker_operator.reconcile.backoff import Backoff
from speaker_operator.reconcile.observe import Observer, selector_of
from speaker_operator.reconcile.store import Store, version_of

T = TypeVar("T")

logger = logging.getLogger(__name__)

_SETTLE_SECONDS = 1.0
"""After something was listed anew, how long the watches get to deliver the rest."""


class Resync:
    """Compares the store with the API server, and knows whether the two agree."""

    def __init__(
        self,
        client: KubeClient,
        store: Store,
        *,
        namespaces: tuple[str, ...],
        interval_seconds: float,
        backoff: Backoff,
        metrics: OperatorMetrics,
    ) -> None:
        self._client = client
        self._store = store
        self._namespaces: tuple[str | None, ...] = namespaces or (None,)
        self._interval = interval_seconds
        self._backoff = backoff
        self._metrics = metrics
        self._due = asyncio.Event()
        self._behind_since: float | None = None
        self.synced = asyncio.Event()
        """Set once everything that existed at the start has been observed."""
        self.trouble = "nothing has been read from the API server yet"
        """Why the operator cannot see the cluster as it is; empty if it can."""

    def soon(self) -> None:
        """Ask for a check."""
        self._due.set()

    def behind_for(self) -> float:
        """Seconds for which the watches have not delivered what the API server has."""
        if self._behind_since is None:
            return 0.0
        return asyncio.get_running_loop().time() - self._behind_since

    async def await_access(self, begin: Callable[[], Awaitable[T]]) -> T:
        """Wait until the API server is there, knows the kinds, and lets the operator list them.

        Args:
            begin: What else has to work before the operator can; it may raise what it likes of
                ``KubeError`` and ``ValueError``, and is tried again.
        """
        failures = 0
        while True:
            try:
                for resource in WATCHED:
                    await self._list(resource)
                begun = await begin()
            except (KubeError, ValueError) as error:
                failures += 1
                wait = self._backoff.delay(failures)
                self.trouble = _explain(error)
                logger.warning("Not ready, next try in %.3g s: %s", wait, self.trouble)
                await asyncio.sleep(wait)
            else:
                self.trouble = "the watches have not delivered everything yet"
                return begun

    async def run(self, observer: Observer) -> None:
        """Check until cancelled."""
        failures = 0
        while True:
            try:
                behind = await self._check(observer)
            except KubeError as error:
                failures += 1
                logger.warning("Check failed: %s", _explain(error))
                await asyncio.sleep(self._backoff.delay(failures))
                continue
            failures = 0
            self._note(behind)
            await self._until_next(behind)

    async def _until_next(self, behind: list[str]) -> None:
        if behind:
            await asyncio.sleep(_SETTLE_SECONDS if self.synced.is_set() else 0.1)
            return
        try:
            async with asyncio.timeout(self._interval):
                await self._due.wait()
            await asyncio.sleep(_SETTLE_SECONDS)
        except TimeoutError:
            pass  # nothing happened; it is time anyway
        self._due.clear()

    def _note(self, behind: list[str]) -> None:
        if not behind:
            self._behind_since, self.trouble = None, ""
            self.synced.set()
        elif self._behind_since is None:
            self._behind_since = asyncio.get_running_loop().time()
        if behind and self.synced.is_set():
            self.trouble = f"the watches have not delivered {', '.join(behind[:3])} yet"
        self._metrics.synced.set(0 if behind else 1)

    async def _check(self, observer: Observer) -> list[str]:
        """Forget what is gone; returns what the watches have not delivered yet."""
        behind: list[str] = []
        for resource in WATCHED:
            before = {key: self._store.version(key) for key in self._store.keys(resource.kind)}
            listed = {key_of(each): version_of(each) for each in await self._list(resource)}
            for key in before.keys() - listed.keys():
                known = self._store.get(key)
                if known is not None and version_of(known) == before[key]:
                    logger.info("%s went away unnoticed", key)
                    observer.gone(known)
            behind += [
                str(key) for key, version in listed.items() if self._store.version(key) < version
            ]
        return behind

    async def _list(self, resource: Resource) -> list[JsonObject]:
        selector = selector_of(resource)
        return [
            manifest
            for namespace in self._namespaces
            for manifest in await self._client.list(resource, namespace, selector)
        ]


def _explain(error: KubeError | ValueError) -> str:
    """What is wrong, and what to do about it."""
    match error:
        case NotFoundError():
            kinds = " and ".join(resource.plural for resource in DECLARED)
            return f"the cluster does not know {kinds}: install the project's CRDs ({error})"
        case ForbiddenError():
            return f"the operator's role lacks a permission: {error}"
        case ValueError():
            return str(error)
        case _:
            return f"the API server does not answer as it should: {error}"

"""Observe a kind that the cluster may lack, and that may come and go while the operator runs.

kopf watches what is there when it starts. A kind that an add-on brings is watched here instead: it
is looked for while a service needs it, and followed by a watch while it is there. Nothing is asked
for it in a cluster where no service needs it.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Final

from speaker_operator.kube.client import KubeClient
from speaker_operator.kube.errors import ForbiddenError, KubeError, NotFoundError
from speaker_operator.kube.resources import SCALED_OBJECT, TTS_SERVICE, Key, key_of
from speaker_operator.reasons import Reason
from speaker_operator.reconcile.backoff import Backoff
from speaker_operator.reconcile.observe import Observer, selector_of
from speaker_operator.reconcile.plan import Problem
from speaker_operator.reconcile.queue import Queue
from speaker_operator.reconcile.store import Store, version_of

logger = logging.getLogger(__name__)

_PAUSE_SECONDS: Final = 1.0
"""Shortest time between two looks at a kind whose watch ends at once."""
_MISSING: Final = Problem(
    Reason.KEDA_MISSING,
    "the cluster has no ScaledObjects, which spec.autoscaling.engine keda makes; the number of "
    "pods stays as it is",
)
_UNKNOWN: Final = Problem(
    Reason.KEDA_UNKNOWN, "it is not known yet whether the cluster has KEDA's ScaledObjects"
)


class ScaledObjects:
    """KEDA's ScaledObjects, as far as the cluster has them."""

    def __init__(
        self,
        client: KubeClient,
        store: Store,
        observer: Observer,
        queue: Queue,
        *,
        namespaces: tuple[str, ...],
        check_seconds: float,
        backoff: Backoff,
    ) -> None:
        self._client = client
        self._store = store
        self._observer = observer
        self._queue = queue
        self._namespaces: tuple[str | None, ...] = namespaces or (None,)
        self._check_seconds = check_seconds
        self._backoff = backoff
        self._problem: Problem | None = _UNKNOWN
        self._needed = asyncio.Event()
        self._unanswered = set(self._namespaces)
        self.looked = asyncio.Event()
        """Set once the first look has had an answer, whatever it was."""

    def lacking(self) -> Mapping[str, Problem]:
        """The kind, and why it cannot be written, if it cannot."""
        return {} if self._problem is None else {SCALED_OBJECT.kind: self._problem}

    def need(self) -> None:
        """Say that a service is to have one: only then a kind that is missing is looked for."""
        self._needed.set()

    async def run(self) -> None:
        """Look and watch until cancelled."""
        async with asyncio.TaskGroup() as loops:
            for namespace in self._namespaces:
                loops.create_task(self._follow(namespace))

    async def _follow(self, namespace: str | None) -> None:
        failures = 0
        while True:
            self._needed.clear()
            try:
                await self._observe(namespace)
            except (NotFoundError, ForbiddenError) as error:
                failures, wait = 0, self._check_seconds
                self._lose(namespace, error)
            except KubeError as error:
                failures += 1
                wait = self._backoff.delay(failures)
                logger.warning("ScaledObjects not observed, next try in %.3g s: %s", wait, error)
            else:
                failures, wait = 0, _PAUSE_SECONDS
            self._note_answer(namespace)
            await asyncio.sleep(wait)
            if self._problem is not None and not self._dependents():
                await self._needed.wait()

    async def _observe(self, namespace: str | None) -> None:
        """Take in all there are, then what happens to them until the watch ends."""
        selector = selector_of(SCALED_OBJECT)
        known = self._known(namespace)
        objects, version = await self._client.snapshot(SCALED_OBJECT, namespace, selector)
        listed = {key_of(manifest) for manifest in objects}
        for manifest in objects:
            self._observer.present(manifest)
        for key in known.keys() - listed:
            self._forget(key, known[key])
        self._settle(None)
        self._note_answer(namespace)
        events = self._client.watch(SCALED_OBJECT, namespace, selector, version)
        async for kind, manifest in events:
            self._observer.event(kind, manifest)

    def _lose(self, namespace: str | None, error: KubeError) -> None:
        """Forget them: where the kind is gone, all of them are."""
        if isinstance(error, ForbiddenError):
            message = f"ScaledObjects: {error}"
            self._settle(Problem(error.reason, message))
            return
        for key, version in self._known(namespace).items():
            self._forget(key, version)
        self._settle(_MISSING)

    def _forget(self, key: Key, version: int) -> None:
        """Forget an object that has gone since it was of that version."""
        manifest = self._store.get(key)
        if manifest is not None and version_of(manifest) == version:
            self._observer.gone(manifest)

    def _settle(self, problem: Problem | None) -> None:
        if problem == self._problem:
            return
        self._problem = problem
        logger.info("ScaledObjects: %s", problem.message if problem else "the cluster has them")
        for key in self._dependents():
            self._queue.add(key)

    def _note_answer(self, namespace: str | None) -> None:
        self._unanswered.discard(namespace)
        if not self._unanswered:
            self.looked.set()

    def _known(self, namespace: str | None) -> dict[Key, int]:
        """The versions of those that are known."""
        return {
            key: self._store.version(key)
            for key in self._store.keys(SCALED_OBJECT.kind)
            if namespace is None or key.namespace == namespace
        }

    def _dependents(self) -> list[Key]:
        services = self._store.everywhere(TTS_SERVICE.kind)
        return sorted(key_of(each) for each in services if _depends(each))


def _depends(service: Mapping[str, Any]) -> bool:
    return bool(service["spec"].get("autoscaling", {}).get("engine") == "keda")

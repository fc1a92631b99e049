"""Observe a kind that the cluster may lack, and that may come and go while the operator runs.

What is always there is listed and watched without end. A kind that an add-on brings may be gone: it
is looked for while a service needs it, and followed by a watch while it is there. Nothing is asked
for it in a cluster where no service needs it.
"""

import asyncio
import logging
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from speaker_operator.kube.client import KubeClient
from speaker_operator.kube.errors import ForbiddenError, KubeError, NotFoundError
from speaker_operator.kube.resources import (
    HTTP_ROUTE,
    SCALED_OBJECT,
    TTS_SERVICE,
    Key,
    Resource,
    key_of,
)
from speaker_operator.reasons import Reason
from speaker_operator.reconcile.backoff import Backoff
from speaker_operator.reconcile.feed import Feed
from speaker_operator.reconcile.observe import Observer
from speaker_operator.reconcile.plan import Problem
from speaker_operator.reconcile.queue import Queue
from speaker_operator.reconcile.store import Store

logger = logging.getLogger(__name__)

_PAUSE_SECONDS: Final = 1.0
"""Shortest time between two looks at a kind whose watch ends at once."""


@dataclass(frozen=True)
class OptionalKind:
    """A kind that the cluster may lack, and what to say then."""

    resource: Resource
    missing: Problem
    unknown: Problem
    needed_by: Callable[[Mapping[str, Any]], bool]
    """Whether a service, as the API server has it, is to have one."""


def _scales_with_keda(service: Mapping[str, Any]) -> bool:
    return bool(service["spec"].get("autoscaling", {}).get("engine") == "keda")


def _has_a_route(service: Mapping[str, Any]) -> bool:
    return "httpRoute" in service["spec"].get("expose", {})


SCALED_OBJECTS: Final = OptionalKind(
    SCALED_OBJECT,
    missing=Problem(
        Reason.KEDA_MISSING,
        "the cluster has no ScaledObjects, which spec.autoscaling.engine keda makes; the number of "
        "pods stays as it is",
    ),
    unknown=Problem(
        Reason.KEDA_UNKNOWN, "it is not known yet whether the cluster has KEDA's ScaledObjects"
    ),
    needed_by=_scales_with_keda,
)
HTTP_ROUTES: Final = OptionalKind(
    HTTP_ROUTE,
    missing=Problem(
        Reason.GATEWAY_API_MISSING,
        "the cluster has no HTTPRoutes, which spec.expose.httpRoute makes; the service is reached "
        "inside the cluster",
    ),
    unknown=Problem(
        Reason.GATEWAY_API_UNKNOWN, "it is not known yet whether the cluster has HTTPRoutes"
    ),
    needed_by=_has_a_route,
)
OPTIONAL_KINDS: Final = (SCALED_OBJECTS, HTTP_ROUTES)


class OptionalKinds:
    """All of them, for whoever does not care which."""

    def __init__(self, followers: Iterable["Follower"]) -> None:
        self._followers = tuple(followers)

    def lacking(self) -> Mapping[str, Problem]:
        """The kinds that cannot be written, and why."""
        return {each.kind: each.problem for each in self._followers if each.problem is not None}

    def need(self, kinds: Container[str]) -> None:
        """Say that a service is to have some of these kinds: only then they are looked for."""
        for each in self._followers:
            if each.kind in kinds:
                each.need()

    async def run(self) -> None:
        """Look and watch until cancelled."""
        async with asyncio.TaskGroup() as loops:
            for each in self._followers:
                loops.create_task(each.run())

    @property
    def looked(self) -> tuple[asyncio.Event, ...]:
        """Set once the first looks have had their answers, whatever these were."""
        return tuple(each.looked for each in self._followers)


class Follower:
    """The objects of one kind, as far as the cluster has them."""

    def __init__(
        self,
        optional: OptionalKind,
        client: KubeClient,
        store: Store,
        observer: Observer,
        queue: Queue,
        *,
        namespaces: tuple[str, ...],
        check_seconds: float,
        backoff: Backoff,
    ) -> None:
        self._optional = optional
        self._resource = optional.resource
        self._store = store
        self._queue = queue
        self._feeds = {
            namespace: Feed(
                optional.resource, namespace, client=client, store=store, observer=observer
            )
            for namespace in (namespaces or (None,))
        }
        self._check_seconds = check_seconds
        self._backoff = backoff
        self.problem: Problem | None = optional.unknown
        """Why none can be written, if none can."""
        self._needed = asyncio.Event()
        self._unanswered = set(self._feeds)
        self.looked = asyncio.Event()
        """Set once the first look has had an answer, whatever it was."""

    @property
    def kind(self) -> str:
        """Which kind."""
        return self._resource.kind

    def need(self) -> None:
        """Say that a service is to have one: only then a kind that is missing is looked for."""
        self._needed.set()

    async def run(self) -> None:
        """Look and watch until cancelled."""
        async with asyncio.TaskGroup() as loops:
            for namespace in self._feeds:
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
                logger.warning(
                    "%s not observed, next try in %.3g s: %s", self._resource.plural, wait, error
                )
            else:
                failures, wait = 0, _PAUSE_SECONDS
            self._note_answer(namespace)
            await asyncio.sleep(wait)
            if self.problem is not None and not self._dependents():
                await self._needed.wait()

    async def _observe(self, namespace: str | None) -> None:
        """Take in all there are, then what happens to them until the watch ends."""
        feed = self._feeds[namespace]
        await feed.list()
        self._settle(None)
        self._note_answer(namespace)
        await feed.watch()

    def _lose(self, namespace: str | None, error: KubeError) -> None:
        """Forget them: where the kind is gone, all of them are."""
        if isinstance(error, ForbiddenError):
            self._settle(Problem(error.reason, f"{self._resource.plural}: {error}"))
            return
        self._feeds[namespace].lose()
        self._settle(self._optional.missing)

    def _settle(self, problem: Problem | None) -> None:
        if problem == self.problem:
            return
        self.problem = problem
        found = problem.message if problem else "the cluster has them"
        logger.info("%s: %s", self._resource.plural, found)
        for key in self._dependents():
            self._queue.add(key)

    def _note_answer(self, namespace: str | None) -> None:
        self._unanswered.discard(namespace)
        if not self._unanswered:
            self.looked.set()

    def _dependents(self) -> list[Key]:
        services = self._store.everywhere(TTS_SERVICE.kind)
        return sorted(key_of(each) for each in services if self._optional.needed_by(each))

"""Watch what people declare with kopf, whatever happens to the API server."""

import asyncio
import logging
import signal
from collections.abc import Callable, Collection, Iterator
from typing import Any, Final

import kopf

from speaker_operator.kube.connection import connection_info
from speaker_operator.kube.resources import DECLARED
from speaker_operator.reconcile.backoff import Backoff
from speaker_operator.reconcile.observe import Observer
from speaker_operator.settings import Settings

logger = logging.getLogger(__name__)

_STEADY_SECONDS: Final = 60.0
"""After so long, what ended the watching has nothing to do with what did before."""
_INACTIVE_SECONDS: Final = 90.0
"""The API server sends a bookmark every minute: longer silence is that of a dead connection."""


class _Persistence:
    """Waits between tries, without end: what cannot be read now can be read later."""

    def __iter__(self) -> Iterator[float]:
        yield from (0.2, 0.5, 1.0)
        while True:
            yield 2.0


class _Everything(Collection[Any]):
    """The tasks that are not kopf's to cancel: it takes all that began after it for its own."""

    def __contains__(self, _: object) -> bool:
        return True

    def __iter__(self) -> Iterator[Any]:
        return iter(asyncio.all_tasks())

    def __len__(self) -> int:
        return len(asyncio.all_tasks())


class _NoMemory(kopf.DiffBaseStorage):
    """Keeps no last-seen state: handlers of events have none, yet kopf would copy every object."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        """Nothing of the object."""
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        """Nothing is kept."""
        return None

    def store(self, **_: Any) -> None:
        """Keep nothing."""


async def watch(settings: Settings, observer: Observer, stop: Callable[[], object]) -> None:
    """Hand all that is declared to the observer, until cancelled.

    Args:
        settings: Which namespaces, and how patiently.
        observer: What is told.
        stop: What SIGTERM and SIGINT call, also after kopf took them over.
    """
    loop, backoff, failures = asyncio.get_running_loop(), Backoff(), 0
    while True:
        began = loop.time()
        try:
            tasks = await kopf.spawn_tasks(
                registry=_registry(observer),
                settings=_kopf_settings(settings),
                standalone=True,
                clusterwide=not settings.namespaces,
                namespaces=settings.namespaces,
            )
            stop_on_signals(stop)
            await kopf.run_tasks(tasks, ignored=_Everything())
            logger.warning("Watching ended; it begins anew")
        except Exception as error:  # noqa: BLE001 - kopf gives up on what can pass: a Gone, a 404
            failures = 1 if loop.time() - began > _STEADY_SECONDS else failures + 1
            wait = backoff.delay(failures)
            logger.warning("Watching broke, it begins anew in %.3g s: %s", wait, error)
            await asyncio.sleep(wait)


def stop_on_signals(stop: Callable[[], object]) -> None:
    """Have SIGTERM and SIGINT call ``stop``."""
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)


def _registry(observer: Observer) -> kopf.OperatorRegistry:
    """Register with kopf what the operator wants to hear of; ``on.event`` writes to no object."""
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.ConnectionInfo:
        return connection_info()

    async def observe(event: kopf.RawEvent, **_: Any) -> None:
        observer.event(event["type"], dict(event["object"]))

    for resource in DECLARED:
        kopf.on.event(resource.group, resource.version, resource.plural, registry=registry)(observe)
    return registry


def _kopf_settings(settings: Settings) -> kopf.OperatorSettings:
    """Bound every wait; kopf's own discovery of new kinds and namespaces is not needed."""
    result = kopf.OperatorSettings()
    result.posting.enabled = False
    result.scanning.disabled = True
    result.networking.connect_timeout = 5
    result.networking.request_timeout = settings.api_timeout_seconds
    result.networking.error_backoffs = _Persistence()
    result.watching.connect_timeout = 5
    result.watching.server_timeout = 300
    result.watching.client_timeout = 330
    result.watching.inactivity_timeout = _INACTIVE_SECONDS
    result.watching.chunk_size = 500
    result.persistence.diffbase_storage = _NoMemory()
    result.process.ultimate_exiting_timeout = None  # watching may end, and begin anew
    return result

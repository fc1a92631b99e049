"""Follows objects by their metadata alone: that they change, and never what is in them."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from speaker_operator.kube.client import KubeClient, Versions
from speaker_operator.kube.errors import KubeError
from speaker_operator.kube.resources import Resource
from speaker_operator.reconcile.backoff import Backoff

logger = logging.getLogger(__name__)

_BACKOFF: Final = Backoff(base_seconds=1.0, cap_seconds=30.0)
_PAUSE_SECONDS: Final = 0.2
"""Before a watch is begun anew that the API server ended, as it does every few minutes."""


class VersionWatch:
    """Watches the objects of one kind in a namespace, or one of them, until it is stopped.

    Args:
        client: Speaks to the API server.
        resource: Their kind.
        namespace: Where they are.
        name: The only one that matters; all of them if None.
        heard: Takes the versions: of all of them at first, and whenever the watch begins anew.
        unheard: Is called at every try at which nothing could be heard.
    """

    def __init__(
        self,
        client: KubeClient,
        resource: Resource,
        namespace: str,
        name: str | None = None,
        *,
        heard: Callable[[Versions], None],
        unheard: Callable[[], None],
    ) -> None:
        self._client = client
        self._resource = resource
        self._namespace = namespace
        self._name = name
        self._heard = heard
        self._unheard = unheard
        self._task = asyncio.create_task(self._run())

    def stop(self) -> None:
        """Watch no more."""
        self._task.cancel()

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                async for versions in self._client.watch_versions(
                    self._resource, self._namespace, self._name
                ):
                    if not versions.is_all:  # else listing is allowed, and watching may not be
                        failures = 0
                    self._heard(versions)
                failures = 0
                await asyncio.sleep(_PAUSE_SECONDS)
            except Exception as error:  # noqa: BLE001 - unheard news are worse than any error
                failures += 1
                wait = _BACKOFF.delay(failures)
                self._report(error, wait, is_news=failures == 1)
                self._unheard()
                await asyncio.sleep(wait)

    def _report(self, error: Exception, wait: float, *, is_news: bool) -> None:
        expected = isinstance(error, KubeError)
        level = logging.WARNING if expected else logging.ERROR
        what = f"{self._resource.kind} {self._name}" if self._name else f"{self._resource.kind}s"
        logger.log(
            level if is_news else logging.DEBUG,
            "%s of %s not watched, next try in %.3g s: %s",
            what,
            self._namespace,
            wait,
            error,
            exc_info=None if expected else error,
        )

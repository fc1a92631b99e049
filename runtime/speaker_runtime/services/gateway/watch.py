"""Asks every server whether it serves, how much waits there, and what it has."""

import asyncio
import json
import logging
import time
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from speaker_runtime.contract import READY_PATH
from speaker_runtime.services.gateway import outward
from speaker_runtime.services.gateway.offering import (
    Offering,
    UnreadableError,
    declared,
    read_models,
    read_voices,
)
from speaker_runtime.services.gateway.outward import OutOfReachError, Outward
from speaker_runtime.services.gateway.upstream import Server

logger = logging.getLogger(__name__)

PROBE_SECONDS: Final = 1.0
"""Between two probes of a server of ours, and of any that is out of service at first."""
FAR_PROBE_SECONDS: Final = 15.0
"""Between two probes of somebody else's server."""
REFRESH_SECONDS: Final = 10.0
"""How old a server's lists may become."""
_MOST_PROBE_SECONDS: Final = 30.0
_ANSWER_SECONDS: Final = 2.0
_FAR_ANSWER_SECONDS: Final = 10.0
_STALE_SECONDS: Final = 0.5
"""A list that is younger is not asked for again because a request names what is not in it."""


class Watch:
    """Watches one server until it is stopped.

    Args:
        server: Whom to watch.
        way: The way to it.
    """

    def __init__(self, server: Server, way: Outward) -> None:
        self.server = server
        self._way = way
        self._refreshed = float("-inf")
        self._refreshing = asyncio.Lock()
        self._first = asyncio.Event()
        self._is_ours = server.upstream.kind == "speaker"
        self._task = asyncio.create_task(self._run(), name=f"watch {server.name}")

    async def stop(self) -> None:
        """Watch no longer."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def first_probe(self) -> None:
        """Wait until the server has been asked once."""
        await self._first.wait()

    async def refresh(self, older_than: float | None = None) -> None:
        """Have the server list anew what it has, unless it did just now.

        Somebody else's server is not asked more often because clients ask for what it has not.
        """
        if older_than is None:
            older_than = _STALE_SECONDS if self._is_ours else FAR_PROBE_SECONDS
        async with self._refreshing:
            if time.monotonic() - self._refreshed < older_than:
                return
            self._refreshed = time.monotonic()
            try:
                self.server.offering = await self._listed()
                self.server.is_known = True
            except (OutOfReachError, UnreadableError) as error:
                self._refreshed = float("-inf")
                self.server.failed(str(error))

    async def _run(self) -> None:
        failures = 0
        while True:
            was = self.server.in_service
            await self._probe()
            self._first.set()
            now = self.server.in_service
            if now != was:
                fields = {"upstream": self.server.name, "reason": self.server.reason}
                told = "a server is in service" if now else "a server is out of service"
                logger.info(told, extra={"fields": fields})
            failures = 0 if now else failures + 1
            await asyncio.sleep(self._pause(failures))

    def _pause(self, failures: int) -> float:
        if self._is_ours:
            return PROBE_SECONDS
        if not failures:
            return FAR_PROBE_SECONDS
        return min(_MOST_PROBE_SECONDS, PROBE_SECONDS * 2.0 ** min(failures - 1, 5))

    async def _probe(self) -> None:
        """Ask the server whether it serves; it does once it has told what it has, too."""
        try:
            queued = await self._asked()
        except (OutOfReachError, UnreadableError) as error:
            self.server.failed(str(error))
            return
        await self.refresh(REFRESH_SECONDS)
        if self.server.is_known:
            self.server.succeeded(queued)

    async def _asked(self) -> float:
        """Seconds of speech that wait there.

        Raises:
            OutOfReachError: It does not answer.
            UnreadableError: It answers that it does not serve.
        """
        upstream = self.server.upstream
        path = READY_PATH if self._is_ours else upstream.ready_path
        if path is None:
            await self._listed_models()
            return 0.0
        url = outward.root_address(upstream, path)
        status, body = await self._way.read(upstream, url, seconds=self._patience)
        said = _said(body) if self._is_ours else {}
        if status != HTTPStatus.OK:
            phase, reason = said.get("phase"), said.get("reason")
            told = f"{phase}: {reason}" if phase and reason else phase or f"status {status}"
            raise UnreadableError(f"it is not ready ({told})")
        queued = said.get("queued_seconds")
        return float(queued) if isinstance(queued, int | float) else 0.0

    @property
    def _patience(self) -> float:
        return _ANSWER_SECONDS if self._is_ours else _FAR_ANSWER_SECONDS

    async def _listed(self) -> Offering:
        """What the server has: as it was declared, else as it lists it."""
        upstream = self.server.upstream
        known = declared(upstream)
        models = known.models or await self._listed_models()
        if known.voices is not None:
            return Offering(models, known.voices)
        url = outward.address(upstream, "/audio/voices")
        status, body = await self._way.read(upstream, url, seconds=self._patience)
        if status == HTTPStatus.OK:
            return Offering(models, read_voices(body))
        if self._is_ours:
            raise UnreadableError(f"it lists no voices (status {status})")
        return Offering(models, None)

    async def _listed_models(self) -> tuple[str, ...]:
        upstream = self.server.upstream
        url = outward.address(upstream, "/models")
        status, body = await self._way.read(upstream, url, seconds=self._patience)
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise UnreadableError(f"it does not accept the gateway's API key (status {status})")
        if status == HTTPStatus.NOT_FOUND and not self._is_ours:
            return ()
        if status != HTTPStatus.OK:
            raise UnreadableError(f"it lists no models (status {status})")
        return read_models(body)


def _said(body: bytes) -> dict[str, object]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


async def refresh_all(watches: Iterable[Watch]) -> None:
    """Have all servers that are in service list anew what they have."""
    await asyncio.gather(*(each.refresh() for each in watches if each.server.in_service))

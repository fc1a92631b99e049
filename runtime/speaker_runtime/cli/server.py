"""The server process: from its first connection to its last response."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

import uvicorn

from speaker_runtime.cli.unread import all_read
from speaker_runtime.http.stream.conversation import MAX_MESSAGE_BYTES

if TYPE_CHECKING:
    from fastapi import FastAPI

logger = logging.getLogger(__name__)

_KEEP_ALIVE_SECONDS: Final = 65
"""Longer than the pools of common clients and proxies keep a connection, so that they end it."""
_CLOSE_SECONDS: Final = 2
"""What is left for open connections, however late it is, once every response is given."""


class Work(Protocol):
    """What the process does behind its connections."""

    async def ended(self) -> Exception | None:
        """Wait until it has ended; return what it failed of, if it did."""

    async def drain(self) -> None:
        """Take nothing new, let what has begun finish within bounds, and end."""

    def abort(self) -> None:
        """End at once."""


class _Uvicorn(uvicorn.Server):
    """Leaves the signals to :class:`Server`, which lets responses finish first."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


class Server:
    """Serves one application until a signal, or the end of the work behind it.

    Args:
        app: What is served.
        name: Of the TTSService.
        work: What is done behind it.
        drain_seconds: For which clients may go on to read after the signal.
    """

    def __init__(self, app: "FastAPI", name: str, work: Work, drain_seconds: int) -> None:
        self._name = name
        self._work = work
        self._drain_seconds = drain_seconds
        self._until = 0.0
        """When the time to read is over, on the event loop's clock."""
        self._ending: asyncio.Task[None] | None = None
        self._uvicorn = _Uvicorn(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_CLOSE_SECONDS,
                ws_max_size=MAX_MESSAGE_BYTES,
                ws_per_message_deflate=False,
            )
        )

    @property
    def loop_factory(self) -> Callable[[], asyncio.AbstractEventLoop] | None:
        """Makes the event loop to serve on: uvloop, wherever that is to be had."""
        return self._uvicorn.config.get_loop_factory()

    async def serve(self, listener: socket.socket) -> Exception | None:
        """Serve until told to end; return what the work failed of, if it did."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal)
        host, port = listener.getsockname()[:2]
        fields = {"host": host, "port": port, "service": self._name}
        logger.info("listening", extra={"fields": fields})
        work_ended = asyncio.create_task(self._watch())
        await self._uvicorn.serve(sockets=[listener])
        if not self._uvicorn.force_exit:
            await all_read(port, self._until - loop.time())
        return await work_ended

    async def _watch(self) -> Exception | None:
        failure = await self._work.ended()
        self._uvicorn.should_exit = True
        return failure

    def _on_signal(self) -> None:
        if self._ending is not None:
            self._uvicorn.should_exit = self._uvicorn.force_exit = True
            self._work.abort()
            return
        logger.info("ending; running responses may finish first")
        self._until = asyncio.get_running_loop().time() + self._drain_seconds
        self._ending = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        await self._work.drain()
        left = self._until - asyncio.get_running_loop().time()
        self._uvicorn.config.timeout_graceful_shutdown = max(_CLOSE_SECONDS, round(left))
        self._uvicorn.should_exit = True

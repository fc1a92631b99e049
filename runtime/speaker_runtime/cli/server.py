"""The server process: from its first connection to its last response."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import uvicorn

from speaker_runtime.contract import RuntimeConfig, VoiceManifest
from speaker_runtime.engine.engine import Engine
from speaker_runtime.http.app import create_app
from speaker_runtime.http.stream.conversation import MAX_MESSAGE_BYTES

if TYPE_CHECKING:
    from speaker_runtime.services.service import SpeechService

logger = logging.getLogger(__name__)

_KEEP_ALIVE_SECONDS: Final = 65
"""Longer than the pools of common clients and proxies keep a connection, so that they end it."""
_CLOSE_SECONDS: Final = 2
"""What is left for open connections once every response is complete or given up."""
_STOP_SECONDS: Final = 5.0
"""How long the engine may take to end its last step."""


class _Uvicorn(uvicorn.Server):
    """Leaves the signals to :class:`Server`, which lets responses finish first."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


class Server:
    """Serves one application until a signal, or a failure of the engine."""

    def __init__(
        self,
        config: RuntimeConfig,
        manifest: VoiceManifest,
        engine: Engine,
        shared_cache: str | None,
    ) -> None:
        self._config = config
        self._engine = engine
        self._ending: asyncio.Task[None] | None = None
        app = create_app(config, manifest, engine, shared_cache)
        self._service: SpeechService = app.state.runtime.service
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
        """Serve until told to end; return what the engine failed of, if it did."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal)
        host, port = listener.getsockname()[:2]
        fields = {"host": host, "port": port, "service": self._config.service}
        logger.info("listening", extra={"fields": fields})
        engine_ended = asyncio.create_task(self._watch_engine())
        await self._uvicorn.serve(sockets=[listener])
        return await engine_ended

    async def _watch_engine(self) -> Exception | None:
        failure = await asyncio.to_thread(self._engine.wait)
        self._uvicorn.should_exit = True
        return failure

    def _on_signal(self) -> None:
        if self._ending is not None:
            self._uvicorn.should_exit = self._uvicorn.force_exit = True
            self._engine.stop(timeout=0)
            return
        logger.info("ending; running responses may finish first")
        self._ending = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        await self._service.drain(self._config.serving.drain_seconds)
        await asyncio.to_thread(self._engine.stop, _STOP_SECONDS)
        self._uvicorn.should_exit = True

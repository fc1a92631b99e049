"""``speaker-runtime serve``: the server process, from its configuration to its last response."""

import asyncio
import logging
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import uvicorn

from speaker_runtime.backends.registry import UnknownBackendError
from speaker_runtime.cli import logs
from speaker_runtime.cli.documents import InvalidConfigError, Problem, read_documents
from speaker_runtime.cli.ending import end
from speaker_runtime.contract import CONFIG_FILE, ExitCode, RuntimeConfig, VoiceManifest
from speaker_runtime.http.app import create_app
from speaker_runtime.models.errors import ModelError

if TYPE_CHECKING:
    from speaker_runtime.http.runtime import Runtime

logger = logging.getLogger(__name__)

_KEEP_ALIVE_SECONDS: Final = 65
"""Longer than the pools of common clients and proxies keep a connection, so that they end it."""
_CLOSE_SECONDS: Final = 2
"""What is left for open connections once every response is complete or given up."""
_STOP_SECONDS: Final = 5.0
"""How long the engine may take to end its last step."""
_BACKLOG: Final = 512


def run(directory: Path, host: str, port: int) -> ExitCode:
    """Serve the configuration in ``directory`` until SIGTERM or SIGINT, or until the model fails.

    A model that cannot be loaded ends the process: the kubelet then tries again with backoff and
    shows the exit code and the reason, where a live process that is never ready would show nothing.
    """
    try:
        config, manifest = read_documents(directory)
        listener = _listen(host, port)
        logs.configure()
        return asyncio.run(_Process(config, manifest).serve(listener))
    except InvalidConfigError as error:
        return end(ExitCode.INVALID_CONFIG, str(error))
    except UnknownBackendError as error:
        where = f"{directory / CONFIG_FILE}: backend"
        remedy = "name an installed backend, or install the package that brings it"
        wrong = InvalidConfigError((Problem(where, str(error), remedy),))
        return end(ExitCode.INVALID_CONFIG, str(wrong))
    except OSError as error:
        return end(ExitCode.FAILED, f"Cannot listen on {host}:{port}: {error}. Use another --port.")


class _Server(uvicorn.Server):
    """Leaves the signals to :class:`_Process`, which lets responses finish first."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Process:
    """One server: it ends by a signal, or by a failure of the engine."""

    def __init__(self, config: RuntimeConfig, manifest: VoiceManifest) -> None:
        self._config = config
        self._failure: Exception | None = None
        self._ending: asyncio.Task[None] | None = None
        app = create_app(config, manifest, self._on_failure)
        self._runtime: Runtime = app.state.runtime
        self._server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_CLOSE_SECONDS,
            )
        )

    async def serve(self, listener: socket.socket) -> ExitCode:
        """Serve until told to end; return how the process should exit."""
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._on_signal)
        host, port = listener.getsockname()[:2]
        logger.info(
            "listening",
            extra={"fields": {"host": host, "port": port, "service": self._config.service}},
        )
        await self._server.serve(sockets=[listener])
        return ExitCode.OK if self._failure is None else _ended_by(self._failure)

    def _on_signal(self) -> None:
        if self._ending is not None:
            self._server.should_exit = self._server.force_exit = True
            return
        logger.info("ending; running responses may finish first")
        self._ending = self._loop.create_task(self._drain())

    async def _drain(self) -> None:
        await self._runtime.service.drain(self._config.serving.drain_seconds)
        await asyncio.to_thread(self._runtime.engine.stop, _STOP_SECONDS)
        self._server.should_exit = True

    def _on_failure(self, error: Exception) -> None:
        """Called on the engine's thread."""
        self._failure = error
        self._server.should_exit = True


def _ended_by(error: Exception) -> ExitCode:
    if isinstance(error, ModelError):
        return end(error.exit_code, str(error))
    logger.error("the engine failed", exc_info=error)
    return end(ExitCode.FAILED, f"The engine failed: {error!r}")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG)

"""``speaker-runtime serve``: checks the configuration, starts the model and then the server."""

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from speaker_runtime.backends.protocol import DeviceUnavailableError
from speaker_runtime.cli import logs
from speaker_runtime.cli.documents import (
    InvalidConfigError,
    Problem,
    is_gateway,
    read_documents,
    read_gateway,
)
from speaker_runtime.cli.ending import end
from speaker_runtime.contract import SHARED_CACHE_VARIABLE, ExitCode
from speaker_runtime.engine.placing import create_engine
from speaker_runtime.models.errors import ModelError

if TYPE_CHECKING:
    from speaker_runtime.cli.server import Server

logger = logging.getLogger(__name__)

_BACKLOG: Final = 512


def run(directory: Path, host: str, port: int) -> ExitCode:
    """Serve the configuration in ``directory`` until SIGTERM or SIGINT, or until the model fails.

    A model that cannot be loaded ends the process: the kubelet then tries again with backoff and
    shows the exit code and the reason, where a live process that is never ready would show nothing.
    """
    serving = _gateway if is_gateway(directory) else _model
    try:
        prepared = serving(directory)
    except InvalidConfigError as error:
        return end(ExitCode.INVALID_CONFIG, str(error))
    try:
        listener = listen(host, port)
    except OSError as error:
        return end(ExitCode.FAILED, f"Cannot listen on {host}:{port}: {error}. Use another --port.")
    logs.configure()
    server = prepared()
    with asyncio.Runner(loop_factory=server.loop_factory) as runner:
        failure = runner.run(server.serve(listener))
    return ExitCode.OK if failure is None else _ended_by(failure)


# What serves is imported when the configuration is known to be right: it is most of the time
# until the first speech, and a model can load meanwhile.


def _model(directory: Path) -> Callable[[], "Server"]:
    shared_cache = os.environ.get(SHARED_CACHE_VARIABLE) or None
    config, manifest = read_documents(directory)
    engine = create_engine(config)
    _check_shared_cache(shared_cache)

    def prepared() -> "Server":
        engine.start()
        from speaker_runtime.cli.modelserver import model_server  # noqa: PLC0415

        return model_server(config, manifest, engine, shared_cache)

    return prepared


def _gateway(directory: Path) -> Callable[[], "Server"]:
    config, routes = read_gateway(directory)

    def prepared() -> "Server":
        from speaker_runtime.cli.gatewayserver import gateway_server  # noqa: PLC0415

        return gateway_server(config, routes)

    return prepared


def _check_shared_cache(url: str | None) -> None:
    if url is None:
        return
    from speaker_runtime.services.cache.shared import (  # noqa: PLC0415  only where it is used
        InvalidAddressError,
        check_address,
    )

    try:
        check_address(url)
    except InvalidAddressError as error:
        remedy = "write for example redis://:PASSWORD@redis.speech:6379/0"
        problem = Problem(f"environment: {SHARED_CACHE_VARIABLE}", str(error), remedy)
        raise InvalidConfigError((problem,)) from None


def _ended_by(error: Exception) -> ExitCode:
    if isinstance(error, ModelError):
        return end(error.exit_code, str(error))
    if isinstance(error, DeviceUnavailableError):
        return end(ExitCode.FAILED, f"The model's device cannot be used: {error}. {error.remedy}")
    logger.error("the engine failed", exc_info=error)
    return end(ExitCode.FAILED, f"The engine failed: {error!r}")


def listen(host: str, port: int) -> socket.socket:
    """Listen for connections.

    Raises:
        OSError: The address is taken, or none of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    # Connections inherit it. Without, a small chunk waits for the client to acknowledge the one
    # before, which clients do 40 ms late.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener

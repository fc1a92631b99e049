"""A server of one model: what is done behind its connections is speaking."""

import asyncio
from typing import Final

from speaker_runtime.cli.server import Server
from speaker_runtime.contract import RuntimeConfig, VoiceManifest
from speaker_runtime.engine.engine import Engine
from speaker_runtime.http.app import create_app
from speaker_runtime.services.service import SpeechService

_STOP_SECONDS: Final = 5.0
"""How long the engine may take to end its last step."""


def model_server(
    config: RuntimeConfig, manifest: VoiceManifest, engine: Engine, shared_cache: str | None
) -> Server:
    """Make the server of a model that is being loaded."""
    app = create_app(config, manifest, engine, shared_cache)
    service: SpeechService = app.state.runtime.service
    work = _Speaking(engine, service, config.serving.drain_seconds)
    return Server(app, config.service, work, config.serving.drain_seconds)


class _Speaking:
    """The engine and the service in front of it."""

    def __init__(self, engine: Engine, service: SpeechService, drain_seconds: int) -> None:
        self._engine = engine
        self._service = service
        self._drain_seconds = drain_seconds

    async def ended(self) -> Exception | None:
        return await asyncio.to_thread(self._engine.wait)

    async def drain(self) -> None:
        await self._service.drain(self._drain_seconds)
        await asyncio.to_thread(self._engine.stop, _STOP_SECONDS)

    def abort(self) -> None:
        self._engine.stop(timeout=0)

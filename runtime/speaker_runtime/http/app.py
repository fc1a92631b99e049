"""Builds the application: parts, routes, middleware; no server and no signals."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from fastapi import FastAPI
from starlette.responses import Response
from starlette.types import Lifespan

from speaker_runtime.contract import (
    MOST_CLIP_BYTES,
    MOST_VOICES_BYTES,
    VOICE_AUDIO_PATH,
    VOICE_SYNC_PATH,
    RuntimeConfig,
    VoiceManifest,
)
from speaker_runtime.engine.engine import Engine
from speaker_runtime.engine.placing import create_engine
from speaker_runtime.engine.state import Phase
from speaker_runtime.http import errors
from speaker_runtime.http.disconnect import ClientGoneError
from speaker_runtime.http.envelope import ERRORS_PATH
from speaker_runtime.http.middleware import BodyLimit, RequestLog
from speaker_runtime.http.openapi.schema import TAGS, DescribedApi
from speaker_runtime.http.routes import (
    capabilities,
    docs,
    health,
    internal,
    metrics,
    models,
    preview,
    speech,
    status,
    stream,
    voices,
)
from speaker_runtime.http.runtime import Runtime
from speaker_runtime.services.cache.opening import open_cache
from speaker_runtime.services.metrics import RuntimeMetrics
from speaker_runtime.services.models import ModelNames
from speaker_runtime.services.references.opening import open_cloner
from speaker_runtime.services.service import SpeechService

if TYPE_CHECKING:
    from speaker_runtime.services.voicesync import VoiceSync

logger = logging.getLogger(__name__)

_STOP_SECONDS: Final = 5.0
"""How long the engine may take to end its last step."""
_LOADED_SECONDS: Final = 0.05
"""How often it is looked whether the model is loaded."""
_BYTES_PER_CHARACTER: Final = 12
"""JSON may write one character as two escapes of six bytes each."""
_BYTES_BESIDE_INPUT: Final = 64 * 1024


def create_app(
    config: RuntimeConfig,
    manifest: VoiceManifest,
    engine: Engine | None = None,
    shared_cache: str | None = None,
) -> FastAPI:
    """Build the application of one service; its lifespan starts and stops the engine.

    Args:
        config: What to serve and how.
        manifest: Who speaks.
        engine: What speaks, where it is loading already; else one is made.
        shared_cache: Address of a Redis or Valkey server to share spoken audio with.

    Raises:
        UnknownBackendError: The configuration's backend is not installed.
        InvalidAddressError: ``shared_cache`` is none of a Redis server.
    """
    runtime = _build(config, manifest, engine or create_engine(config), shared_cache)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        runtime.engine.start()
        async with _cloning(runtime):
            yield
        await asyncio.to_thread(runtime.engine.stop, _STOP_SECONDS)
        runtime.service.close()

    app = described(lifespan)
    app.state.runtime = runtime
    docs.install(app)
    errors.install(app)
    app.add_exception_handler(ClientGoneError, gone_client)
    longest = longest_body(config.serving.max_input_characters)
    synced = {VOICE_SYNC_PATH: MOST_VOICES_BYTES, VOICE_AUDIO_PATH: MOST_CLIP_BYTES}
    longer = {} if config.voice_sync is None else synced
    app.add_middleware(BodyLimit, max_bytes=longest, exceptions=longer)
    app.add_middleware(RequestLog)
    return app


def described(lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    """An application with every path of the API, and its description; it has no parts yet."""
    app = DescribedApi(
        title="Speaker TTS",
        version=version("speaker-tts"),
        description="Text to speech over an API that OpenAI's clients speak. Errors are listed at "
        f"[{ERRORS_PATH}]({ERRORS_PATH}).",
        openapi_tags=[dict(tag) for tag in TAGS],
        generate_unique_id_function=lambda route: route.name,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    for area in (
        speech,
        preview,
        stream,
        voices,
        capabilities,
        models,
        health,
        status,
        metrics,
        internal,
    ):
        app.include_router(area.router)
    return app


def longest_body(characters: int) -> int:
    """Bytes of the longest body around a text of so many characters."""
    return characters * _BYTES_PER_CHARACTER + _BYTES_BESIDE_INPUT


@asynccontextmanager
async def _cloning(runtime: Runtime) -> AsyncIterator[None]:
    """Make the voices that were declared from the start, once the model is loaded."""
    cloner = runtime.service.cloner
    if cloner is None:
        yield
        return
    begun = asyncio.create_task(_begin_cloning(runtime))
    try:
        yield
    finally:
        begun.cancel()
        await asyncio.gather(begun, return_exceptions=True)
        await cloner.close()


async def _begin_cloning(runtime: Runtime) -> None:
    while runtime.engine.state.phase is not Phase.READY:  # noqa: ASYNC110  it knows no event loop
        await asyncio.sleep(_LOADED_SECONDS)
    runtime.service.catalogue()


def _build(
    config: RuntimeConfig, manifest: VoiceManifest, engine: Engine, shared_cache: str | None
) -> Runtime:
    counted = RuntimeMetrics(config.backend, lambda: engine.load, lambda: engine.copies)
    cache = open_cache(config, shared_cache, counted.cache)
    cloner = open_cloner(config, engine, counted)
    service = SpeechService(engine, manifest, config.serving, counted, cache, cloner=cloner)
    return Runtime(
        config=config,
        engine=engine,
        service=service,
        models=ModelNames(config.backend),
        metrics=counted,
        started=int(time.time()),
        voice_sync=_voice_sync(config, service, counted),
    )


def _voice_sync(
    config: RuntimeConfig, service: SpeechService, counted: RuntimeMetrics
) -> "VoiceSync | None":
    if config.voice_sync is None:
        return None
    from speaker_runtime.services.voicesync import (  # noqa: PLC0415  only where it is used
        VoiceSync,
    )

    return VoiceSync(config.voice_sync, service, counted)


async def gone_client(*_: object) -> Response:
    """An answer for nobody: 499 is what proxies log when the client has gone."""
    return Response(status_code=499)

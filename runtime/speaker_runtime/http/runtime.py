"""The parts that the routes speak to, made once per application."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from speaker_runtime.contract import RuntimeConfig
from speaker_runtime.engine.engine import Engine
from speaker_runtime.services.metrics import RuntimeMetrics
from speaker_runtime.services.models import ModelNames
from speaker_runtime.services.service import SpeechService

if TYPE_CHECKING:
    from speaker_runtime.services.voicesync import VoiceSync


@dataclass(frozen=True)
class Runtime:
    """One application's parts."""

    config: RuntimeConfig
    engine: Engine
    service: SpeechService
    models: ModelNames
    metrics: RuntimeMetrics
    started: int
    voice_sync: "VoiceSync | None"
    """Takes changed voices, where somebody may change them."""


async def _of(connection: HTTPConnection) -> Runtime:  # FastAPI calls others on a thread
    runtime: Runtime = connection.app.state.runtime
    return runtime


CurrentRuntime = Annotated[Runtime, Depends(_of)]
"""How a route asks for the parts."""

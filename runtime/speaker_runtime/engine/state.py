"""What the engine tells about itself."""

from dataclasses import dataclass
from enum import StrEnum

from speaker_runtime.backends.protocol import Capabilities


class Phase(StrEnum):
    """How far the engine has come."""

    LOADING = "loading"
    WARMING = "warming"
    READY = "ready"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True)
class EngineState:
    """One moment of the engine's life.

    Attributes:
        phase: How far it has come.
        detail: Which part is being loaded, or why it failed.
        capabilities: What the backend can do, once it is loaded.
    """

    phase: Phase
    detail: str = ""
    capabilities: Capabilities | None = None


@dataclass(frozen=True)
class Load:
    """How busy the engine is.

    Attributes:
        running: Requests being spoken.
        waiting: Requests that have not begun.
        queued_seconds: Speech that the waiting requests will be, estimated from their text.
        real_time_factor: Seconds of work per second of speech, lately.
    """

    running: int = 0
    waiting: int = 0
    queued_seconds: float = 0.0
    real_time_factor: float = 0.0

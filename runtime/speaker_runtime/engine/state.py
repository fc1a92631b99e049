"""What the engine tells about itself."""

from dataclasses import dataclass, field
from enum import StrEnum

from speaker_runtime.backends.protocol import Capabilities
from speaker_runtime.engine.job import Priority


class Phase(StrEnum):
    """How far the engine has come."""

    LOADING = "loading"
    WARMING = "warming"
    READY = "ready"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True)
class EngineState:
    """One moment of the life of a copy of the model, or of the engine as a whole.

    Attributes:
        phase: How far it has come.
        detail: Which part is being loaded, or why it failed.
        capabilities: What the backend can do, once it is loaded.
    """

    phase: Phase
    detail: str = ""
    capabilities: Capabilities | None = None


@dataclass(frozen=True)
class CopyState:
    """One copy of the model.

    Attributes:
        device: Where it runs.
        state: How far it has come.
        fallback: Why it runs on the CPU instead of a GPU; empty where it does not.
        voice_state_bytes: Memory of what it keeps of voices, beside the model.
    """

    device: str
    state: EngineState
    fallback: str = ""
    voice_state_bytes: int = 0


@dataclass(frozen=True)
class Waiting:
    """One job that has not begun.

    Attributes:
        label: Names it.
        priority: Who is served first.
        waited: Seconds since it was queued.
        seconds: Of speech that it will be, estimated from its text.
    """

    label: str
    priority: Priority
    waited: float
    seconds: float


@dataclass(frozen=True)
class Load:
    """How busy the engine is.

    Attributes:
        running: Jobs being spoken.
        waiting: Jobs that have not begun.
        queued_seconds: Speech that the waiting jobs will be, estimated from their text.
        real_time_factor: Seconds of work per second of speech, lately.
        wasted_seconds: Work on speech that nobody took, since the start.
        cancelled: Jobs given up by their clients, since the start.
        queue: The waiting jobs, the next one first.
    """

    running: int = 0
    waiting: int = 0
    queued_seconds: float = 0.0
    real_time_factor: float = 0.0
    wasted_seconds: float = 0.0
    cancelled: int = 0
    queue: tuple[Waiting, ...] = field(default=())

"""A backend as a third party would add one: it hums each text instead of reading it."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from speaker_runtime.audio.pcm import Samples
from speaker_runtime.backends.protocol import Capabilities, Slice, SpeechRequest, StepResult
from speaker_runtime.errors import ErrorCode, SpeechError

SAMPLE_RATE: Final = 24_000
SAMPLES_PER_CHARACTER: Final = 240
UNREADABLE: Final = "#"
BROKEN: Final = "!"


def hum(utterance: str) -> Samples:
    """What the backend makes of an utterance: its pitch depends on every character."""
    pitch = 100.0 + sum(map(ord, utterance)) % 800
    time = np.arange(len(utterance) * SAMPLES_PER_CHARACTER) / SAMPLE_RATE
    return (0.5 * np.sin(2 * np.pi * pitch * time)).astype(np.float32)


@dataclass
class ToneStream:
    """The utterances still to be hummed."""

    utterances: list[str]
    warnings: tuple[str, ...] = ()


@dataclass
class ToneBackend:
    """Hums; ``#`` cannot be read, ``!`` breaks it, and it can be held in the middle of a step."""

    max_streams: int = 4
    max_batch: int = 1
    load_error: Exception | None = None
    steps: list[list[str]] = field(default_factory=list)
    closed: bool = False
    _go: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._go.set()

    def hold(self) -> None:
        """Let the next step wait."""
        self._go.clear()

    def release(self) -> None:
        """Let all steps go on."""
        self._go.set()

    def load(self, progress: Callable[[str], None]) -> Capabilities:
        progress("tone")
        if self.load_error:
            raise self.load_error
        return Capabilities(
            model_digest="sha256:0",
            device="cpu",
            sample_rate=SAMPLE_RATE,
            languages=("en",),
            presets=("low", "high"),
            slowest=0.5,
            fastest=2.0,
            utterance_limit=40,
            characters_per_second=10.0,
            max_streams=self.max_streams,
            max_batch=self.max_batch,
            warmup="hum",
        )

    def open(self, request: SpeechRequest) -> ToneStream:
        if any(UNREADABLE in each for each in request.utterances):
            raise SpeechError(ErrorCode.TEXT_NOT_SPEAKABLE, "a # cannot be hummed", param="input")
        return ToneStream(list(request.utterances))

    def step(self, streams: Sequence[ToneStream]) -> Sequence[StepResult]:
        self._go.wait(10)
        spoken = [stream.utterances.pop(0) for stream in streams]
        self.steps.append(spoken)
        if any(BROKEN in each for each in spoken):
            raise RuntimeError("the string broke")
        return [
            Slice(hum(each), finished=not stream.utterances)
            for each, stream in zip(spoken, streams, strict=True)
        ]

    def close(self) -> None:
        self.closed = True

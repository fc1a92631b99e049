"""A backend as a third party would add one: it hums each text instead of reading it."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from speaker_runtime.audio.guard import Bounds, Fault
from speaker_runtime.audio.pcm import Samples
from speaker_runtime.backends.protocol import (
    Capabilities,
    ClonedVoice,
    Cloning,
    DeviceUnavailableError,
    OutOfMemoryError,
    Placement,
    Reference,
    Slice,
    SpeechRequest,
    StepResult,
)
from speaker_runtime.engine.worker import Make
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.text.normalization import Form
from speaker_runtime.voices.preset import Preset

SAMPLE_RATE: Final = 24_000
SAMPLES_PER_CHARACTER: Final = 240
UNREADABLE: Final = "#"
BROKEN: Final = "!"


def hum(utterance: str) -> Samples:
    """What the backend makes of an utterance: its pitch depends on every character."""
    pitch = 100.0 + sum(map(ord, utterance)) % 800
    time = np.arange(len(utterance) * SAMPLES_PER_CHARACTER) / SAMPLE_RATE
    return (0.5 * np.sin(2 * np.pi * pitch * time)).astype(np.float32)


def pitch_of(samples: Samples, sample_rate: int = SAMPLE_RATE) -> float:
    """The pitch that sounds most, in hertz, between 60 and 500."""
    spectrum = np.abs(np.fft.rfft(samples - np.mean(samples), 2 * len(samples)))
    correlation = np.fft.irfft(np.square(spectrum))
    shortest, longest = sample_rate // 500, sample_rate // 60
    return float(sample_rate / (shortest + np.argmax(correlation[shortest:longest])))


def hum_at(pitch: float, utterance: str) -> Samples:
    """What a cloned voice makes of an utterance."""
    time = np.arange(len(utterance) * SAMPLES_PER_CHARACTER) / SAMPLE_RATE
    return (0.5 * np.sin(2 * np.pi * pitch * time)).astype(np.float32)


def request(text: str) -> SpeechRequest:
    """An utterance that can be hummed."""
    return SpeechRequest(text, preset="low", language="en", speed=1.0, seed=0)


def copies(*backends: "ToneBackend") -> tuple[Make, list[Placement]]:
    """What an engine is given: how its copies are made, and where."""
    left = list(backends)
    places = [Placement(f"tone:{number}", threads=1) for number in range(len(left))]
    return lambda placement: left[places.index(placement)], places


@dataclass
class ToneStream:
    """The slices of an utterance that are still to be hummed."""

    text: str
    slices: list[str]
    gain: float = 1.0
    pitch: float | None = None
    fault: Fault | None = None


@dataclass
class ToneBackend:
    """Hums; ``#`` cannot be read, ``!`` breaks it, and it can be held in the middle of a step.

    Attributes:
        max_streams: Open at a time.
        max_batch: Stepped at a time.
        slices: That an utterance is hummed in.
        mute: Which requests it hums without a sound.
        lost: Which requests it gives up itself, saying that it repeats itself.
        has_chance: Whether it says that another seed may sound.
        load_error: Why it cannot be loaded.
        lost_at: The utterance at which the device fails.
        starved_at: The utterance for which the device has no memory.
        presets: Names of its speakers, which all sound alike.
        cloning: Which references it takes; its clones hum at the pitch of theirs.
        warmup_sounds: How many slices of its warm-up are hummed; all if None.
        embedded: The references that it took.
        embed_error: Why it can make nothing of one.
        steps: What each step hummed.
        held: Whether a step waits to be released.
        closed: Whether it gave its memory back.
        patience: Seconds that it may be held.
    """

    max_streams: int = 4
    max_batch: int = 1
    slices: int = 1
    mute: Callable[[SpeechRequest], bool] = lambda _: False
    lost: Callable[[SpeechRequest], bool] = lambda _: False
    has_chance: bool = False
    load_error: Exception | None = None
    lost_at: str | None = None
    starved_at: str | None = None
    presets: tuple[str, ...] = ("low", "high")
    cloning: Cloning | None = None
    warmup_sounds: int | None = None
    embedded: list[Reference] = field(default_factory=list)
    embed_error: Exception | None = None
    steps: list[list[str]] = field(default_factory=list)
    held: bool = False
    closed: bool = False
    patience: float = 10.0
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
            presets=tuple(Preset(name, ("en",)) for name in self.presets),
            slowest=0.5,
            fastest=2.0,
            utterance_limit=40,
            characters_per_second=10.0,
            max_streams=self.max_streams,
            max_batch=self.max_batch,
            warmup="hum",
            warmup_sounds=self.warmup_sounds,
            reads=frozenset({Form.SIGN}),
            has_chance=self.has_chance,
            cloning=self.cloning,
            speech=Bounds(usual=100.0, slowest=40.0, fastest=250.0),
        )

    @property
    def voice_state_bytes(self) -> int:
        return 0

    def check(self, request: SpeechRequest) -> tuple[str, ...]:
        if UNREADABLE in request.text:
            raise SpeechError(ErrorCode.TEXT_NOT_SPEAKABLE, "a # cannot be hummed", param="input")
        return ()

    def open(self, request: SpeechRequest) -> ToneStream:
        size = -(-len(request.text) // self.slices)
        parts = [request.text[at : at + size] for at in range(0, len(request.text), size)]
        pitch = None if request.clone is None else float(request.clone["pitch"][0])
        fault = Fault.REPEATING if self.lost(request) else None
        return ToneStream(request.text, parts, 0.0 if self.mute(request) else 1.0, pitch, fault)

    def embed(self, reference: Reference) -> ClonedVoice:
        self._wait()
        self.embedded.append(reference)
        if self.embed_error is not None:
            raise self.embed_error
        pitch = pitch_of(np.concatenate(reference.clips))
        return {"pitch": np.array([pitch], dtype=np.float32)}

    def step(self, streams: Sequence[ToneStream]) -> Sequence[StepResult]:
        self._wait()
        if any(stream.text == self.lost_at for stream in streams):
            raise DeviceUnavailableError("the tone generator is gone")
        if any(stream.text == self.starved_at for stream in streams):
            raise OutOfMemoryError("the tone generator has no memory left")
        spoken = [stream.slices.pop(0) for stream in streams]
        self.steps.append(spoken)
        if any(BROKEN in each for each in spoken):
            raise RuntimeError("the string broke")
        return [
            Slice(
                (hum(each) if stream.pitch is None else hum_at(stream.pitch, each))
                * np.float32(stream.gain),
                finished=not stream.slices,
                fault=None if stream.slices else stream.fault,
            )
            for each, stream in zip(spoken, streams, strict=True)
        ]

    def _wait(self) -> None:
        self.held = not self._go.is_set()
        assert self._go.wait(self.patience), "the backend was held and never released"
        self.held = False

    def close(self) -> None:
        self.closed = True

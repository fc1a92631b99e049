"""hibari: a small English model on one CPU core, spoken sentence by sentence."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from speaker_runtime.backends.hibari import reading
from speaker_runtime.backends.protocol import (
    Capabilities,
    Placement,
    Slice,
    SpeechRequest,
    StepResult,
)
from speaker_runtime.contract import ExitCode, ModelConfig
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.precision import require_no_precision
from speaker_runtime.models.store import StoredModel, open_model
from speaker_runtime.voices.preset import Preset

if TYPE_CHECKING:
    from hibari import Hibari

    from speaker_runtime.audio.pcm import Samples

_REGISTRY: Final = "voices.json"
_NAME: Final = "hibari"
_WARMUP: Final = (
    "Ready to speak: a sentence as long as this one takes the memory that most others need, "
    "before anybody asks."
)
"""onnxruntime keeps what its longest run took: a short sentence would leave that to requests."""


@dataclass
class HibariStream:
    """An utterance half spoken: passes that are phonemes, each with the seed of its noise."""

    voice: "Hibari"
    speed: float
    passes: list[tuple[str, int]]


class HibariBackend:
    """The ``hibari`` entry point: voices are ONNX files that the model's ``voices.json`` names."""

    def __init__(self, model: ModelConfig, _: Placement) -> None:
        self._model = model
        self._voices: dict[str, Hibari] = {}
        self._british: frozenset[str] = frozenset()

    @staticmethod
    def gpus() -> tuple[str, ...]:
        """None: the model is faster on one core than anybody listens."""
        return ()

    @staticmethod
    def copies(cpus: int) -> int:  # noqa: ARG004
        """One: it speaks a hundred times faster than anybody listens."""
        return 1

    def load(self, progress: Callable[[str], None]) -> Capabilities:
        """Load every voice whose file was fetched, and the pronunciation rules of its accent."""
        require_no_precision(self._model, "hibari")
        stored = open_model(self._model)
        progress("library")
        from hibari import SAMPLE_RATE, Hibari  # noqa: PLC0415  half a second, on this thread only

        rules: dict[bool, object] = {}
        voices = _fetched_voices(stored)
        for name, entry in voices.items():
            progress(f"voice {name}")
            british = bool(entry["british"])
            weights = str(stored.path(str(entry["file"])))
            voice = Hibari(voice=name, model=weights, g2p=rules.get(british))
            rules[british] = voice.g2p
            self._voices[name] = voice
        self._british = frozenset(name for name, entry in voices.items() if entry["british"])
        return Capabilities(
            model_digest=stored.manifest.digest,
            device="cpu",
            sample_rate=SAMPLE_RATE,
            presets=tuple(
                Preset(name, (str(entry["language"]),)) for name, entry in voices.items()
            ),
            slowest=0.5,
            fastest=2.0,
            utterance_limit=300,
            characters_per_second=14.0,
            max_streams=16,
            max_batch=1,
            warmup=_WARMUP,
            reads=reading.READS,
            phonemes=True,
        )

    @property
    def voice_state_bytes(self) -> int:
        """The one voice is a part of the model."""
        return 0

    def check(self, request: SpeechRequest) -> tuple[str, ...]:
        """Whether the text can be read; letters of another script give a warning."""
        return reading.check(request, british=request.preset in self._british, model=_NAME)

    def open(self, request: SpeechRequest) -> HibariStream:
        """Turn the text into phonemes; one of signs alone is an utterance without a sound."""
        voice = self._voices[request.preset]
        british = request.preset in self._british
        phonemes = voice.g2p(reading.write_down(request, british=british))
        if not reading.has_sound(phonemes):
            reading.require_signs_only(request.text, model=_NAME)
            return HibariStream(voice, request.speed, [])
        seed = _seed(request.seed, request.text)
        passes = [
            (each, seed + index) for index, each in enumerate(reading.phoneme_passes(phonemes))
        ]
        return HibariStream(voice, request.speed, passes)

    def step(self, streams: Sequence[HibariStream]) -> Sequence[StepResult]:
        """Speak one pass, at most a sentence, of each stream."""
        return [_spoken(stream) for stream in streams]

    def close(self) -> None:
        """Forget the voices."""
        self._voices.clear()


def _spoken(stream: HibariStream) -> Slice:
    if not stream.passes:
        return Slice(np.zeros(0, np.float32), finished=True)
    phonemes, seed = stream.passes.pop(0)
    samples: Samples = stream.voice.from_phonemes(phonemes, speed=stream.speed, seed=seed)
    return Slice(np.asarray(samples, dtype=np.float32), finished=not stream.passes)


def _fetched_voices(stored: StoredModel) -> Mapping[str, Mapping[str, object]]:
    registry: Mapping[str, Mapping[str, object]] = json.loads(
        stored.path(_REGISTRY).read_text(encoding="utf-8")
    )
    names = {entry.name for entry in stored.manifest.files}
    fetched = {name: entry for name, entry in registry.items() if entry["file"] in names}
    if not fetched:
        raise ModelError(
            ExitCode.MODEL_UNAVAILABLE,
            f"{stored.manifest.source} holds no voice that its {_REGISTRY} names.",
            "Name a model.source that fits the backend hibari.",
        )
    return fetched


def _seed(seed: int, utterance: str) -> int:
    """A seed that depends on the text, so that a sentence sounds the same wherever it stands."""
    digest = hashlib.blake2b(f"{seed}\0{utterance}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")

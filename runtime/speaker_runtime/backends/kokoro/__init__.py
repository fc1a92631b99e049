"""Kokoro-82M: American and British voices that can be mixed, on the CPU, sentence by sentence.

The model is github.com/hexgrad/kokoro, exported to ONNX with 8-bit weights. Its phonemes come from
hibari's reading rules, which write the same alphabet.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from speaker_runtime.backends.hibari import reading
from speaker_runtime.backends.kokoro.styles import Style, Styles, read_styles
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
    from onnxruntime import InferenceSession

    from speaker_runtime.audio.pcm import Samples

SAMPLE_RATE: Final = 24_000
_MODEL: Final = "model.onnx"
_VOCABULARY: Final = "vocab.json"
_PADDING: Final = 0
"""The token before and after every utterance."""
_MOST_THREADS: Final = 4
"""More gain nothing on utterances of a few seconds."""
_MOST_COPIES: Final = 2
"""They share the graph; each has reading rules, and what a long utterance needs, of its own."""
_UTTERANCE_LIMIT: Final = 120
"""Characters; a step speaks an utterance, and others wait for it meanwhile."""
_FIRST_LIMIT: Final = 60
"""Characters; shorter beginnings sound cut off."""
_NAME: Final = "kokoro"

PhonemeRules: TypeAlias = Callable[[str], str]

_ACCENTS: Final[Mapping[str, str]] = MappingProxyType({"a": "en-US", "b": "en-GB"})
"""What the first letter of a voice's name means, as far as hibari has reading rules for it."""


@dataclass
class KokoroStream:
    """An utterance half spoken: passes that are phonemes."""

    style: Style
    speed: float
    passes: list[str]


class KokoroBackend:
    """The ``kokoro`` entry point: one ONNX model, and a style for each voice."""

    def __init__(self, model: ModelConfig, placement: Placement) -> None:
        self._model = model
        threads = min(_MOST_THREADS, placement.threads)
        self._threads = (threads - 1) * (placement.neighbours + 1) + 1
        self._speaker: Speaker | None = None

    @staticmethod
    def gpus() -> tuple[str, ...]:
        """None: the weights are 8-bit integers, made for CPUs."""
        return ()

    @staticmethod
    def copies(cpus: int) -> int:
        """One for each CPU, up to a bound: several threads on one sentence gain less than that."""
        return min(_MOST_COPIES, cpus)

    def load(self, progress: Callable[[str], None]) -> Capabilities:
        """Load the model, the styles of all voices whose accent can be read, and the rules."""
        require_no_precision(self._model, "kokoro")
        stored = open_model(self._model)
        progress("styles")
        styles = read_styles(stored, frozenset(_ACCENTS))
        progress("model")
        from speaker_runtime.backends.kokoro.sessions import session  # noqa: PLC0415  on this thread

        graph = session(stored.path(_MODEL), self._threads)
        rules: dict[str, PhonemeRules] = {}
        for accent in dict.fromkeys(name[0] for name in styles.presets):
            progress(f"reading rules of {_ACCENTS[accent]}")
            rules[accent] = _rules(british=_is_british(accent))
        self._speaker = Speaker(graph, _vocabulary(stored), styles, rules)
        return Capabilities(
            model_digest=stored.manifest.digest,
            device="cpu",
            sample_rate=SAMPLE_RATE,
            presets=tuple(Preset(name, (_ACCENTS[name[0]],)) for name in styles.presets),
            slowest=0.5,
            fastest=2.0,
            utterance_limit=_UTTERANCE_LIMIT,
            characters_per_second=14.0,
            max_streams=16,
            max_batch=1,
            warmup="Ready to speak.",
            reads=reading.READS,
            phonemes=True,
            first_limit=_FIRST_LIMIT,
            mixes_presets=True,
        )

    @property
    def voice_state_bytes(self) -> int:
        """Memory of the mixes that were asked for lately."""
        speaker = self._speaker
        return speaker.styles.mixed_bytes if speaker else 0

    def check(self, request: SpeechRequest) -> tuple[str, ...]:
        """Whether the text can be read; letters of another script give a warning."""
        return reading.check(request, british=_is_british(request.preset), model=_NAME)

    def open(self, request: SpeechRequest) -> KokoroStream:
        """Turn the text into phonemes; one of signs alone is an utterance without a sound."""
        speaker = self._loaded()
        written = reading.write_down(request, british=_is_british(request.preset))
        phonemes = speaker.rules[request.preset[0]](written)
        has_sound = reading.has_sound(phonemes)
        if not has_sound:
            reading.require_signs_only(request.text, model=_NAME)
        return KokoroStream(
            style=speaker.styles.style(request.preset),
            speed=request.speed,
            passes=list(reading.phoneme_passes(phonemes)) if has_sound else [],
        )

    def step(self, streams: Sequence[KokoroStream]) -> Sequence[StepResult]:
        """Speak one pass, at most a sentence, of each stream."""
        return [self._spoken(stream) for stream in streams]

    def close(self) -> None:
        """Forget the model."""
        self._speaker = None

    def _loaded(self) -> "Speaker":
        if self._speaker is None:
            raise RuntimeError("the engine opens streams only after it has loaded the backend")
        return self._speaker

    def _spoken(self, stream: KokoroStream) -> Slice:
        if not stream.passes:
            return Slice(np.zeros(0, np.float32), finished=True)
        phonemes = stream.passes.pop(0)
        samples = self._loaded().speak(phonemes, stream.style, stream.speed)
        return Slice(samples, finished=not stream.passes)


@dataclass(frozen=True)
class Speaker:
    """Everything that is in memory while the backend is loaded.

    Attributes:
        session: The model: tokens, style and speed in, samples out.
        vocabulary: Tokens of phonemes.
        styles: Of the voices.
        rules: Text to phonemes, by the accent's letter.
    """

    session: "InferenceSession"
    vocabulary: Mapping[str, int]
    styles: Styles
    rules: Mapping[str, PhonemeRules]

    def speak(self, phonemes: str, style: Style, speed: float) -> "Samples":
        """Samples of one pass; the model has no chance in it, so equal input gives equal output."""
        tokens = [self.vocabulary[each] for each in phonemes if each in self.vocabulary]
        (samples,) = self.session.run(
            None,
            {
                "tokens": np.array([[_PADDING, *tokens, _PADDING]], dtype=np.int64),
                # A style has a row for each length of utterance (kokoro/pipeline.py, load_voice).
                "style": style[max(len(tokens), 1) - 1][np.newaxis],
                "speed": np.array([speed], dtype=np.float32),
            },
        )
        return np.asarray(samples, dtype=np.float32).reshape(-1)


def _is_british(preset: str) -> bool:
    return preset.startswith("b")


def _rules(*, british: bool) -> PhonemeRules:
    from hibari.g2p import G2P  # noqa: PLC0415  half a second, on this thread only

    rules: PhonemeRules = G2P(british=british)
    return rules


def _vocabulary(stored: StoredModel) -> Mapping[str, int]:
    vocabulary: Mapping[str, int] = json.loads(
        stored.path(_VOCABULARY).read_text(encoding="utf-8")
    )["vocab"]
    if not vocabulary:
        raise ModelError(
            ExitCode.MODEL_CORRUPT,
            f"{stored.path(_VOCABULARY)} names no phonemes.",
            "Name a model.source that fits the backend kokoro.",
        )
    return vocabulary

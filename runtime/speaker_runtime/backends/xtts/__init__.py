"""XTTS-v2: seventeen languages, voices cloned of a few seconds, many utterances in one batch.

The model is coqui-tts' (its classes load the published weights); the loops that speak are our own.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from speaker_runtime.audio.guard import Bounds
from speaker_runtime.backends.protocol import (
    Capabilities,
    ClonedVoice,
    Cloning,
    Placement,
    Reference,
    SpeechRequest,
    StepResult,
)
from speaker_runtime.backends.xtts.text import LIMITS
from speaker_runtime.contract import ModelConfig
from speaker_runtime.models.store import open_model
from speaker_runtime.voices.preset import Preset

if TYPE_CHECKING:
    from speaker_runtime.backends.xtts.model import Model
    from speaker_runtime.backends.xtts.speaking import Utterance

SPEECH: Final = Bounds(usual=17.0, slowest=5.0, fastest=40.0, margin=2.0, pause=1.5, noise=0.8)
_CHARACTERS_PER_SECOND: Final = 13.0
_LIMIT: Final = 250
"""Characters of an utterance in a language that coqui-tts has no limit for, as it has it."""
_STREAMS: Final = 16
_CLIPS: Final = 8
_PACES: Final = 0.9, 1.1
"""Latents that are stretched further sound it; samples are stretched better."""


class XttsBackend:
    """The ``xtts`` entry point."""

    def __init__(self, model: ModelConfig, placement: Placement) -> None:
        self._config = model
        self._placement = placement
        self._model: Model | None = None

    @staticmethod
    def gpus() -> tuple[str, ...]:
        """Every GPU that PyTorch can use."""
        from speaker_runtime.backends.pytorch import devices  # noqa: PLC0415  seconds

        return devices.gpus()

    @staticmethod
    def copies(cpus: int) -> int:  # noqa: ARG004
        """One: a step reads all weights, for one stream or for sixteen, on all CPUs."""
        return 1

    def load(self, progress: Callable[[str], None]) -> Capabilities:
        """Load the checkpoint, unless told otherwise with a GPT of 16 bits on GPUs."""
        stored = open_model(self._config)
        stored.read_ahead()
        progress("library")
        from speaker_runtime.backends.xtts.model import Model  # noqa: PLC0415  seconds, on this thread

        model = self._model = Model(
            stored,
            self._placement,
            _STREAMS,
            SPEECH,
            progress,
            precision=self._config.precision or "auto",
        )
        return Capabilities(
            model_digest=stored.manifest.digest,
            device=self._placement.device,
            precision=model.precision,
            sample_rate=model.sample_rate,
            presets=tuple(Preset(name, model.languages) for name in model.speakers),
            slowest=_PACES[0],
            fastest=_PACES[1],
            utterance_limit=_LIMIT,
            limits=LIMITS,
            characters_per_second=_CHARACTERS_PER_SECOND,
            max_streams=_STREAMS,
            max_batch=_STREAMS,
            warmup="Ready to speak.",
            warmup_sounds=1,
            speech=SPEECH,
            has_chance=True,
            sampling=model.sampling,
            cloning=Cloning(
                sample_rate=model.clip_rate, most_clips=_CLIPS, languages=model.languages
            ),
        )

    @property
    def voice_state_bytes(self) -> int:
        """Memory of the voices that were spoken with lately, as the GPT has read them."""
        model = self._model
        return model.voice_bytes if model else 0

    def check(self, request: SpeechRequest) -> Sequence[str]:
        """Whether the text can be read; what the model has never seen gives a warning."""
        return self._loaded().check(request)

    def open(self, request: SpeechRequest) -> "Utterance":
        """Turn the text into tokens."""
        return self._loaded().open(request)

    def step(self, streams: Sequence["Utterance"]) -> Sequence[StepResult]:
        """Draw one token for each stream; samples come some tokens apart."""
        return self._loaded().step(streams)

    def embed(self, reference: Reference) -> ClonedVoice:
        """Listen to the clips: some tenths of a second of work for each."""
        return self._loaded().embed(reference)

    def close(self) -> None:
        """Give the memory back."""
        model, self._model = self._model, None
        if model is not None:
            model.close()

    def _loaded(self) -> "Model":
        if self._model is None:
            raise RuntimeError("the engine opens streams only after it has loaded the backend")
        return self._model

"""GLM-TTS: Chinese, English and both mixed, in voices cloned of a recording and its transcript.

All of it is our own, from what is published of the model: its files, and how its parts compute.
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
from speaker_runtime.contract import ModelConfig
from speaker_runtime.models.store import open_model
from speaker_runtime.text.normalization import Form

if TYPE_CHECKING:
    from speaker_runtime.backends.glm_tts.model import Model
    from speaker_runtime.backends.glm_tts.speaking import Utterance

SPEECH: Final = Bounds(usual=17.0, slowest=4.0, fastest=40.0, margin=2.0, pause=1.5, noise=0.8)
_CHARACTERS_PER_SECOND: Final = 13.0
_LIMIT: Final = 400
_LIMITS: Final = {"zh": 180}
"""Characters of an utterance: some pieces, each of which goes on from those before it."""
_READS: Final = frozenset(Form) - {Form.ADDRESS}
"""What its own normaliser reads, in the words that the model was trained on."""
_STREAMS: Final = 8
_LANGUAGES: Final = ("zh", "en")
_SHORTEST: Final = 3.0
_LONGEST: Final = 30.0
"""Seconds of a recording; up to ten sound best."""


class GlmTtsBackend:
    """The ``glm-tts`` entry point."""

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
        """One: a step reads all weights, for one stream or for eight, on all CPUs."""
        return 1

    def load(self, progress: Callable[[str], None]) -> Capabilities:
        """Load the checkpoint, unless told otherwise with a language model of 16 bits on GPUs."""
        stored = open_model(self._config)
        progress("library")
        from speaker_runtime.backends.glm_tts.model import Model  # noqa: PLC0415  seconds

        model = self._model = Model(
            stored,
            self._placement,
            _STREAMS,
            progress,
            precision=self._config.precision or "auto",
        )
        return Capabilities(
            model_digest=stored.manifest.digest,
            device=self._placement.device,
            precision=model.precision,
            sample_rate=model.sample_rate,
            presets=(),
            slowest=1.0,
            fastest=1.0,
            utterance_limit=_LIMIT,
            limits=_LIMITS,
            characters_per_second=_CHARACTERS_PER_SECOND,
            max_streams=_STREAMS,
            max_batch=_STREAMS,
            warmup="Ready to speak.",
            speech=SPEECH,
            reads=_READS,
            has_chance=True,
            sampling=model.sampling,
            cloning=Cloning(
                sample_rate=model.sample_rate,
                shortest=_SHORTEST,
                longest=_LONGEST,
                languages=_LANGUAGES,
                needs_transcript=True,
            ),
        )

    @property
    def voice_state_bytes(self) -> int:
        """Memory of the voices that were spoken with lately, as the flow knows them."""
        model = self._model
        return model.voice_bytes if model else 0

    def check(self, request: SpeechRequest) -> Sequence[str]:
        """Whether the text can be read."""
        return self._loaded().check(request)

    def open(self, request: SpeechRequest) -> "Utterance":
        """Turn the text into tokens."""
        return self._loaded().open(request)

    def step(self, streams: Sequence["Utterance"]) -> Sequence[StepResult]:
        """Draw one code for each stream, and bring a finished piece nearer to being heard."""
        return self._loaded().step(streams)

    def embed(self, reference: Reference) -> ClonedVoice:
        """Listen to the recording: some tenths of a second of work for each second."""
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

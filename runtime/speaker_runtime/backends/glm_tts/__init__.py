"""GLM-TTS: Chinese, English and both mixed, in voices cloned of a recording and its transcript.

All of it is our own, from what is published of the model: its files, and how its parts compute.
"""

from collections.abc import Callable
from typing import Final

from speaker_runtime.audio.guard import Bounds
from speaker_runtime.backends.glm_tts.errors import LONGEST_REFERENCE, SHORTEST_REFERENCE
from speaker_runtime.backends.protocol import Capabilities, Cloning
from speaker_runtime.backends.pytorch.backend import LoadedBackend
from speaker_runtime.models.store import open_model
from speaker_runtime.text.normalization import Form

SPEECH: Final = Bounds(usual=17.0, slowest=4.0, fastest=40.0, margin=2.0, pause=1.5, noise=0.8)
_CHARACTERS_PER_SECOND: Final = 13.0
_LIMIT: Final = 400
_LIMITS: Final = {"zh": 180}
"""Characters of an utterance: some pieces, each of which goes on from those before it."""
_READS: Final = frozenset(Form) - {Form.ADDRESS}
"""What its own normaliser reads, in the words that the model was trained on."""
_STREAMS: Final = 8
_LANGUAGES: Final = ("zh", "en")


class GlmTtsBackend(LoadedBackend):
    """The ``glm-tts`` entry point."""

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
                shortest=SHORTEST_REFERENCE,
                longest=LONGEST_REFERENCE,
                languages=_LANGUAGES,
                needs_transcript=True,
            ),
        )

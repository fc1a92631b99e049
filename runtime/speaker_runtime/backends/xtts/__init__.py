"""XTTS-v2: seventeen languages, voices cloned of a few seconds, many utterances in one batch.

The model is coqui-tts' (its classes load the published weights); the loops that speak are our own.
"""

from collections.abc import Callable
from typing import Final

from speaker_runtime.audio.guard import Bounds
from speaker_runtime.backends.protocol import Capabilities, Cloning
from speaker_runtime.backends.pytorch.backend import LoadedBackend
from speaker_runtime.backends.xtts.text import LIMITS
from speaker_runtime.models.store import open_model
from speaker_runtime.voices.preset import Preset

SPEECH: Final = Bounds(usual=17.0, slowest=5.0, fastest=40.0, margin=2.0, pause=1.5, noise=0.8)
_CHARACTERS_PER_SECOND: Final = 13.0
_LIMIT: Final = 250
"""Characters of an utterance in a language that coqui-tts has no limit for, as it has it."""
_STREAMS: Final = 16
_CLIPS: Final = 8
_PACES: Final = 0.9, 1.1
"""Latents that are stretched further sound it; samples are stretched better."""


class XttsBackend(LoadedBackend):
    """The ``xtts`` entry point."""

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

"""XTTS-v2 in memory: requests into utterances on the model, clips into voices."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import torch

from speaker_runtime.audio.guard import Bounds
from speaker_runtime.backends.protocol import (
    ClonedVoice,
    Placement,
    Reference,
    SpeechRequest,
    StepResult,
)
from speaker_runtime.backends.pytorch import devices
from speaker_runtime.backends.xtts import checkpoint, conditioning
from speaker_runtime.backends.xtts.checkpoint import Speaker
from speaker_runtime.backends.xtts.recipe import EMBEDDING, LATENTS
from speaker_runtime.backends.xtts.sampling import Rules
from speaker_runtime.backends.xtts.speaking import Speaking, Utterance
from speaker_runtime.contract import Precision
from speaker_runtime.models.store import StoredModel


class Model:
    """One copy of it.

    Args:
        stored: Its files.
        placement: Where it runs.
        slots: How many utterances may be under way.
        bounds: What its speech is like.
        progress: Told which part is being loaded.
        precision: What its GPT computes with.

    Raises:
        ModelError: The files are of another model, or damaged; or the device lacks the precision.
        DeviceUnavailableError: The device is not there, or has too little memory.
    """

    clip_rate: Final = conditioning.SAMPLE_RATE

    def __init__(
        self,
        stored: StoredModel,
        placement: Placement,
        slots: int,
        bounds: Bounds,
        progress: Callable[[str], None],
        *,
        precision: Precision = "auto",
    ) -> None:
        self._device = devices.prepare(placement.device, placement.threads)
        chosen = devices.precision_of(self._device, precision)
        self.precision = chosen.name
        with devices.failures_told(), torch.inference_mode():
            loaded = checkpoint.load(
                stored,
                device=self._device,
                precision=chosen.dtype,
                product=chosen.product,
                slots=slots,
                progress=progress,
            )
        self.sample_rate = loaded.sample_rate
        self.speakers = loaded.speakers
        self.languages = loaded.languages
        self.sampling = loaded.sampling
        self._reader = loaded.reader
        self._conditioning = loaded.conditioning
        self._speaking = Speaking(loaded, slots, bounds)

    @property
    def voice_bytes(self) -> int:
        """Memory of the voices that were spoken with lately."""
        return self._speaking.voice_bytes

    def check(self, request: SpeechRequest) -> tuple[str, ...]:
        """Warnings about characters that the model has never seen.

        Raises:
            SpeechError: The text cannot be read.
        """
        passes = self._reader.passes(request.text, request.language)
        unknown = sum(self._reader.unknown(each) for each in passes)
        if not unknown:
            return ()
        return (f"{unknown} characters are unknown to the model and may not be heard",)

    def open(self, request: SpeechRequest) -> Utterance:
        """Begin an utterance.

        Raises:
            SpeechError: The text cannot be read.
        """
        with torch.inference_mode():
            return self._speaking.open(
                request.text,
                self._reader.passes(request.text, request.language),
                self._speaker(request),
                rules=Rules.of(request.sampling.over(self.sampling)),
                seed=request.seed,
                pace=request.speed,
            )

    def step(self, streams: Sequence[Utterance]) -> Sequence[StepResult]:
        """Advance every utterance by a token.

        Raises:
            DeviceUnavailableError: The device failed, or has no memory left.
        """
        with devices.failures_told(), torch.inference_mode():
            return self._speaking.step(streams)

    def embed(self, reference: Reference) -> ClonedVoice:
        """Make a voice of clips.

        Raises:
            DeviceUnavailableError: The device failed, or has no memory left.
        """
        with devices.failures_told(), torch.inference_mode():
            clips = [torch.from_numpy(np.array(each)).to(self._device) for each in reference.clips]
            return {
                LATENTS: self._conditioning.latents(clips).cpu().numpy(),
                EMBEDDING: self._conditioning.speaker(clips).cpu().numpy(),
            }

    def close(self) -> None:
        """Give the device's memory back."""
        del self._speaking, self._conditioning, self.speakers
        devices.free(self._device)

    def _speaker(self, request: SpeechRequest) -> Speaker:
        if request.clone is None:
            return self.speakers[request.preset]
        latents, embedding = (
            torch.from_numpy(np.array(request.clone[name])) for name in (LATENTS, EMBEDDING)
        )
        return checkpoint.speaker(request.preset, latents, embedding, self._device)

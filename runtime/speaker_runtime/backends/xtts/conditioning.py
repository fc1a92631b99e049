"""From a speaker's clips to what the model needs to sound like them.

The steps are those of coqui-tts' ``Xtts.get_conditioning_latents``, on samples instead of files.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor
from torchaudio.functional import resample
from torchaudio.transforms import MelSpectrogram

if TYPE_CHECKING:
    from collections.abc import Sequence

    from TTS.tts.layers.xtts.gpt import GPT
    from TTS.tts.layers.xtts.hifigan_decoder import HifiDecoder

SAMPLE_RATE: Final = 22_050
"""Hertz of the clips."""
_SPEAKER_RATE: Final = 16_000
"""Hertz of what the speaker encoder hears."""
_SHORTEST_PART: Final = 0.33
"""Seconds; a rest that is shorter is left out."""
_QUIETEST: Final = 1e-5


@dataclass(frozen=True)
class Lengths:
    """How much of the clips is listened to, in seconds.

    Attributes:
        clip: Of each clip, by the speaker encoder and by the GPT.
        together: Of all clips together, by the GPT.
        part: How the GPT hears them: part by part, of which the mean is taken.
    """

    clip: float
    together: float
    part: float


class Conditioning:
    """The parts of the model that listen.

    Args:
        gpt: With its conditioning encoder and perceiver, in float32.
        decoder: With its speaker encoder, in float32.
        mel_stats: What each band of the spectrogram is divided by, shape ``(80,)``.
        lengths: How much is listened to.
    """

    def __init__(
        self, gpt: "GPT", decoder: "HifiDecoder", mel_stats: Tensor, lengths: Lengths
    ) -> None:
        self._encoder = gpt.conditioning_encoder
        self._perceiver = gpt.conditioning_perceiver
        self._speaker = decoder.speaker_encoder
        self._mel_stats = mel_stats[None, :, None]
        self._lengths = lengths
        self._spectrogram = MelSpectrogram(
            sample_rate=SAMPLE_RATE,
            n_fft=2048,
            win_length=1024,
            hop_length=256,
            f_min=0,
            f_max=8000,
            n_mels=80,
            power=2,
            normalized=False,
            norm="slaney",
        ).to(mel_stats.device)

    def latents(self, clips: "Sequence[Tensor]") -> Tensor:
        """What the GPT begins with.

        Args:
            clips: Samples, float32, shape ``(n,)``.

        Returns:
            Float32, shape ``(32, channels)``.
        """
        heard = torch.cat([clip[: self._samples(self._lengths.clip)] for clip in clips])
        heard = heard[: self._samples(self._lengths.together)]
        size = self._samples(self._lengths.part)
        parts = [heard[at : at + size] for at in range(0, len(heard), size)]
        found = [
            self._perceiver(self._encoder(self._mel(part)).permute(0, 2, 1))
            for part in parts
            if len(part) >= SAMPLE_RATE * _SHORTEST_PART
        ]
        return torch.stack(found).mean(dim=0)[0]

    def speaker(self, clips: "Sequence[Tensor]") -> Tensor:
        """What the vocoder adds, shape ``(512,)``: the mean of what each clip says."""
        clips = [clip[: self._samples(self._lengths.clip)] for clip in clips]
        heard = [resample(clip[None], SAMPLE_RATE, _SPEAKER_RATE) for clip in clips]
        return torch.stack([self._speaker(each, l2_norm=True)[0] for each in heard]).mean(dim=0)

    def _mel(self, samples: Tensor) -> Tensor:
        power = self._spectrogram(samples[None])
        mel: Tensor = torch.log(power.clamp(min=_QUIETEST)) / self._mel_stats
        return mel

    @staticmethod
    def _samples(seconds: float) -> int:
        return int(SAMPLE_RATE * seconds)

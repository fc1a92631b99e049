"""What the networks hear of a recording: resampled waves, and three kinds of spectrograms.

Waves are float32 between -1 and 1, of shape ``(samples,)`` where one channel is asked for.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional
from torchaudio.compliance.kaldi import fbank
from torchaudio.transforms import Resample

from speaker_runtime.backends.glm_tts.errors import too_short

HEARD_RATE: Final = 16_000
"""Hertz of what the speech tokenizer and the speaker encoder hear."""
WHISPER_HOP: Final = 160
"""Samples from one frame of the speech tokenizer's features to the next."""
MELS: Final = 80
"""Bins of a prompt's mel, and of the speaker encoder's features."""

_WHISPER_WINDOW: Final = 400
_TOP: Final = 8000.0
"""Hertz up to which frequencies are told apart."""
_LEAST_POWER: Final = 1e-10
_RANGE: Final = 8.0
"""Powers of ten below the loudest at which Whisper hears nothing more."""
_LEAST_MAGNITUDE: Final = 1e-5
_SQUARE_FLOOR: Final = 1e-9
_KEPT: Final = 16
"""Filters that are kept: those of two or three rates are ever in use."""


@dataclass(frozen=True)
class MelSettings:
    """How a prompt's mel is made at one sample rate; 50 frames a second at both.

    Attributes:
        rate: Hertz of the wave.
        window: Samples of a frame, and of its Fourier transform.
        hop: Samples from one frame to the next.
    """

    rate: int
    window: int
    hop: int


MEL_SETTINGS: Final = {
    each.rate: each for each in (MelSettings(24_000, 1920, 480), MelSettings(32_000, 2560, 640))
}
"""By the sample rate of the vocoder."""


def resampled(wave: Tensor, rate: int, wanted: int) -> Tensor:
    """The same sound at another sample rate: ``ceil(samples * wanted / rate)`` samples.

    Args:
        wave: Float32, shape ``(…, samples)``.
        rate: Hertz that it has.
        wanted: Hertz that it is to have.
    """
    return wave if rate == wanted else _resampler(rate, wanted).to(wave.device)(wave)


def mono(wave: Tensor) -> Tensor:
    """The mean of all channels, shape ``(samples,)``, of a wave with or without channels."""
    return wave.reshape(-1, wave.shape[-1]).mean(dim=0)


def whisper_mel(waves: Tensor, bins: int = 128) -> Tensor:
    """Log-mel as Whisper has it, each wave by the measure of its own loudest place.

    Args:
        waves: At 16 kHz, padded with zeros to one length, which is a multiple of 160 and at least
            320: shape ``(waves, samples)``.
        bins: How many frequencies are told apart.

    Returns:
        Shape ``(waves, bins, samples / 160)``.
    """
    spectrum = torch.stft(
        waves,
        _WHISPER_WINDOW,
        WHISPER_HOP,
        window=torch.hann_window(_WHISPER_WINDOW, device=waves.device),
        center=True,
        pad_mode="reflect",
        return_complex=True,
    )
    power = spectrum[..., :-1].abs().square()
    filters = _filters(HEARD_RATE, _WHISPER_WINDOW, bins).to(waves.device)
    levels = (filters @ power).clamp(min=_LEAST_POWER).log10()
    loudest = levels.amax(dim=(1, 2), keepdim=True)
    return (torch.maximum(levels, loudest - _RANGE) + 4.0) / 4.0


def prompt_mel(wave: Tensor, settings: MelSettings) -> Tensor:
    """Log-mel of a prompt, as the flow and the vocoders have it.

    Args:
        wave: Shape ``(samples,)``, at the rate of ``settings``.
        settings: One of :data:`MEL_SETTINGS`.

    Returns:
        Natural logarithms, shape ``(samples // hop, 80)``.

    Raises:
        UnfitReferenceError: It is shorter than what its ends are filled up from, 30 ms.
    """
    around = (settings.window - settings.hop) // 2
    if len(wave) <= around:
        raise too_short(len(wave) / settings.rate)
    spectrum = torch.stft(
        functional.pad(wave[None], (around, around), mode="reflect"),
        settings.window,
        settings.hop,
        window=torch.hann_window(settings.window, device=wave.device),
        center=False,
        return_complex=True,
    )[0]
    parts = torch.view_as_real(spectrum)
    magnitude = (parts.square().sum(dim=-1) + _SQUARE_FLOOR).sqrt()
    filters = _filters(settings.rate, settings.window, MELS).to(wave.device)
    return (filters @ magnitude).clamp(min=_LEAST_MAGNITUDE).log().t()


def filterbank(wave: Tensor) -> Tensor:
    """Kaldi's log filterbank without its mean, as the speaker encoder hears it.

    Args:
        wave: At 16 kHz, shape ``(samples,)``; its amplitudes stay between -1 and 1.

    Returns:
        Shape ``(1 + (samples - 400) // 160, 80)``; only whole frames count.

    Raises:
        UnfitReferenceError: It has no whole frame, 25 ms.
    """
    if len(wave) < _WHISPER_WINDOW:
        raise too_short(len(wave) / HEARD_RATE)
    levels: Tensor = fbank(
        wave[None],
        sample_frequency=HEARD_RATE,
        num_mel_bins=MELS,
        low_freq=20.0,
        dither=0.0,
        window_type="povey",
    )
    return levels - levels.mean(dim=0)


@lru_cache(_KEPT)
def _resampler(rate: int, wanted: int) -> Resample:
    return Resample(rate, wanted)


@lru_cache(_KEPT)
def _filters(rate: int, window: int, bins: int) -> Tensor:
    """Triangles on Slaney's mel scale, each of area 1: shape ``(bins, window / 2 + 1)``."""
    corners = _hertz(np.linspace(_mel(0.0), _mel(_TOP), bins + 2))
    frequencies = np.linspace(0.0, rate / 2, window // 2 + 1)
    widths = np.diff(corners)
    distances = corners[:, np.newaxis] - frequencies
    rising = -distances[:-2] / widths[:-1, np.newaxis]
    falling = distances[2:] / widths[1:, np.newaxis]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    areas = 2.0 / (corners[2:] - corners[:-2])
    return torch.from_numpy((triangles * areas[:, np.newaxis]).astype(np.float32))


_LINEAR_STEP: Final = 200.0 / 3
"""Hertz of a mel below 1 kHz; above it, every mel is a 27th of the way to 6.4 kHz."""
_BREAK: Final = 1000.0
_GROWTH: Final = np.log(6.4) / 27.0


def _mel(hertz: float) -> float:
    if hertz < _BREAK:
        return hertz / _LINEAR_STEP
    return float(_BREAK / _LINEAR_STEP + np.log(hertz / _BREAK) / _GROWTH)


def _hertz(mels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    beyond = mels - _BREAK / _LINEAR_STEP
    return np.where(beyond < 0, mels * _LINEAR_STEP, _BREAK * np.exp(_GROWTH * beyond))

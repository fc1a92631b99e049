"""Whether a clip can serve as the reference of a voice: trimmed, looked at, made equally loud.

The limits were set on the speech of two models against tones, tunes, drums and noise: the margins
stand beside each of them, and ``tests/unit/speaker_runtime/audio/test_clips.py`` holds them.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from speaker_runtime.audio.decoding import resampled
from speaker_runtime.audio.pcm import Samples
from speaker_runtime.contract import VoiceReason

_RATE: Final = 16_000
"""Hertz at which clips are looked at."""
_FRAME: Final = 768
_HOP: Final = 160
_LEAST_LEVEL: Final = -50.0
"""dBFS that the loud parts of speech are above; a telephone's worst are at -35."""
_TRIM_BELOW: Final = 35.0
"""dB below the loud parts at which silence begins."""
_KEPT_SILENCE: Final = 0.1
"""Seconds of it that stay around the speech."""
_FLAT_SHARE: Final = 0.0005
"""Of all samples, in flat tops: none in clean speech; 0.005 where it was driven 6 dB too hot."""
_LEAST_RANGE: Final = 15.0
"""dB between loud and quiet parts: 17 with noise 10 dB below the speech, 12 with 5 dB."""
_LEAST_MODULATION: Final = 3.0
"""Standard deviation of the level in dB: 4 and more in speech, 3 in tunes, 0 in tones."""
_VOICED: Final = (0.15, 0.97)
"""Share of the loud frames with a pitch: 0.36 to 0.9 in speech, 0 in noise, 1 in tones."""
_LEAST_GLIDE: Final = 5.5
"""Median change of the pitch in 10 ms, in cents: 7 to 17 in speech, below 4.3 in tunes."""
_LAGS: Final = np.arange(40, 267)
"""Samples of a period: voices are between 60 and 400 Hz."""
_PERIODIC: Final = 0.6
"""Autocorrelation from which on a frame has a pitch."""
_JUMP: Final = 100
"""Cents in 10 ms that no voice glides: another note, or a mistake."""
_LEAST_PITCHES: Final = 20
_SPECTRUM: Final = 1080
"""Points of the Fourier transform: a frame and the longest period fit in, without folding."""
_LOOKED_AT: Final = 500
"""Frames, five seconds of sound, whose pitch is looked for."""
_LEVEL: Final = 10 ** (-23 / 20)
"""Root mean square of the loud parts that every clip is brought to (EBU R 128's level)."""
_PEAK: Final = 0.97


class UnfitReferenceError(Exception):
    """Audio that no voice can be made of.

    Args:
        reason: Which way it is unfit.
        message: What was found, and what to do.
    """

    def __init__(self, reason: VoiceReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


def fit_clip(samples: Samples, rate: int, wanted: int) -> Samples:
    """A clip of speech, trimmed and brought to the one level and sample rate.

    Raises:
        UnfitReferenceError: It is silent, clipped, noisy, or no speech.
    """
    seen = resampled(samples, rate, _RATE)
    if len(seen) < _FRAME + _HOP:
        raise UnfitReferenceError(
            VoiceReason.TOO_SHORT, f"it lasts {len(samples) / rate:.2f} s: record a sentence or two"
        )
    frames = np.lib.stride_tricks.sliding_window_view(seen, _FRAME)[::_HOP]
    levels = 10 * np.log10(np.mean(np.square(frames), axis=1) + 1e-12)
    loud = float(np.percentile(levels, 95))
    if loud < _LEAST_LEVEL:
        raise UnfitReferenceError(
            VoiceReason.SILENT, f"its loudest parts are at {loud:.0f} dBFS: record it louder"
        )
    heard = np.flatnonzero(levels > max(loud - _TRIM_BELOW, _LEAST_LEVEL - 10))
    first, last = int(heard[0]), int(heard[-1])
    _require_speech(frames[first : last + 1], levels[first : last + 1], loud)
    begin = max(0.0, first * _HOP / _RATE - _KEPT_SILENCE)
    end = (last * _HOP + _FRAME) / _RATE + _KEPT_SILENCE
    speech = samples[int(begin * rate) : int(end * rate)]
    _require_clean(speech, levels[first : last + 1])
    active = frames[levels > loud - 20]
    gain = _LEVEL / max(float(np.sqrt(np.mean(np.square(active)))), 1e-6)
    fitted = resampled(speech, rate, wanted)
    return fitted * np.float32(min(gain, _PEAK / max(float(np.abs(fitted).max()), 1e-6)))


def _require_clean(speech: Samples, levels: npt.NDArray[np.floating]) -> None:
    top = float(np.abs(speech).max())
    near = np.abs(speech) > 0.98 * top
    flat = near[1:] & near[:-1] & (np.abs(np.diff(speech)) < 2e-4 * top)
    if float(np.mean(flat)) > _FLAT_SHARE:
        raise UnfitReferenceError(
            VoiceReason.CLIPPED,
            f"{100 * float(np.mean(flat)):.1f} % of it is cut off at the top: record it with less "
            "gain",
        )
    spread = float(np.percentile(levels, 95) - np.percentile(levels, 10))
    if spread < _LEAST_RANGE:
        raise UnfitReferenceError(
            VoiceReason.NOISY,
            f"what lies under the speech is only {spread:.0f} dB quieter: record it in a quiet "
            "room, without music",
        )


def _require_speech(
    frames: npt.NDArray[np.float32], levels: npt.NDArray[np.floating], loud: float
) -> None:
    """Speech is loud and quiet by turns, has a pitch in most of its sounds, and that one glides."""
    active = levels > loud - 30
    periods, strength = _periods(frames[active][:_LOOKED_AT])
    voiced = strength > _PERIODIC
    share = float(np.mean(voiced))
    both = voiced[1:] & voiced[:-1]
    cents = np.abs(1200 * np.log2(periods[1:] / periods[:-1]))[both]
    glides = cents[cents < _JUMP]
    glide = float(np.median(glides)) if len(glides) >= _LEAST_PITCHES else 0.0
    modulation = float(np.std(levels[levels > loud - 50]))
    if (
        modulation < _LEAST_MODULATION
        or not _VOICED[0] <= share <= _VOICED[1]
        or glide < _LEAST_GLIDE
    ):
        raise UnfitReferenceError(
            VoiceReason.NOT_SPEECH,
            "it does not sound like somebody speaking: record one person alone, without music",
        )


def _periods(
    frames: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The period of each frame in samples, and how periodic it is: normalised autocorrelation."""
    centred = frames - frames.mean(axis=1, keepdims=True)
    size = frames.shape[1]
    spectrum = np.fft.rfft(centred, _SPECTRUM, axis=1)
    correlation = np.fft.irfft(np.square(np.abs(spectrum)), _SPECTRUM, axis=1)[:, _LAGS]
    energy = np.cumsum(np.square(centred), axis=1)
    before, after = energy[:, size - 1 - _LAGS], energy[:, -1:] - energy[:, _LAGS - 1]
    strengths = correlation / np.sqrt(np.maximum(before * after, 1e-9))
    strength = strengths.max(axis=1)
    # The first of several maxima: the others are its multiples.
    place = (strengths >= 0.9 * strength[:, np.newaxis]).argmax(axis=1)
    rows = np.arange(len(place))
    for _ in range(len(_LAGS)):
        following = np.minimum(place + 1, len(_LAGS) - 1)
        climbs = strengths[rows, following] > strengths[rows, place]
        if not climbs.any():
            break
        place = np.where(climbs, following, place)
    inner = np.clip(place, 1, len(_LAGS) - 2)
    left, peak, right = (strengths[rows, inner + step] for step in (-1, 0, 1))
    curve = left - 2 * peak + right
    shift = np.where(curve < 0, (left - right) / (2 * np.where(curve < 0, curve, 1.0)), 0.0)
    return _LAGS[inner] + np.clip(shift, -1, 1), strength

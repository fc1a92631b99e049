"""Whether an utterance can be the speech of its text: silence, cuts, gibberish and loops.

Models that draw their speech from chance sometimes stop early, go on after the text has ended, or
say a part of it again and again. Nobody can hear that here, but it shows: in the length of the
speech for its text, in the energy of its frames, and in frames that come again.

Pure and quick: some milliseconds for ten seconds of speech.
"""

import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from speaker_runtime.audio.pcm import Samples

Frames = npt.NDArray[np.float64]
"""Shape ``(frames, bands)`` or ``(frames,)``."""

_FRAME_SECONDS: Final = 0.02
_BANDS: Final = 24
_LOWEST_HERTZ: Final = 100.0
_HIGHEST_HERTZ: Final = 7_000.0
_SILENCE_DB: Final = -50.0
"""Below full scale: no voice, whatever its level."""
_QUIET_DB: Final = -35.0
"""Below the utterance's loudest frames: a pause."""
_FLOOR: Final = 1e-10
_NOISE_FLATNESS: Final = 0.45
"""Spectral flatness from which a frame is noise (Johnston 1988): speech stays well below it."""
_ALIKE: Final = 0.92
"""Correlation of the bands of two stretches that are the same sound again; others stay below 0.9,
measured on hibari."""
_SHORTEST_LOOP: Final = 0.25
_LONGEST_LOOP: Final = 8.0
_LOOP_GROWTH: Final = 1.25
"""Speech that repeats itself is longer by this than its text is at its usual pace."""
_DISTINCT: Final = 0.75
"""Share of different words below which a text repeats itself."""
_MANY: Final = 9
"""Letters that a digit or a sign takes at most when it is said."""
_CAPITAL: Final = 3
"""Letters that a capital takes at most, when it is said by its name."""
_SYLLABLE: Final = 3
"""Letters that a Chinese, Japanese or Korean character is worth."""


class Fault(StrEnum):
    """What is wrong with an utterance."""

    SILENT = "silent"
    """Nothing can be heard."""
    TOO_SHORT = "too_short"
    """It ends before its text can have been said."""
    TOO_LONG = "too_long"
    """It goes on when its text must have been said."""
    GAP = "gap"
    """It is silent for too long inside."""
    NOISE = "noise"
    """It has a stretch of noise that is no speech."""
    REPEATING = "repeating"
    """It says a part of itself again."""


@dataclass(frozen=True)
class Bounds:
    """What speech of a backend is like.

    Attributes:
        usual: Letters a second at pace 1, between its first and its last sound.
        slowest: Letters a second of the slowest speech.
        fastest: Letters a second of the fastest speech.
        margin: Seconds that speech of any text may take more.
        pause: Longest silence inside, in seconds.
        noise: Longest noise, in seconds: a drawn-out hiss is shorter.
    """

    usual: float
    slowest: float
    fastest: float
    margin: float = 1.5
    pause: float = 1.5
    noise: float = 0.6

    @classmethod
    def around(cls, characters_per_second: float) -> "Bounds":
        """The bounds of a backend of which no more is known than its usual pace."""
        return cls(
            usual=characters_per_second * 1.3,
            slowest=characters_per_second / 2.5,
            fastest=characters_per_second * 2.5,
        )


def judge(
    samples: Samples, *, sample_rate: int, text: str, bounds: Bounds, pace: float = 1.0
) -> Fault | None:
    """The worst that is wrong with ``samples`` as the speech of ``text``.

    Args:
        samples: The whole utterance, shape ``(n,)``.
        sample_rate: Hertz.
        text: What was to be said, without pauses that were asked for.
        bounds: What such speech is like.
        pace: At which it was to be said.

    Returns:
        None where nothing is, or where the text has nothing to say.
    """
    least, most = _letters(text)
    if not least:
        return None
    loudness = _loudness(samples, sample_rate)
    voiced = np.flatnonzero(loudness > max(_SILENCE_DB, loudness.max(initial=-np.inf) + _QUIET_DB))
    if not voiced.size:
        return Fault.SILENT
    seconds = (voiced[-1] - voiced[0] + 1) * _FRAME_SECONDS
    spectrum = _spectrum(samples, sample_rate)[voiced[0] : voiced[-1] + 1]
    is_longer = seconds > _LOOP_GROWTH * most / (bounds.usual * pace)
    found = {
        Fault.TOO_SHORT: seconds < least / (bounds.fastest * pace) - _FRAME_SECONDS,
        Fault.TOO_LONG: seconds > longest(text, bounds, pace),
        Fault.GAP: np.diff(voiced).max(initial=0) * _FRAME_SECONDS > bounds.pause,
        Fault.NOISE: _longest_noise(spectrum) > bounds.noise,
        Fault.REPEATING: is_longer and not _says_it_again(text) and _repeats(spectrum),
    }
    return next((fault for fault, is_so in found.items() if is_so), None)


def longest(text: str, bounds: Bounds, pace: float = 1.0) -> float:
    """Seconds that the speech of ``text`` takes at most."""
    return bounds.margin + _letters(text)[1] / (bounds.slowest * pace)


def _letters(text: str) -> tuple[float, float]:
    """The least and the most letters that a text may be worth when it is said."""
    least = most = 0.0
    for each in text:
        kind = unicodedata.category(each)
        if kind == "Lo":
            least, most = least + 1, most + _SYLLABLE
        elif kind[0] == "L":
            least, most = least + 1, most + (_CAPITAL if kind == "Lu" else 1)
        elif kind[0] == "N":
            least, most = least + 1, most + _MANY
        elif kind[0] == "S":
            most += _MANY
        else:
            most += 1
    return least, most


def _says_it_again(text: str) -> bool:
    words = text.casefold().split()
    return len(frozenset(words)) < _DISTINCT * len(words)


def _frames(samples: Samples, sample_rate: int) -> Frames:
    size = int(sample_rate * _FRAME_SECONDS)
    count = len(samples) // size
    return samples[: count * size].reshape(count, size).astype(np.float64)


def _loudness(samples: Samples, sample_rate: int) -> Frames:
    """Decibels of full scale of each frame."""
    power = np.mean(_frames(samples, sample_rate) ** 2, axis=1)
    loudness: Frames = 10.0 * np.log10(power + _FLOOR)
    return loudness


def _spectrum(samples: Samples, sample_rate: int) -> Frames:
    """Power of each frame by frequency, within the frequencies of speech."""
    frames = _frames(samples, sample_rate)
    size = frames.shape[1]
    power = np.abs(np.fft.rfft(frames * np.hanning(size), axis=1)) ** 2
    hertz = np.fft.rfftfreq(size, 1 / sample_rate)
    spectrum: Frames = power[:, (hertz >= _LOWEST_HERTZ) & (hertz <= _HIGHEST_HERTZ)] + _FLOOR
    return spectrum


def _longest_noise(spectrum: Frames) -> float:
    """Seconds of the longest run of frames that are noise."""
    flatness = np.exp(np.mean(np.log(spectrum), axis=1)) / np.mean(spectrum, axis=1)
    power = np.sum(spectrum, axis=1)
    is_noise = (flatness > _NOISE_FLATNESS) & (power > np.max(power) * 10 ** (_QUIET_DB / 10))
    return _longest_run(is_noise) * _FRAME_SECONDS


def _repeats(spectrum: Frames) -> bool:
    """Whether a stretch comes again right after itself."""
    edges = np.linspace(0, spectrum.shape[1], _BANDS + 1).astype(int)[:-1]
    bands = np.log(np.add.reduceat(spectrum, edges, axis=1))
    bands -= bands.mean(axis=0)
    # Pauses resemble each other; they are no sound that comes again.
    power = spectrum.sum(axis=1)
    bands[power < power.max() * 10 ** (_QUIET_DB / 10)] = 0.0
    # Of the last time, half is enough: speech may be cut there.
    longest = min(int(_LONGEST_LOOP / _FRAME_SECONDS), len(bands) * 2 // 3)
    for lag in range(int(_SHORTEST_LOOP / _FRAME_SECONDS), longest + 1):
        here, there = bands[:-lag], bands[lag:]
        size = min(lag, len(here))
        product = _windows(np.sum(here * there, axis=1), size)
        norm = _windows(np.sum(here**2, axis=1), size) * _windows(np.sum(there**2, axis=1), size)
        if np.any(product > _ALIKE * np.sqrt(norm) + _FLOOR):
            return True
    return False


def _windows(values: Frames, size: int) -> Frames:
    """Sums of every ``size`` neighbours."""
    sums = np.concatenate(([0.0], np.cumsum(values)))
    windows: Frames = sums[size:] - sums[:-size]
    return windows


def _longest_run(flags: npt.NDArray[np.bool_]) -> int:
    """Length of the longest run of flags that are set."""
    changes = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return int(np.max(changes[1::2] - changes[::2], initial=0))

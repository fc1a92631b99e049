"""Estimates that learn from what was spoken: how long a text is, how much work it takes."""

from collections.abc import Sequence
from typing import Final

from speaker_runtime.backends.protocol import SpeechRequest

_WEIGHT: Final = 0.1
"""Of the newest measurement in the moving average: the last twenty or so decide."""
_FIRST_REAL_TIME_FACTOR: Final = 0.5
"""Assumed before anything was spoken; a guess on the slow side asks clients to wait longer."""
_SHORTEST_SECONDS: Final = 1.0
"""No request is counted as less, which bounds how many can wait."""


class Pace:
    """Moving averages over the slices of one engine; not thread-safe.

    Args:
        characters_per_second: The backend's own estimate, which holds for the text's length.
    """

    def __init__(self, characters_per_second: float) -> None:
        self._characters_per_second = characters_per_second
        self._real_time_factor: float | None = None
        self._unheard_work = 0.0

    @property
    def real_time_factor(self) -> float:
        """Seconds of work per second of speech."""
        return _FIRST_REAL_TIME_FACTOR if self._real_time_factor is None else self._real_time_factor

    def estimate(self, requests: Sequence[SpeechRequest]) -> float:
        """Seconds of speech that the utterances of a job will be."""
        characters = sum(len(each.text) / each.speed for each in requests)
        return max(_SHORTEST_SECONDS, characters / self._characters_per_second)

    def observe(self, work_seconds: float, audio_seconds: float) -> None:
        """Learn from one step; where it has no sound, it belongs to the next one that has."""
        self._unheard_work += work_seconds
        if audio_seconds <= 0:
            return
        measured = self._unheard_work / audio_seconds
        self._unheard_work = 0.0
        if self._real_time_factor is None:
            self._real_time_factor = measured
        else:
            self._real_time_factor += _WEIGHT * (measured - self._real_time_factor)

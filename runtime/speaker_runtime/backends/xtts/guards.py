"""Audio tokens that have lost their text: they say the same again and again, or do not end.

Found while they are drawn, so that no time is spent on speech that nobody will keep. What can only
be heard is found in the samples (:mod:`speaker_runtime.audio.guard`).
"""

import math
from collections.abc import Sequence
from typing import Final

from speaker_runtime.audio.guard import Bounds, Fault, longest

_LONGEST_PERIOD: Final = 24
"""Tokens that are said again: about a second."""
_LEAST_TIMES: Final = 4
_LEAST_LENGTH: Final = 24
"""Tokens of a loop in all: a second, longer than any sound or pause is drawn out."""


def allowed(text: str, bounds: Bounds, tokens_per_second: float, pace: float) -> int:
    """How many audio tokens the speech of ``text`` may have."""
    return math.ceil(longest(text, bounds, pace) * pace * tokens_per_second)


def fault_of(tokens: Sequence[int], most: int) -> Fault | None:
    """What is wrong with the tokens so far.

    Args:
        tokens: All that were drawn for a text, the stop token left out.
        most: How many there may be.
    """
    if len(tokens) > most:
        return Fault.TOO_LONG
    return Fault.REPEATING if _is_loop(tokens) else None


def _is_loop(tokens: Sequence[int]) -> bool:
    """Whether the last tokens are one pattern several times."""
    for period in range(1, _LONGEST_PERIOD + 1):
        length = max(_LEAST_LENGTH, _LEAST_TIMES * period)
        if len(tokens) < length:
            continue
        end = tokens[-length:]
        if all(end[at] == end[at - period] for at in range(period, length)):
            return True
    return False

"""Mixes of voices, written ``ana*0.3+ben*0.7``: shares of any size, which are made to sum to 1."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from speaker_runtime.errors import ErrorCode, SpeechError

MOST_VOICES: Final = 4
_PART: Final = re.compile(r"\s*([^\s+*]+)\s*(?:\*\s*(\d{1,6}(?:\.\d{1,6})?|\.\d{1,6})\s*)?")


@dataclass(frozen=True)
class Part:
    """One voice of a mix, and its share of it, above 0 and up to 1."""

    name: str
    share: float


def is_mix(text: str) -> bool:
    """Whether ``text`` is written as a mix and not as one name."""
    return "+" in text or "*" in text


def parse(text: str) -> Sequence[Part]:
    """Read a mix; a voice without a number counts as much as one with 1.

    Raises:
        SpeechError: It is not written as one.
    """
    parts: dict[str, float] = {}
    for piece in text.split("+"):
        match = _PART.fullmatch(piece)
        weight = float(match[2] or 1) if match else 0.0
        if match is None or weight <= 0:
            raise _wrong(f"{piece.strip()!r} is no voice with a share above 0.")
        if match[1] in parts:
            raise _wrong(f"{match[1]!r} stands in it twice.")
        parts[match[1]] = weight
    _require_few(len(parts))
    total = math.fsum(parts.values())
    return [Part(name, weight / total) for name, weight in parts.items()]


def resolved(text: str, meaning: Callable[[str], str] = str) -> str:
    """The same mix of what its names mean, written in the one way that equal mixes share.

    Args:
        text: The mix.
        meaning: Gives what a name stands for, which may be a mix itself.

    Raises:
        SpeechError: It is not written as a mix, or one of too many voices comes of it.
    """
    shares: dict[str, float] = {}
    for part in parse(text):
        for inner in parse(meaning(part.name)):
            shares[inner.name] = shares.get(inner.name, 0.0) + part.share * inner.share
    _require_few(len(shares))
    if len(shares) == 1:
        return next(iter(shares))
    return "+".join(f"{name}*{share:.4g}" for name, share in shares.items())


def _require_few(voices: int) -> None:
    if voices > MOST_VOICES:
        raise _wrong(f"it has {voices} voices; {MOST_VOICES} can be mixed.")


def _wrong(what: str) -> SpeechError:
    return SpeechError(
        ErrorCode.INVALID_VALUE,
        f"The mix of voices is not well formed: {what}",
        param="voice",
        suggestion="Write names and shares, for example ana*0.3+ben*0.7.",
    )

"""Long text in pieces that are spoken one after the other, cut behind marks if there are some."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

import pronouncing

from speaker_runtime.backends.glm_tts.tables import MARKS

LEAST: Final = 30
"""Length from which on a piece ends at its next mark."""
MOST: Final = 60
"""Length above which a piece is cut, mark or no mark."""

_PER_SYLLABLE: Final = 0.7
_MARKS: Final = frozenset(MARKS)
_JOINS: Final = "'-"
_VOWELS: Final = re.compile("[aeiouy]+")
_WORDS: Final = 4096
"""Whose syllables are remembered."""


def split(text: str) -> list[str]:
    """The pieces of a text, which are all of it when they are put together.

    The length of a piece is the number of its characters, where an English word counts for less the
    shorter it is said.
    """
    pieces: list[list[str]] = []
    piece: list[str] = []
    length = 0.0
    for unit in _units(text):
        piece.append(unit)
        length += _length(unit)
        if unit.strip() in _MARKS and length >= LEAST:
            pieces.append(piece)
            piece, length = [], 0.0
    pieces.append(piece)
    return ["".join(part) for each in pieces for part in _cut(each) if part]


def syllables(word: str) -> int:
    """How many syllables an English word has: as the dictionary says, or by its vowels."""
    return _syllables(word.lower())


@lru_cache(_WORDS)
def _syllables(word: str) -> int:
    known = pronouncing.phones_for_word(word)
    if known:
        return int(pronouncing.syllable_count(known[0]))
    groups: list[str] = _VOWELS.findall(word)
    if len(groups) > 1 and groups[-1] == "e" and word.endswith("e"):
        groups.pop()
    return max(1, len(groups))


def _units(text: str) -> Iterator[str]:
    """Chinese characters, words and whatever else, each with the white space behind it."""
    unit, is_word = "", False
    for each in text:
        if each.isspace() and unit:
            unit, is_word = unit + each, False
        elif is_word and (each in _JOINS or _is_letter(each)):
            unit += each
        else:
            if unit:
                yield unit
            unit, is_word = each, _is_letter(each)
    if unit:
        yield unit


def _is_letter(character: str) -> bool:
    """Whether it stands in words, unlike a Chinese character, which is one."""
    name = unicodedata.name(character, "")
    return character.isalpha() and "CJK" not in name and "IDEOGRAPH" not in name


def _length(unit: str) -> float:
    word = unit.strip()
    return _PER_SYLLABLE * syllables(word) if word.isascii() and word.isalpha() else 1.0


def _cut(units: Sequence[str]) -> Iterator[Sequence[str]]:
    while len(units) > 1 and sum(map(_length, units)) > MOST:
        # Few, but long words are cut in the middle.
        end = MOST if len(units) > MOST else len(units) // 2
        if end < len(units) and units[end].strip() in _MARKS:
            end += 1
        yield units[:end]
        units = units[end:]
    yield units

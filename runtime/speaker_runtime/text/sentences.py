"""Text into utterances: the pieces that a backend speaks one after the other."""

import re
import unicodedata
from typing import Final

import sentencex

# NFKC has made the wide forms of these plain by then.
_CLAUSE_END: Final = re.compile(r"[,;:)\u2013\u2014\u3001]\s*")
_SPACE: Final = re.compile(r"\s+")
_LINE: Final = re.compile(r"[\r\n\u2028\u2029]+")
_JOINERS: Final = frozenset("\u200d\ufe0e\ufe0f")


def utterances(text: str, *, language: str, limit: int) -> tuple[str, ...]:
    """Split ``text`` into utterances of at most ``limit`` characters each.

    An utterance is a sentence. A sentence over the limit is cut at the last clause that ends
    within it, else at the last space, else between two characters. No letter gets lost or
    changed, apart from Unicode compatibility forms, which become the plain ones (NFKC).

    Args:
        text: What was asked for, of any length.
        language: BCP 47 tag; its primary part decides on abbreviations and sentence ends.
        limit: Characters, at least 1.

    Returns:
        The utterances in order, none of them empty; nothing for white space alone.
    """
    primary = language.partition("-")[0]
    pieces = (
        piece
        for line in _LINE.split(unicodedata.normalize("NFKC", text))
        for sentence in sentencex.segment(primary, line)
        for piece in _within(_SPACE.sub(" ", sentence).strip(), limit)
    )
    return tuple(piece for piece in pieces if piece)


def _within(sentence: str, limit: int) -> list[str]:
    pieces = []
    rest = sentence
    while len(rest) > limit:
        cut = _cut(rest, limit)
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    pieces.append(rest)
    return pieces


def _cut(sentence: str, limit: int) -> int:
    """Where to end the first piece of a ``sentence`` that is longer than ``limit``."""
    # A clause that ends in the first half would leave a piece too short to sound like speech.
    clauses = [match.end() for match in _CLAUSE_END.finditer(sentence, limit // 2, limit)]
    if clauses:
        return clauses[-1]
    space = sentence.rfind(" ", 1, limit + 1)
    if space > 0:
        return space
    cut = limit
    while cut > 1 and _continues(sentence[cut]):
        cut -= 1
    return cut if cut > 1 else limit


def _continues(character: str) -> bool:
    """Whether the character belongs to the one before it."""
    return character in _JOINERS or unicodedata.combining(character) != 0

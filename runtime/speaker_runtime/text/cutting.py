"""A sentence into utterances: pieces within a backend's limit, cut where a reader would breathe."""

import re
import unicodedata
from typing import Final

from speaker_runtime.text.hiding import FILLER

# Not between two digits, where a comma or a colon belongs to a number.
# NFKC has made the wide forms of these plain by then.
_CLAUSE_END: Final = re.compile(r"(?:[,;:\u2013\u2014](?![0-9/])|[)\u3001])\s*")
_SPACE: Final = re.compile(r"\s+")
_JOINERS: Final = frozenset(f"\u200d\ufe0e\ufe0f{FILLER}")
_SHORTEST_SHARE: Final = 4
"""A first piece shorter than this part of what it may be, or of the rest, is no phrase."""


def pieces(sentence: str, *, limit: int, first_limit: int | None = None) -> tuple[str, ...]:
    """Cut ``sentence`` into utterances of at most ``limit`` characters each.

    A sentence over the limit is cut at the last clause that ends within it, else at the last space,
    else between two characters. No letter gets lost or changed, apart from Unicode compatibility
    forms, which become the plain ones (NFKC), and white space, which becomes single spaces.

    Args:
        sentence: Of any length.
        limit: Characters, at least 1.
        first_limit: Cut a sentence that is longer than this many characters after an early clause,
            so that its sound begins sooner; only where a clause ends, and never into crumbs.

    Returns:
        The utterances in order, none of them empty; nothing for white space alone.
    """
    plain = _SPACE.sub(" ", unicodedata.normalize("NFKC", sentence)).strip()
    cut = _early_clause(plain, first_limit, limit) if first_limit is not None else 0
    return tuple(
        piece for part in (plain[:cut], plain[cut:]) for piece in _within(part.strip(), limit)
    )


def _early_clause(sentence: str, wanted: int, limit: int) -> int:
    """Where the first piece ends: near ``wanted`` characters, or 0 where no clause does."""
    if len(sentence) <= wanted:
        return 0
    least = max(wanted // _SHORTEST_SHARE, 1)
    ends = [
        match.end()
        for match in _CLAUSE_END.finditer(sentence, 0, limit)
        if match.end() >= least and len(sentence) - match.end() >= least
    ]
    return max((end for end in ends if end <= wanted), default=min(ends, default=0))


def _within(sentence: str, limit: int) -> list[str]:
    found = []
    rest = sentence
    while len(rest) > limit:
        cut = cut_at(rest, limit)
        found.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    found.append(rest)
    return [piece for piece in found if piece]


def cut_at(sentence: str, limit: int) -> int:
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

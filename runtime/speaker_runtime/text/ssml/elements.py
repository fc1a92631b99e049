"""Which elements and attributes are understood; the capability table is written from this."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from speaker_runtime.text.phonemes import Alphabet


class Support(StrEnum):
    """What becomes of an element."""

    FULL = "full"
    """It is followed."""
    IGNORED = "ignored"
    """Its content is spoken as if it were not there, with a warning, whatever the mode."""
    BY_BACKEND = "by backend"
    """It is followed where the backend can; elsewhere it is not understood."""
    REFUSED = "refused"
    """The document is refused, whatever the mode."""


@dataclass(frozen=True)
class Element:
    """One element.

    Attributes:
        support: What becomes of it.
        attributes: Those that are followed.
        ignored: Those that give a warning.
        note: What to know of it.
    """

    support: Support
    note: str
    attributes: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


ELEMENTS: Final[Mapping[str, Element]] = MappingProxyType(
    {
        "speak": Element(
            Support.FULL, "The document; it has no other root.", ("version", "xml:lang")
        ),
        "p": Element(Support.FULL, "A paragraph: its sentences end within it.", ("xml:lang",)),
        "s": Element(Support.FULL, "A sentence.", ("xml:lang",)),
        "break": Element(
            Support.FULL,
            "Exact silence, at most 10 s: time such as 500ms or 1.5s, or strength none, x-weak, "
            "weak, medium, strong, x-strong (0, 0.1, 0.25, 0.5, 0.75, 1 s).",
            ("time", "strength"),
        ),
        "sub": Element(Support.FULL, "Its alias is spoken in its place.", ("alias",)),
        "say-as": Element(
            Support.FULL,
            "interpret-as: characters, spell-out, verbatim, digits, telephone, ordinal, cardinal, "
            "number, fraction, unit, currency, time, date (with format dmy, mdy or ymd).",
            ("interpret-as", "format"),
            ("detail",),
        ),
        "phoneme": Element(
            Support.BY_BACKEND,
            "Its text sounds like ph, in the alphabet ipa (the default) or x-sampa: hibari and "
            "kokoro can.",
            ("ph", "alphabet"),
            ("type",),
        ),
        "voice": Element(
            Support.FULL, "Another voice of the service, by name.", ("name", "xml:lang")
        ),
        "lang": Element(Support.FULL, "Another language, by BCP 47 tag.", ("xml:lang",)),
        "prosody": Element(
            Support.FULL,
            "rate: x-slow, slow, medium, fast, x-fast (0.5, 0.75, 1, 1.5, 2), 80%, +20% or 1.2; "
            "volume: silent, x-soft, soft, medium, loud, x-loud (-12, -6, 0, +3, +6 dB), or "
            "decibels such as -6dB, from -60 to +12. Louder than full scale is clipped.",
            ("rate", "volume"),
            ("pitch", "contour", "range", "duration"),
        ),
        "mark": Element(
            Support.FULL, "Its time is told in a speech.audio.mark event (sse only).", ("name",)
        ),
        "emphasis": Element(Support.IGNORED, "No voice can stress a word yet.", (), ("level",)),
        "audio": Element(Support.REFUSED, "Nothing is fetched or mixed in."),
    }
)

HARMLESS: Final = ("xmlns", "xml:id", "xml:base", "xml:space", "onlangfailure", "required")
"""Attributes that change nothing that is heard; so do those with the prefixes xmlns and xsi."""

UNHEARD: Final = frozenset({"meta", "metadata", "desc", "lexicon", "lookup"})
"""Elements whose content is no speech: a lenient reading leaves it out."""

MAX_DEPTH: Final = 10
MAX_PASSAGES: Final = 200
MAX_BREAK_SECONDS: Final = 10.0
MAX_SILENCE_SECONDS: Final = 120.0
"""Of one document in all: silence costs its writer nothing."""
MIN_GAIN_DB: Final = -60.0
MAX_GAIN_DB: Final = 12.0


def understood(alphabets: Set[Alphabet]) -> Iterator[tuple[str, Element]]:
    """The elements that are understood with a backend that follows phonemes in ``alphabets``."""
    for name, element in ELEMENTS.items():
        if element.support is not Support.BY_BACKEND:
            yield name, element
        elif alphabets:
            yield name, replace(element, support=Support.FULL)

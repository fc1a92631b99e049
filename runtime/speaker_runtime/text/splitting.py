"""One line of text into sentences."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import sentencex

from speaker_runtime.text.languages import primary

_NO_END: Final[Mapping[str, re.Pattern[str]]] = MappingProxyType(
    {
        "es": re.compile(r"\.$"),
        "fr": re.compile(r"(?:^|[\s(])(?:M|MM|Mgr|Dr|Pr|St)\.\s+$"),
        "ja": re.compile(r"\u300d$"),
    }
)
"""What a sentence does not end with although sentencex has it end there, by language."""


def split(line: str, language: str) -> list[str]:
    """The sentences of ``line``; joined, they are the line again."""
    no_end = _NO_END.get(primary(language))
    found: list[str] = []
    goes_on = False
    for sentence in sentencex.segment(primary(language), line):
        if goes_on:
            found[-1] += sentence
        else:
            found.append(sentence)
        goes_on = no_end is not None and no_end.search(sentence) is not None
    return found

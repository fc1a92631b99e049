"""A passage into sentences: each as it was written, and the utterances to speak for it."""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, TypeAlias

import sentencex

from speaker_runtime.text.cutting import pieces
from speaker_runtime.text.languages import primary
from speaker_runtime.text.lexicon import Lexicon

Normalize: TypeAlias = Callable[[str, str], str]
"""From a text and its language to the text with its written forms in words."""

_LINE: Final = re.compile(r"[^\r\n\u2028\u2029]*[\r\n\u2028\u2029]*")
_NO_END: Final[Mapping[str, re.Pattern[str]]] = MappingProxyType(
    {
        "es": re.compile(r"\.$"),
        "fr": re.compile(r"(?:^|[\s(])(?:M|MM|Mgr|Dr|Pr|St)\.\s+$"),
        "ja": re.compile(r"\u300d$"),
    }
)
"""What a sentence does not end with although sentencex has it end there, by language."""

_SIGNS: Final = frozenset("%&#+=")
"""Signs that are read even where no word or number stands beside them."""


@dataclass(frozen=True)
class Sentence:
    """One sentence of a passage.

    Attributes:
        text: As it was written, with the white space after it.
        start: Characters of the passage before it.
        end: Characters of the passage up to its end.
        utterances: What to speak for it, in order; at least one.
    """

    text: str
    start: int
    end: int
    utterances: tuple[str, ...]


def as_written(text: str, language: str) -> str:  # noqa: ARG001  it stands in for normalize
    """Leave the written forms of ``text`` to the model."""
    return text


def sentences(
    text: str,
    *,
    language: str,
    limit: int,
    normalize: Normalize,
    lexicon: Lexicon,
    first_limit: int | None = None,
) -> tuple[Sentence, ...]:
    """Split ``text`` into sentences, and each sentence into utterances.

    The text is split as it was written; each sentence is then normalised, respelled and cut to the
    limit by itself, so what is spoken and what was written stay side by side. A line ends a
    sentence; a word of the lexicon is never split. What has no sound of its own, such as a line
    without a letter, belongs to the sentence before it, or to the first one.

    Args:
        text: What was asked for, of any length.
        language: BCP 47 tag; its primary part decides on abbreviations and sentence ends.
        limit: Characters of an utterance, at least 1.
        normalize: Puts written forms into words; :func:`as_written` leaves them.
        lexicon: Respells words.
        first_limit: Characters of the first utterance, if a clause ends there, so that sound
            begins sooner; None to begin with a whole sentence.

    Returns:
        The sentences in order, without a gap: their texts joined are ``text``. Nothing where
        there is nothing to speak.
    """
    found: list[Sentence] = []
    began = looked = 0
    for end in _ends(text, language, lexicon):
        written, looked = text[looked:end], end
        words = lexicon.respell(normalize(written, language))
        early = None if found else first_limit
        spoken = tuple(filter(_is_heard, pieces(words, limit=limit, first_limit=early)))
        if spoken:
            found.append(Sentence(text[began:end], began, end, spoken))
            began = end
        elif found:
            last = found[-1]
            found[-1] = replace(last, text=last.text + written, end=end)
            began = end
    return tuple(found)


def _ends(text: str, language: str, lexicon: Lexicon) -> Iterator[int]:
    """Where sentences end, in order; the last one is the end of the text."""
    words = lexicon.spans(text)
    starts = [start for start, _ in words]
    no_end = _NO_END.get(primary(language))
    for line in _LINE.finditer(text):
        end = line.start()
        for sentence in sentencex.segment(primary(language), line.group()):
            end += len(sentence)
            if end < line.end() and no_end is not None and no_end.search(sentence):
                continue
            before = bisect_left(starts, end) - 1
            if before < 0 or words[before][1] <= end:
                yield end


def _is_heard(utterance: str) -> bool:
    return any(each.isalnum() or each in _SIGNS for each in utterance)

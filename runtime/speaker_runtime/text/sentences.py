"""A passage into sentences: each as it was written, and the utterances to speak for it."""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from speaker_runtime.text.cutting import pieces
from speaker_runtime.text.hiding import Hiding, without_private
from speaker_runtime.text.lexicon import Lexicon
from speaker_runtime.text.phonemes import Pronunciation
from speaker_runtime.text.splitting import split

Normalize: TypeAlias = Callable[[str, str], str]
"""From a text and its language to the text with its written forms in words."""

_LINE: Final = re.compile(r"[^\r\n\u2028\u2029]*[\r\n\u2028\u2029]*")
_SIGNS: Final = frozenset("%&#+=")
"""Signs that are read even where no word or number stands beside them."""


@dataclass(frozen=True)
class Utterance:
    """What is spoken in one breath.

    Attributes:
        text: In words.
        pronunciations: How parts of it sound, in order.
    """

    text: str
    pronunciations: tuple[Pronunciation, ...] = ()

    @property
    def is_heard(self) -> bool:
        """Whether it has anything to read."""
        return bool(self.pronunciations) or any(
            each.isalnum() or each in _SIGNS for each in self.text
        )


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
    utterances: tuple[Utterance, ...]


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
    pronunciations: Sequence[Pronunciation] = (),
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
        pronunciations: Parts of the text that have their own, in order and apart.

    Returns:
        The sentences in order, without a gap: their texts joined are ``text``. Nothing where
        there is nothing to speak.
    """
    found: list[Sentence] = []
    hiding = Hiding()
    source = _hidden(without_private(text), pronunciations, hiding)
    began = looked = 0
    for end in _ends(source, language, lexicon):
        written, looked = source[looked:end], end
        words = lexicon.respell(normalize(written, language), hiding.hide)
        made = pieces(words, limit=limit, first_limit=None if found else first_limit)
        utterances = (Utterance(*hiding.reveal(piece)) for piece in made)
        spoken = tuple(each for each in utterances if each.is_heard)
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
    for line in _LINE.finditer(text):
        end = line.start()
        for sentence in split(line.group(), language):
            end += len(sentence)
            before = bisect_left(starts, end) - 1
            if before < 0 or words[before][1] <= end:
                yield end


def _hidden(text: str, pronunciations: Sequence[Pronunciation], hiding: Hiding) -> str:
    """``text`` with its pronounced parts hidden, as long as before."""
    shown, last = "", 0
    for each in pronunciations:
        shown += text[last : each.start] + hiding.hide(text[each.start : each.end], each.ipa)
        last = each.end
    return shown + text[last:]

"""What the model can read of an utterance, and how the utterance is written down for it.

The model reads English in Latin letters, digits and a few signs. What it cannot read it leaves out
without a word, so this module looks before anything is spoken.
"""

import re
import unicodedata
from collections.abc import Iterator
from itertools import zip_longest
from typing import Final

from speaker_runtime.backends.hibari.lexicon import PRONUNCIATIONS
from speaker_runtime.backends.hibari.phonemes import from_ipa, unknown
from speaker_runtime.backends.protocol import SpeechRequest
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.text.normalization import Form

READS: Final = frozenset(
    {
        Form.NUMBER,
        Form.ORDINAL,
        Form.DATE,
        Form.TIME,
        Form.MONEY,
        Form.UNIT,
        Form.ABBREVIATION,
        Form.SIGN,
    }
)
"""Written forms that hibari's own rules put into words, and well."""

PHONEME_LIMIT: Final = 400
"""Longest phoneme string for one pass; the package's own limit (hibari.tts.MAX_PHONEMES)."""

_QUOTED: Final = 60
"""Characters of a text that an error quotes."""
_SIGNS: Final = frozenset("%&#+=")
"""Signs that are read wherever they stand; others only beside a number or a word."""
_STRESS: Final = frozenset("ˈˌː")
_CHUNK: Final = 40
"""Letters read as one word: time grows with the cube of a word's length, and no word is longer."""
_DIGITS: Final = 15
"""Longest number read as one number; the package fails beyond 36 digits, listeners much earlier."""

_LABEL: Final = "word"
"""What stands in the markup for a word whose phonemes are given; it is not looked at."""
_MARKUP: Final = re.compile(r"\[([^\[\]]+)\]\([^()]*\)")
_LONG_WORD: Final = re.compile(rf"\S{{{_CHUNK + 1},}}")
_PIECE: Final = re.compile(rf"\S{{,{_CHUNK - 1}}}[^\w\s]|\S{{1,{_CHUNK}}}")
_LONG_NUMBER: Final = re.compile(rf"\d(?:[.,]?\d){{{_DIGITS},}}")
_LEXICON: Final = re.compile(rf"\b({'|'.join(PRONUNCIATIONS)})\b", re.IGNORECASE)
_CLAUSE: Final = re.compile(r"(?<=[,;:—])\s+")


def is_readable(character: str) -> bool:
    """Whether the model has a reading for this character."""
    if character in _SIGNS or unicodedata.category(character) == "Nd":
        return True
    base = unicodedata.normalize("NFKD", character)[0]
    return base.isascii() and base.isalnum()


def unreadable_letters(text: str) -> str:
    """The first run of letters of ``text`` that would be left out; empty where there is none."""
    run = ""
    for character in text:
        is_letter = unicodedata.category(character)[0] in "LM"
        if is_letter and not is_readable(character) and (run or character.isalpha()):
            run += character
        elif run:
            break
    return run


def has_reading(text: str) -> bool:
    """Whether anything at all of ``text`` would be heard."""
    return any(map(is_readable, text))


def check(request: SpeechRequest, *, british: bool, model: str) -> tuple[str, ...]:
    """Warnings about what of an utterance will not be heard.

    Raises:
        SpeechError: It has words, and none of them can be read.
    """
    warnings = []
    skipped = unreadable_letters("".join(_between(request)))
    if skipped:
        if not has_reading(request.text):
            raise not_speakable(request.text, model=model)
        warnings.append(f"left out what {model} cannot read: {skipped!a}")
    for each in request.pronunciations:
        word = request.text[each.start : each.end]
        if not has_sound(from_ipa(each.ipa, british=british)):
            raise not_speakable(word, model=model)
        silent = unknown(each.ipa, british=british)
        if silent:
            warnings.append(f"{model} has no sound for {silent!a} in {word[:_QUOTED]!a}")
    return tuple(warnings)


def require_signs_only(utterance: str, *, model: str) -> None:
    """Accept that an utterance has no sound where it has nothing to read.

    Raises:
        SpeechError: It has words.
    """
    if any(character.isalnum() for character in utterance):
        raise not_speakable(utterance, model=model)


def not_speakable(text: str, *, model: str) -> SpeechError:
    """The error for a text that the model has no reading for."""
    quoted = text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…"
    return SpeechError(
        ErrorCode.TEXT_NOT_SPEAKABLE,
        f"{model} cannot read this part of the text: {quoted!r}. It reads English, written in "
        "Latin letters and digits.",
        param="input",
        suggestion="Remove or translate this part.",
    )


def write_down(request: SpeechRequest, *, british: bool) -> str:
    """Prepare an utterance for the model's own reading rules.

    Markup such as ``[word](/phonemes/)`` or a Markdown link in the text is not obeyed: its label
    is read. The request's own pronunciations are written so.
    """
    texts = map(_in_plain, _between(request))
    words = (
        f"[{_LABEL}](/{from_ipa(each.ipa, british=british)}/)" for each in request.pronunciations
    )
    return "".join(part for pair in zip_longest(texts, words, fillvalue="") for part in pair)


def _between(request: SpeechRequest) -> Iterator[str]:
    """The text before, between and behind the request's own pronunciations."""
    last = 0
    for each in request.pronunciations:
        yield request.text[last : each.start]
        last = each.end
    yield request.text[last:]


def _in_plain(utterance: str) -> str:
    plain = _MARKUP.sub(r"\1", utterance).replace("](", "] (")
    short = _LONG_NUMBER.sub(_digit_by_digit, plain)
    short = _LONG_WORD.sub(_in_chunks, short)
    return _LEXICON.sub(_pronounced, short)


def has_sound(phonemes: str) -> bool:
    """Whether a phoneme string holds more than punctuation and stress marks."""
    return any(each.isalpha() and each not in _STRESS for each in phonemes)


def phoneme_passes(phonemes: str) -> Iterator[str]:
    """Cut a phoneme string into passes of at most :data:`PHONEME_LIMIT`, at clauses if possible."""
    rest = phonemes
    while len(rest) > PHONEME_LIMIT:
        clauses = [match.end() for match in _CLAUSE.finditer(rest, 0, PHONEME_LIMIT)]
        cut = clauses[-1] if clauses else rest.rfind(" ", 1, PHONEME_LIMIT)
        cut = cut if cut > 0 else PHONEME_LIMIT
        yield rest[:cut].strip()
        rest = rest[cut:]
    if rest.strip():
        yield rest.strip()


def _digit_by_digit(match: re.Match[str]) -> str:
    return " ".join(character for character in match.group() if character.isdigit())


def _in_chunks(match: re.Match[str]) -> str:
    """Cut a word into chunks, each after a sign if it has one."""
    return " ".join(_PIECE.findall(match.group()))


def _pronounced(match: re.Match[str]) -> str:
    word = match.group()
    return f"[{word}](/{PRONUNCIATIONS[word.lower()]}/)"

"""Text as the model was trained on it: numbers and symbols in words, few marks, small letters.

The order of the steps matters, as does what looks like a mistake in them: the model has read text
that was made in this very way.
"""

import json
import re
import unicodedata
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

import emoji
from wetext import Normalizer

from speaker_runtime.backends.glm_tts.errors import damaged, unspeakable
from speaker_runtime.backends.glm_tts.numbers import counted, with_power
from speaker_runtime.backends.glm_tts.tables import (
    BRACKETS,
    CIRCLED,
    GREEK,
    MARKS,
    QUOTES,
    REPLACED,
    SYMBOLS,
    UNREAD,
    has_chinese,
)

_P: Final = re.escape(MARKS)
_FACTOR: Final = "[一二三四五六七八九十百千万亿A-Za-z]"
_TIMES: Final = re.compile(rf"(?:(?<={_FACTOR})|(?<={_FACTOR}\)))\s*\*\s*(?=\(?{_FACTOR})")
"""An asterisk between factors."""
_SAID: Final = {
    ord(symbol): words
    for symbol, words in {
        "†": "，",
        "²": "平方",
        "³": "立方",
        "/": "每",
        **CIRCLED,
        **GREEK,
        **SYMBOLS,
        **UNREAD,
    }.items()
}
"""What symbols are called in Chinese."""
_THOUSANDS: Final = re.compile(r"(?<!\d)\d{1,3}(?:,\d{3})+(?!\d)")
"""Numbers with commas, of which the Chinese grammar makes several."""
_TELEPHONE: Final = re.compile(r"(?<!\d)0\d{2,3}减\d{7,8}(?!\d)", re.ASCII)
"""A number behind the one of its town, which this edition of the grammar reads as quantities."""
_DIGITS: Final = str.maketrans("0123456789", "零幺二三四五六七八九")
_TWOS: Final = re.compile("二(?=百|千(?!克))|(?<!十)二(?=万)")
"""Where the reference's edition of the grammar says 两, in numbers that were digits."""
_ENDS: Final = ".!?;:：。！？；，"
"""A line that ends in one of these is a sentence already."""
_SCRIPTS: Final = ("LATIN", "CJK", "IDEOGRAPHIC", "FULLWIDTH LATIN")
"""How the names of letters begin that the model can read."""
_GRAMMARS: Final = {
    "zh": Normalizer(
        lang="zh",
        operator="tn",
        traditional_to_simple=True,
        full_to_half=True,
        remove_erhua=False,
        remove_interjections=False,
    ),
    "en": Normalizer(lang="en", operator="tn"),
}
"""Their grammars are read when they are first used, which takes a second."""


def replacements(path: Path) -> tuple[tuple[str, str], ...]:
    """What to write another way, of a file with a JSON object for each on a line of its own.

    Args:
        path: The model's ``custom_replace.jsonl``; where there is none, the published list is used.

    Raises:
        ModelError: It cannot be read.
    """
    if not path.is_file():
        return REPLACED
    try:
        lines = [line for line in path.read_text("utf-8").splitlines() if line.strip()]
        entries = [json.loads(line) for line in lines]
        return tuple((str(each["origin"]), str(each["new"])) for each in entries)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise damaged(path, f"it has no origin and new on each line ({error})") from error


def normalise(text: str, replaced: Sequence[tuple[str, str]] = REPLACED) -> str:
    """A text as the model reads it, which ends in a mark.

    Text with a Chinese character in it is Chinese, all other text English.

    Args:
        text: As it was written.
        replaced: What to write another way in Chinese, and how, in this order.
    """
    text = re.sub(r"^(\d+)\. ", r"\1。", text).replace("\\n", "\n")
    text = emoji.replace_emoji(_one_line(text), "")
    text = re.sub(r"(?<=[A-Za-z])-(?=[A-Za-z])", " ", text)
    chinese = has_chinese(text)
    return _finished(_chinese(text, replaced) if chinese else _english(text))


def require_readable(text: str) -> None:
    """Whether the model has letters for all of a text.

    Raises:
        SpeechError: There is nothing to say in it, or letters of another script.
    """
    greek = GREEK if has_chinese(text) else {}
    strange = [
        each
        for each in text
        if each.isalpha() and each not in greek and not _name(each).startswith(_SCRIPTS)
    ]
    if strange:
        raise unspeakable(
            "".join(dict.fromkeys(strange)), "is of a script that GLM-TTS cannot read"
        )
    if not any(each.isalnum() or each in SYMBOLS for each in text):
        raise unspeakable(text, "has nothing in it that can be said")


def _name(character: str) -> str:
    return unicodedata.name(character, "")


def _one_line(text: str) -> str:
    lines = [line for line in map(str.strip, text.split("\n")) if line]
    ended = [
        line if line[-1] in _ENDS else f"{line}{'。' if has_chinese(line) else '. '}"
        for line in lines
    ]
    return ("" if any(map(has_chinese, lines)) else " ").join(ended)


def _chinese(text: str, replaced: Sequence[tuple[str, str]]) -> str:
    text = with_power(text)
    text = re.sub(r"(?<=\d)\s*-\s*(?=\d)", "减", text).replace("-", "")
    text = re.sub(f"咯(?=[{_P}])", "喽", text)
    for origin, new in replaced:
        text = text.replace(origin, new)
    text = _THOUSANDS.sub(lambda found: found[0].replace(",", ""), text)
    text = _TELEPHONE.sub(lambda found: found[0].translate(_DIGITS), text)
    worded = _worded(text, "zh")
    text = (worded if "二" in text else _TWOS.sub("两", worded)).replace("\\", "")
    text = re.sub(r"(?<!\w)额(?!\w)", "呃", text)
    text = re.sub(r"[~～]+", "。", text)
    text = _TIMES.sub("乘", text).replace("*", "").strip()
    text = _without(text, BRACKETS + QUOTES)
    text = text.replace(" - ", "，").replace("——", "，")
    text = re.sub(r"[,:：;；、]+", "，", text)
    text = re.sub(r"[.…]+", "。", text)
    text = _without(text, "_·'\"‘’“”|")
    return text.translate(_SAID).lower()


def _english(text: str) -> str:
    text = _worded(text.replace("'", "’"), "en")
    text = _without(text, BRACKETS)
    # The grammar has read asterisks by now.
    text = text.replace("—", " ").replace("’", "'")
    runs = (("".join(run), digits) for digits, run in groupby(text, str.isdigit))
    text = "".join(_number(run) if digits else run for run, digits in runs)
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"[^\w\s.,!?':;]", "", text).lower()
    text = re.sub(r"([.,!?':;])\1+", r"\1", text)
    return re.sub(r"\s*([.,?!':;])\s*", r"\1 ", text).strip()


def _finished(text: str) -> str:
    """The common end of both: spaces, runs of marks, and the last mark."""
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"(?<![A-Za-z0-9.,!?;:]) | (?![A-Za-z0-9])", "", text)
    text = re.sub(f"([{_P}])\\1+", r"\1", text)
    text = re.sub(f"[{_P}](?=[{_P}])", "", text)
    text = text.replace("#", "").replace("！", "。").replace("!", ".")
    if text.endswith(("？", "?")):
        return text
    end = "。" if has_chinese(text) else "."
    return f"{text[:-1] if text and text[-1] in MARKS else text}{end}"


def _worded(text: str, language: str) -> str:
    """The text with what the grammar can read in words.

    Where it cannot make sense of the whole, it is asked for one word after the other, and those
    that it does not know either stay as they are.
    """
    text = re.sub(r"[^\S ]|[\x00-\x1f\x7f]", " ", text)  # of spaces, the grammars know but one
    whole = _grammatical(text, language)
    if whole is not None:
        return whole
    words = [_grammatical(word, language) or word for word in text.split()]
    return " ".join(words)


def _grammatical(text: str, language: str) -> str | None:
    try:
        worded: str = _GRAMMARS[language].normalize(text)
    except (RuntimeError, ValueError, LookupError, AssertionError):
        return None  # the grammar has no path through it
    return worded


def _number(digits: str) -> str:
    """In words; raised and circled digits were "zero" to what made the model's text."""
    return counted(digits) if digits.isdecimal() else "zero"


def _without(text: str, characters: str) -> str:
    return text.translate(str.maketrans("", "", characters))

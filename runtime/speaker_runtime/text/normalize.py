"""Written forms into words: what a model's own reading rules get wrong or leave out.

The English models here read plain numbers, prices, dates, times, units and abbreviations
themselves. These rules do the rest, so nothing is put into words twice.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from speaker_runtime.text.languages import primary

Match: TypeAlias = re.Match[str]

# Every pattern is bounded or cannot start inside its own match, so that time grows with the text.
_KEYCAP: Final = re.compile("([0-9#*])\ufe0f?\u20e3")
_EMOJI: Final = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\U000e0020-\U000e007f]"
    "[\ufe0f\u200d\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\U000e0020-\U000e007f]*"
)

_DOMAIN: Final = r"(?:[A-Za-z0-9][A-Za-z0-9-]{0,62}\.){1,8}"
_TOP: Final = r"(?:com|org|net|edu|gov|info|io|dev|app|ai|eu|uk|co)"
_ADDRESS: Final = re.compile(
    rf"(?<![\w@./-])(?:https?://[^\s<>\"]+|www\.[^\s<>\"]+|{_DOMAIN}{_TOP}(?![\w.-]*\w)(?:[:/][^\s<>\"]*)?)"
)
_SCHEME: Final = re.compile(r"^https?://(?:www\.)?|^www\.", re.IGNORECASE)
_QUERY: Final = re.compile(r"[?#].*")
_TRAILING: Final = re.compile(r"[.,;:!?)\]}'*_]+$")
_PORT: Final = re.compile(r":(\d{1,5})(?=/|$)")
_MAIL: Final = re.compile(
    r"(?<![\w.+-])(?:mailto:)?([\w.+-]{1,64})@([A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8})"
)
_SIGN_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {".": "dot", "/": "slash", "-": "dash", "_": "underscore", "+": "plus", "~": "tilde"}
)
_SIGN: Final = re.compile(r"[./_+~-]")

_DOTTED: Final = re.compile(r"(?<![\w.])(v)?(\d{1,5}(?:\.\d{1,5}){2,7})(?!\.?\w)", re.IGNORECASE)
_DATE: Final = re.compile(r"\d{1,2}\.\d{1,2}\.\d{4}")
_PARTS_OF_AN_IP_ADDRESS: Final = 4
_PHONE: Final = re.compile(r"(?<![\w+])\+(\d(?:[ ()-]{0,2}\d){6,14})(?!\w)")
_HEIGHT: Final = re.compile(r"(?<![\w'])(\d{1,2})['\u2032] ?(\d{1,2})(?:\"|\u2033|'')")
_ABOUT: Final = re.compile(r"(?<![\w~])~ ?(?=[$\u20ac\u00a3]?\d)")

_UNITS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "mm": "millimeters",
        "cm": "centimeters",
        "m": "meters",
        "km": "kilometers",
        "in": "inches",
        "ft": "feet",
        "mi": "miles",
    }
)
_POWERS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {"\u00b2": ("square", "squared"), "\u00b3": ("cubic", "cubed")}
)
_AREA: Final = re.compile(rf"(?<=\d) ?({'|'.join(_UNITS)})([\u00b2\u00b3])")
_POWER: Final = re.compile(r"(?<!\w\w\w)(?<=\w)([\u00b2\u00b3])(?!\w)")

_FRACTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "\u00bd": "one half",
        "\u2153": "one third",
        "\u2154": "two thirds",
        "\u00bc": "one quarter",
        "\u00be": "three quarters",
        "\u215b": "one eighth",
    }
)
_FRACTION: Final = re.compile(rf"(\d ?)?([{''.join(_FRACTIONS)}])")


def normalize(text: str, language: str) -> str:
    """Put written forms of ``text`` into words.

    In English that is addresses of pages and mail, versions, telephone numbers, powers, fractions
    and heights. Emoji are left out in every language. Nothing else is touched.

    Args:
        text: What was asked for.
        language: BCP 47 tag of the text.

    Returns:
        The text to read; perhaps nothing but white space.
    """
    text = _EMOJI.sub(" ", _KEYCAP.sub(r"\1", text))
    if primary(language) == "en":
        for pattern, in_words in _ENGLISH:
            text = pattern.sub(in_words, text)
    return text


def _address(match: Match) -> str:
    whole = match.group()
    trailing = _TRAILING.search(whole)
    end = trailing.group() if trailing else ""
    address = whole.removesuffix(end)
    plain = _QUERY.sub("", _SCHEME.sub("", address)).rstrip("/")
    return _signs(_PORT.sub(r" port \1", plain)) + end


def _mail(match: Match) -> str:
    # A full stop after the address belongs to the sentence.
    return f"{_signs(match.group(1))} at {_signs(match.group(2))}"


def _signs(text: str) -> str:
    return _SIGN.sub(lambda sign: f" {_SIGN_NAMES[sign.group()]} ", text)


def _dotted(match: Match) -> str:
    version, numbers = match.group(1) or "", match.group(2)
    if _DATE.fullmatch(numbers):
        return match.group()
    parts = numbers.split(".")
    is_address = not version and len(parts) == _PARTS_OF_AN_IP_ADDRESS
    prefix = f"{version} " if version else ""
    return prefix + (" dot " if is_address else " point ").join(parts)


def _phone(match: Match) -> str:
    groups = re.split(r"[ ()-]+", match.group(1))
    return "plus " + ", ".join(" ".join(group) for group in groups)


def _area(match: Match) -> str:
    return f" {_POWERS[match.group(2)][0]} {_UNITS[match.group(1)]}"


def _power(match: Match) -> str:
    return f" {_POWERS[match.group(1)][1]}"


def _fraction(match: Match) -> str:
    whole, fraction = match.group(1), _FRACTIONS[match.group(2)]
    if whole is None:
        return fraction
    part = {"one half": "a half", "one quarter": "a quarter"}.get(fraction, fraction)
    return f"{whole.strip()} and {part}"


_ENGLISH: Final[tuple[tuple[re.Pattern[str], str | Callable[[Match], str]], ...]] = (
    (_MAIL, _mail),
    (_ADDRESS, _address),
    (_PHONE, _phone),
    (_DOTTED, _dotted),
    (_HEIGHT, r"\1 feet \2 inches"),
    (_AREA, _area),
    (_POWER, _power),
    (_FRACTION, _fraction),
    (_ABOUT, "about "),
)
"""Rules in order: an address holds what later rules would take for something else."""

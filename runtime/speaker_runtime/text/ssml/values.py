"""The values of SSML attributes: times, rates, volumes, and what say-as makes of a text."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from speaker_runtime.text.normalization import ordinal, spelled
from speaker_runtime.text.ssml.elements import MAX_GAIN_DB, MIN_GAIN_DB

_TIME: Final = re.compile(r"\+?([0-9]{1,6}(?:\.[0-9]{1,6})?|\.[0-9]{1,6})(ms|s)", re.ASCII)
_NUMBER: Final = re.compile(r"([+-]?)([0-9]{1,4}(?:\.[0-9]{1,6})?|\.[0-9]{1,6})(%?)", re.ASCII)
_DECIBEL: Final = re.compile(r"([+-]?[0-9]{1,3}(?:\.[0-9]{1,3})?)dB", re.ASCII)
_DATE: Final = re.compile(r"(\d{1,4})[-/. ](\d{1,2})[-/. ](\d{1,4})", re.ASCII)

_STRENGTHS: Final[Mapping[str, float]] = MappingProxyType(
    {"none": 0.0, "x-weak": 0.1, "weak": 0.25, "medium": 0.5, "strong": 0.75, "x-strong": 1.0}
)
_RATES: Final[Mapping[str, float]] = MappingProxyType(
    {"x-slow": 0.5, "slow": 0.75, "medium": 1.0, "default": 1.0, "fast": 1.5, "x-fast": 2.0}
)
_VOLUMES: Final[Mapping[str, float]] = MappingProxyType(
    {"x-soft": -12.0, "soft": -6.0, "medium": 0.0, "default": 0.0, "loud": 3.0, "x-loud": 6.0}
)
_ORDERS: Final[Mapping[str, tuple[int, int, int]]] = MappingProxyType(
    {"ymd": (0, 1, 2), "mdy": (2, 0, 1), "dmy": (2, 1, 0)}
)
"""Where year, month and day stand."""
_LONGEST_ORDINAL: Final = 15
"""Digits."""
AS_WRITTEN: Final = frozenset({"cardinal", "number", "fraction", "unit", "currency", "time"})
"""What say-as leaves to the reading rules, which take it that way anyhow."""
SPELLED: Final = frozenset({"characters", "spell-out", "verbatim"})


class WrongValueError(ValueError):
    """An attribute has a value that is not understood; the message says what to write."""


def pause(time: str | None, strength: str | None) -> float:
    """Seconds of a break; time goes before strength."""
    if time is not None:
        match = _TIME.fullmatch(time.strip())
        if match is None:
            raise WrongValueError(f"time {time!r} is no time such as 500ms or 1.5s")
        return float(match.group(1)) / (1000.0 if match.group(2) == "ms" else 1.0)
    if strength is None:
        return _STRENGTHS["medium"]
    if strength not in _STRENGTHS:
        raise WrongValueError(f"strength {strength!r} is none of {', '.join(_STRENGTHS)}")
    return _STRENGTHS[strength]


def rate(text: str) -> float:
    """Factor of a rate: a word, a factor (1.2), a share (80%) or a change (+20%)."""
    if text in _RATES:
        return _RATES[text]
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        raise WrongValueError(f"rate {text!r} is none of {', '.join(_RATES)}, 80%, +20% or 1.2")
    sign, number, percent = match.groups()
    amount = float(number) / (100.0 if percent else 1.0)
    if sign and percent:
        amount = 1.0 + amount if sign == "+" else 1.0 - amount
    if amount <= 0 or (sign == "-" and not percent):
        raise WrongValueError(f"rate {text!r} leaves no pace: write for example 80% or -20%")
    return amount


def gain(text: str) -> float:
    """Factor of a volume: a word, or decibels."""
    if text == "silent":
        return 0.0
    match = _DECIBEL.fullmatch(text.strip())
    if text not in _VOLUMES and match is None:
        raise WrongValueError(f"volume {text!r} is none of silent, {', '.join(_VOLUMES)} or -6dB")
    decibels = float(match.group(1)) if match else _VOLUMES[text]
    if not MIN_GAIN_DB <= decibels <= MAX_GAIN_DB:
        raise WrongValueError(
            f"volume {text!r} is not within {MIN_GAIN_DB:.0f}dB and +{MAX_GAIN_DB:.0f}dB"
        )
    return float(10.0 ** (decibels / 20.0))


def said_as(text: str, kind: str, form: str | None, language: str) -> str:
    """What is read for a text that is to be said in a way of its own."""
    plain = text.strip()
    if kind in AS_WRITTEN:
        return plain
    if kind in SPELLED:
        # Capitals, as a small a would be read as the article.
        letters = (each.upper() if each.isalpha() else each for each in plain)
        return " ".join(spelled(each, language) for each in letters if not each.isspace())
    if kind in {"digits", "telephone"}:
        return " ".join(spelled(each, language) for each in plain if each.isdigit() or each == "+")
    if kind == "ordinal":
        return _ordinal(plain, language)
    if kind == "date":
        return _date(plain, form or "ymd")
    raise WrongValueError(
        f"interpret-as {kind!r} is none of characters, digits, telephone, ordinal, date, "
        f"{', '.join(sorted(AS_WRITTEN))}"
    )


def _ordinal(text: str, language: str) -> str:
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_ORDINAL):
        raise WrongValueError(f"{text[:20]!r} is no whole number to make an ordinal of")
    return ordinal(int(text), language)


def _date(text: str, form: str) -> str:
    match = _DATE.fullmatch(text)
    if form not in _ORDERS:
        raise WrongValueError(f"format {form!r} is none of {', '.join(_ORDERS)}")
    if match is None:
        raise WrongValueError(f"{text[:20]!r} is no date of the form {form}, such as 2026-11-23")
    year, month, day = (int(match.groups()[place]) for place in _ORDERS[form])
    return f"{year:04d}-{month:02d}-{day:02d}"

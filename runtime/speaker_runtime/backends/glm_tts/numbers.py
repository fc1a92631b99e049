"""Numbers in words: powers of ten in Chinese, with the oddities of what the model was trained on.

And what the grammars leave of numbers in English.
"""

import operator
import re
from collections.abc import Sequence
from itertools import dropwhile
from typing import Final

_DIGITS: Final = "零一二三四五六七八九"
_UNITS: Final = (
    *("", "十", "百", "千", "万", "十万", "百万", "千万"),
    *("亿", "十亿", "百亿", "千亿"),
)
_SMALL: Final = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen"),
    *("seventeen", "eighteen", "nineteen"),
)
_TENS: Final = (
    *("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"),
)
_THOUSANDS: Final = (
    *("", " thousand", " million", " billion", " trillion", " quadrillion", " quintillion"),
    *(" sextillion", " septillion", " octillion", " nonillion", " decillion"),
)
_GROUP: Final = 1000
_HUNDRED: Final = 100
_SILENT_BEFORE: Final = frozenset({"万", "亿"})
"""Units below which a zero is not said."""
_NUMBER: Final = r"\d+(?:\.\d+)?"
_POWER: Final = re.compile(rf"(-?{_NUMBER})[*x×]({_NUMBER})\^(-?{_NUMBER})")


def with_power(text: str) -> str:
    """The text, whose first number like ``3.5*10^8`` is put into words."""
    return _POWER.sub(
        lambda found: f"{spelled(found[1])}乘{spelled(found[2])}的{spelled(found[3])}次方",
        text,
        count=1,
    )


def spelled(number: str) -> str:
    """A decimal number in words; 120000 is 十万二万, as the model has heard it."""
    whole, _, fraction = number.removeprefix("-").partition(".")
    digits = list(dropwhile(operator.not_, map(int, whole)))
    said = _integer(digits)
    if number.startswith("-") and digits:
        said = f"负{said}"
    fraction = "".join(_DIGITS[int(each)] for each in fraction).rstrip(_DIGITS[0])
    return f"{said}点{fraction}" if fraction else said


def _integer(digits: Sequence[int]) -> str:
    if len(digits) > len(_UNITS):
        return "".join(_DIGITS[each] for each in digits)
    parts: list[str] = []
    unit = ""
    for digit, name in zip(reversed(digits), _UNITS, strict=False):
        if digit:
            unit = name
            parts.append(f"{_DIGITS[digit]}{name}")
        elif parts and parts[-1] != _DIGITS[0] and unit not in _SILENT_BEFORE:
            parts.append(_DIGITS[0])
    said = "".join(reversed(parts)) or _DIGITS[0]
    return said[1:] if said.startswith("一十") else said


def counted(digits: str) -> str:
    """A whole number in English words; one of more than 36 digits digit by digit."""
    if len(digits) > 3 * len(_THOUSANDS):
        return " ".join(_SMALL[int(each)] for each in digits)
    number = int(digits)
    groups: list[str] = []
    rest = number
    for name in _THOUSANDS:
        rest, group = divmod(rest, _GROUP)
        if group:
            groups.append(f"{_below_thousand(group)}{name}")
    if not groups:
        return _SMALL[0]
    *higher, last = reversed(groups)
    is_joined = higher and 0 < number % _GROUP < _HUNDRED
    return f"{', '.join(higher)} and {last}" if is_joined else ", ".join([*higher, last])


def _below_thousand(number: int) -> str:
    hundreds, rest = divmod(number, _HUNDRED)
    parts = [f"{_SMALL[hundreds]} hundred"] if hundreds else []
    if rest:
        tens, ones = divmod(rest, 10)
        small = _SMALL[rest] if rest < len(_SMALL) else _TENS[tens]
        parts.append(f"{small}-{_SMALL[ones]}" if rest > len(_SMALL) and ones else small)
    return " and ".join(parts)

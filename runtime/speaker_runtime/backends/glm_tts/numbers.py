"""Powers of ten put into Chinese words, with the oddities of what the model was trained on."""

import re
from decimal import Decimal
from typing import Final

_DIGITS: Final = "零一二三四五六七八九"
_UNITS: Final = (
    *("", "十", "百", "千", "万", "十万", "百万", "千万"),
    *("亿", "十亿", "百亿", "千亿"),
)
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
    written = format(Decimal(repr(float(number))), "f")
    whole, _, fraction = written.partition(".")
    if not fraction.strip("0"):
        return _integer(int(whole))
    return f"{_integer(int(whole))}点{''.join(_DIGITS[int(each)] for each in fraction)}"


def _integer(number: int) -> str:
    digits = str(abs(number))[::-1]
    if len(digits) > len(_UNITS):
        said = "".join(_DIGITS[int(each)] for each in reversed(digits))
        return f"负{said}" if number < 0 else said
    parts: list[str] = []
    unit = ""
    for digit, name in zip(map(int, digits), _UNITS, strict=False):
        if digit:
            unit = name
            parts.append(f"{_DIGITS[digit]}{name}")
        elif parts and parts[-1] != _DIGITS[0] and unit not in _SILENT_BEFORE:
            parts.append(_DIGITS[0])
    said = "".join(reversed(parts)) or _DIGITS[0]
    if said.startswith("一十"):
        said = said[1:]
    return f"负{said}" if number < 0 else said

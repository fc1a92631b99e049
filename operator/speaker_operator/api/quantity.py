"""Kubernetes quantities (``500m``, ``1Gi``) and durations (``5m``, ``1h30m``) as numbers."""

import re
from decimal import Decimal
from functools import lru_cache
from typing import Final

_QUANTITY: Final = re.compile(
    r"(?P<number>[+-]?(?:\d+\.?\d*|\.\d+))(?:(?P<suffix>[numkMGTPE]|[KMGTPE]i)|[eE](?P<exponent>[+-]?\d+))?"
)
_DURATION_PART: Final = re.compile(r"(\d+)(h|m|s)")

_SUFFIXES: Final = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}
_SECONDS: Final = {"h": 3600, "m": 60, "s": 1}


def is_quantity(text: str) -> bool:
    """Whether the API server would read the text as a quantity."""
    return _QUANTITY.fullmatch(text) is not None


def parse_quantity(text: str | int) -> Decimal:
    """Read a quantity in its base unit (cores, bytes); ``ValueError`` if it is none."""
    return _quantity(str(text))


@lru_cache(maxsize=1024)
def _quantity(text: str) -> Decimal:
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a quantity: write for example 500m or 1Gi")
    number = Decimal(match["number"])
    if match["suffix"]:
        return number * _SUFFIXES[match["suffix"]]
    return number * Decimal(10) ** int(match["exponent"] or 0)


def parse_duration(text: str) -> int:
    """Read a duration in seconds; ``ValueError`` if it is none."""
    parts = _DURATION_PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is not a duration: write for example 300s, 5m or 1h")
    return sum(int(number) * _SECONDS[unit] for number, unit in parts)

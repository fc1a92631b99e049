"""The kinds of written forms, and the rules that put them into words."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

Match: TypeAlias = re.Match[str]


class Form(StrEnum):
    """A kind of written form; a model may read some of them itself."""

    NUMBER = "number"
    """Whole, decimal and negative numbers, and ranges of them."""
    ORDINAL = "ordinal"
    DATE = "date"
    """Dates and years."""
    TIME = "time"
    MONEY = "money"
    UNIT = "unit"
    """A number with a unit, percent or degrees."""
    MEASURE = "measure"
    """Areas, volumes, powers and heights."""
    FRACTION = "fraction"
    PHONE = "phone"
    VERSION = "version"
    """Versions and IP addresses."""
    ADDRESS = "address"
    """Addresses of pages and of mail."""
    ABBREVIATION = "abbreviation"
    SIGN = "sign"
    """Signs that stand for a word, such as & and ~."""


@dataclass(frozen=True)
class Rule:
    """How one written form becomes words.

    Attributes:
        form: Its kind.
        pattern: Where it stands; bounded, or unable to start inside its own match, so that time
            grows with the text.
        say: The words, or what a later rule puts into words.
    """

    form: Form
    pattern: re.Pattern[str]
    say: str | Callable[[Match], str]

    def apply(self, text: str) -> str:
        """Put every such form of ``text`` into words."""
        return self.pattern.sub(self.say, text)


def either(*written: str) -> str:
    """A pattern for one of several texts, the longest first."""
    return "|".join(re.escape(each) for each in sorted(written, key=len, reverse=True))

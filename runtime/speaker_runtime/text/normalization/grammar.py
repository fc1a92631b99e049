"""What the languages have in common: tables of nouns, and how numbers go with them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar, Final

from unicode_rbnf import RbnfEngine

from speaker_runtime.text.normalization.forms import Rule

_LONGEST: Final = 15
"""Digits of the longest number that is said as a number; longer ones are said digit by digit."""
_ROMAN: Final[Mapping[str, int]] = MappingProxyType({"I": 1, "V": 5, "X": 10})


class Gender(StrEnum):
    """Of a noun; it decides on the number before it."""

    MASCULINE = "masculine"
    FEMININE = "feminine"
    NEUTER = "neuter"


@dataclass(frozen=True)
class Noun:
    """A unit.

    Attributes:
        one: Its name after one.
        many: Its name after other numbers.
        gender: Its gender.
    """

    one: str
    many: str
    gender: Gender = Gender.MASCULINE


@dataclass(frozen=True)
class Currency:
    """A currency and its hundredth; None where prices have none."""

    whole: Noun
    part: Noun | None


@dataclass(frozen=True)
class Figure:
    """A number as it was written.

    Attributes:
        digits: Before the decimal sign.
        decimals: After it; empty for a whole number.
        negative: Whether a minus stands before it.
    """

    digits: str
    decimals: str = ""
    negative: bool = False


class Grammar(ABC):
    """One language: its tables, and how it says numbers. Immutable.

    Subclasses fill the tables; the methods fit most languages and are replaced where they do not.
    """

    language: ClassVar[str]
    numbering: ClassVar[str] = "spellout-numbering"
    """CLDR's name for counting (unicode.org/reports/tr35, Rule-Based Number Formatting)."""
    ordinal_numbering: ClassVar[str] = "spellout-ordinal"
    """CLDR's name for an ordinal that stands alone."""
    genders: ClassVar[Mapping[Gender, str]] = MappingProxyType({})
    """CLDR's names for numbers before nouns."""

    decimal_signs: ClassVar[str] = ".,"
    group_signs: ClassVar[str]
    space: ClassVar[str] = " "
    """Between words."""
    decimal: ClassVar[str]
    minus: ClassVar[str]
    until: ClassVar[str]
    """Between the ends of a range."""

    currencies: ClassVar[Mapping[str, Currency]]
    """By symbol and by ISO 4217 code."""
    scales: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Words between a number and a currency, as written and as said."""
    units: ClassVar[Mapping[str, Noun]]
    fractions: ClassVar[Mapping[tuple[int, int], str]]
    abbreviations: ClassVar[Mapping[str, str]]
    signs: ClassVar[Mapping[str, str]]
    address_signs: ClassVar[Mapping[str, str]]
    """What is said for signs inside of addresses; ``@`` and ``:`` (before a port) among them."""
    colon: ClassVar[str]
    hash_sign: ClassVar[str]
    """Names of signs where a text is spelled."""
    plus: ClassVar[str]
    """Before a telephone number's country."""
    point: ClassVar[str]
    """Between the numbers of a version."""
    dot: ClassVar[str]
    """Between the numbers of an IP address."""

    def __init__(self) -> None:
        self._engine = RbnfEngine.for_language(self.language)

    @abstractmethod
    def dates_and_times(self) -> tuple[Rule, ...]:
        """The rules for dates, years, times and ordinals, in order."""

    @abstractmethod
    def fraction(self, whole: int, parts: tuple[int, int]) -> str:
        """A fraction of :attr:`fractions`, behind a whole number unless that is 0."""

    @abstractmethod
    def price(self, figure: Figure, currency: Currency) -> str:
        """An amount of money with decimals that are hundredths, such as 5.99."""

    def own_rules(self) -> tuple[Rule, ...]:
        """Rules that go before those for numbers and that only this language has."""
        return ()

    def spell(self, number: int, ruleset: str) -> str:
        """``number`` in words by one of CLDR's rule sets."""
        said = self._engine.format_number(number, ruleset_names=[ruleset]).text
        return said.replace("\u00ad", "")

    def ordinal(self, number: int) -> str:
        """``number`` as a place in a row."""
        return self.spell(number, self.ordinal_numbering)

    def spelled(self, sign: str) -> str:
        """The name of a sign where a text is spelled; the sign where it has none."""
        own = {":": self.colon, "#": self.hash_sign, "+": self.plus}
        return own.get(sign) or self.address_signs.get(sign) or self.signs.get(sign, sign)

    def cardinal(self, number: int, gender: Gender | None = None) -> str:
        """``number`` as it is counted, or as it stands before a noun."""
        name = self.numbering if gender is None else self.genders.get(gender, self.numbering)
        return self.spell(number, name)

    def digit_by_digit(self, digits: str) -> str:
        """Every digit by itself."""
        return self.space.join(self.cardinal(int(digit)) for digit in digits)

    def decimals(self, digits: str) -> str:
        """What stands behind the decimal sign."""
        return self.digit_by_digit(digits)

    def whole(self, digits: str, gender: Gender | None = None) -> str:
        """A whole number, or its digits where it is no number to speak of, such as 007."""
        if len(digits) > _LONGEST or (len(digits) > 1 and digits.startswith("0")):
            return self.digit_by_digit(digits)
        return self.cardinal(int(digits), gender)

    def number(self, figure: Figure, gender: Gender | None = None) -> str:
        """A number in words."""
        words = [self.minus] if figure.negative else []
        words.append(self.whole(figure.digits, None if figure.decimals else gender))
        if figure.decimals:
            words += [self.decimal, self.decimals(figure.decimals)]
        return self.space.join(words)

    def counted(self, figure: Figure, noun: Noun) -> str:
        """A number of something."""
        is_one = not figure.decimals and int(figure.digits) == 1
        name = noun.one if is_one else noun.many
        return self.space.join((self.number(figure, noun.gender), name))

    def scaled(self, figure: Figure, scale: str, noun: Noun) -> str:
        """Millions of something."""
        return self.space.join((self.number(figure, Gender.MASCULINE), scale, noun.many))

    def money(self, figure: Figure, currency: Currency) -> str:
        """An amount of money."""
        cents = figure.decimals
        if cents and not int(cents):
            return self.counted(Figure(figure.digits, negative=figure.negative), currency.whole)
        if len(cents) != len("99") or currency.part is None:
            return self.counted(figure, currency.whole)
        if not int(figure.digits):
            return self.counted(Figure(str(int(cents)), negative=figure.negative), currency.part)
        return self.price(figure, currency)


def roman(numeral: str) -> int:
    """The number that a Roman numeral of I, V and X means."""
    values = [_ROMAN[each] for each in numeral]
    return sum(
        -value if value < after else value
        for value, after in zip(values, [*values[1:], 0], strict=True)
    )

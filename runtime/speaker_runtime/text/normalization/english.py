"""English."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Final

from speaker_runtime.text.normalization.forms import Form, Match, Rule, either
from speaker_runtime.text.normalization.grammar import Currency, Figure, Grammar, Noun

_CENT: Final = Noun("cent", "cents")
_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_MONTH: Final = (
    rf"(?P<name>(?:{'|'.join(_MONTHS)})|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b\.?)"
)
_YEAR: Final = r"(?P<y>[12]\d{3})"
_NO_NUMBER: Final = r"(?<![\w.,/-])"
"""Before a number that is no part of another one."""
_LENGTHS: Final[Mapping[str, str]] = MappingProxyType(
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
_COMPARED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "≈": "about",
        "±": "plus or minus",
        "×": "times",
        "÷": "divided by",
        "≤": "at most",
        "≥": "at least",
    }
)
_OH_YEARS: Final = range(2000, 2010)
_OH_MINUTES: Final = 10
_HOURS_OF_A_CLOCK: Final = 12


class English(Grammar):
    """English, as it is read in the United States."""

    language = "en"
    numbering = "spellout-cardinal"
    decimal_signs = "."
    group_signs = ","
    decimal = "point"
    minus = "minus"
    until = "to"
    colon = "colon"
    hash_sign = "hash"
    plus = "plus"
    point = "point"
    dot = "dot"
    currencies: ClassVar[Mapping[str, Currency]] = MappingProxyType(
        {
            "$": Currency(Noun("dollar", "dollars"), _CENT),
            "US$": Currency(Noun("US dollar", "US dollars"), _CENT),
            "USD": Currency(Noun("US dollar", "US dollars"), _CENT),
            "€": Currency(Noun("euro", "euros"), _CENT),
            "EUR": Currency(Noun("euro", "euros"), _CENT),
            "£": Currency(Noun("pound", "pounds"), Noun("penny", "pence")),
            "GBP": Currency(Noun("pound", "pounds"), Noun("penny", "pence")),
            "¥": Currency(Noun("yen", "yen"), None),
            "CHF": Currency(Noun("Swiss franc", "Swiss francs"), Noun("centime", "centimes")),
        }
    )
    scales: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "thousand": "thousand",
            "million": "million",
            "billion": "billion",
            "trillion": "trillion",
            "k": "thousand",
            "K": "thousand",
            "M": "million",
            "bn": "billion",
            "B": "billion",
        }
    )
    units: ClassVar[Mapping[str, Noun]] = MappingProxyType(
        {
            "mm": Noun("millimeter", "millimeters"),
            "cm": Noun("centimeter", "centimeters"),
            "m": Noun("meter", "meters"),
            "km": Noun("kilometer", "kilometers"),
            "ft": Noun("foot", "feet"),
            "mi": Noun("mile", "miles"),
            "mg": Noun("milligram", "milligrams"),
            "g": Noun("gram", "grams"),
            "kg": Noun("kilogram", "kilograms"),
            "oz": Noun("ounce", "ounces"),
            "lb": Noun("pound", "pounds"),
            "lbs": Noun("pound", "pounds"),
            "ml": Noun("milliliter", "milliliters"),
            "mL": Noun("milliliter", "milliliters"),
            "l": Noun("liter", "liters"),
            "L": Noun("liter", "liters"),
            "km/h": Noun("kilometer per hour", "kilometers per hour"),
            "mph": Noun("mile per hour", "miles per hour"),
            "m/s": Noun("meter per second", "meters per second"),
            "ms": Noun("millisecond", "milliseconds"),
            "s": Noun("second", "seconds"),
            "sec": Noun("second", "seconds"),
            "min": Noun("minute", "minutes"),
            "h": Noun("hour", "hours"),
            "hrs": Noun("hour", "hours"),
            "°C": Noun("degree Celsius", "degrees Celsius"),
            "°F": Noun("degree Fahrenheit", "degrees Fahrenheit"),
            "°": Noun("degree", "degrees"),
            "%": Noun("percent", "percent"),
            "W": Noun("watt", "watts"),
            "kW": Noun("kilowatt", "kilowatts"),
            "kWh": Noun("kilowatt hour", "kilowatt hours"),
            "V": Noun("volt", "volts"),
            "MB": Noun("megabyte", "megabytes"),
            "GB": Noun("gigabyte", "gigabytes"),
            "TB": Noun("terabyte", "terabytes"),
            "Hz": Noun("hertz", "hertz"),
            "GHz": Noun("gigahertz", "gigahertz"),
        }
    )
    fractions: ClassVar[Mapping[tuple[int, int], str]] = MappingProxyType(
        {
            (1, 2): "one half",
            (1, 3): "one third",
            (2, 3): "two thirds",
            (1, 4): "one quarter",
            (3, 4): "three quarters",
            (1, 5): "one fifth",
            (1, 8): "one eighth",
        }
    )
    abbreviations: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "Mr.": "Mister",
            "Mrs.": "Missis",
            "Ms.": "Miz",
            "Dr.": "Doctor",
            "Prof.": "Professor",
            "St.": "Saint",
            "Jr.": "Junior",
            "Sr.": "Senior",
            "vs.": "versus",
            "e.g.": "for example",
            "i.e.": "that is",
            "etc.": "et cetera",
            "approx.": "approximately",
            "No.": "number",
            "Inc.": "Incorporated",
            "Ltd.": "Limited",
        }
    )
    signs: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"&": "and", "+": "plus", "=": "equals", "@": "at", "#": "number", "%": "percent"}
    )
    address_signs: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            ".": "dot",
            "/": "slash",
            "-": "dash",
            "_": "underscore",
            "+": "plus",
            "~": "tilde",
            "@": "at",
            ":": "port",
        }
    )

    def own_rules(self) -> tuple[Rule, ...]:
        return (
            Rule(
                Form.MEASURE,
                re.compile(r"(?<![\w'])(\d{1,2})['\u2032] ?(\d{1,2})(?:\"|\u2033|'')"),
                r"\1 feet \2 inches",
            ),
            Rule(
                Form.MEASURE,
                re.compile(rf"(?<=\d) ?({either(*_LENGTHS)})([\u00b2\u00b3])"),
                lambda match: f" {_POWERS[match[2]][0]} {_LENGTHS[match[1]]}",
            ),
            Rule(
                Form.MEASURE,
                re.compile(r"(?<!\w\w\w)(?<=\w)([\u00b2\u00b3])(?!\w)"),
                lambda match: f" {_POWERS[match[1]][1]}",
            ),
            Rule(Form.MEASURE, re.compile(r"(?<![\w~])~ ?(?=[$\u20ac\u00a3]?\d)"), "about "),
            Rule(
                Form.MEASURE,
                re.compile(rf" ?({either(*_COMPARED)}) ?"),
                lambda match: f" {_COMPARED[match[1]]} ",
            ),
        )

    def dates_and_times(self) -> tuple[Rule, ...]:
        return (
            Rule(
                Form.DATE,
                re.compile(rf"{_NO_NUMBER}{_YEAR}-(?P<m>0[1-9]|1[0-2])-(?P<d>[0-3]\d)(?![\d-])"),
                self._date,
            ),
            self.numeric_date(),
            Rule(
                Form.DATE,
                re.compile(rf"\b{_MONTH} (?P<d>[0-3]?\d)(?:st|nd|rd|th)?(?:,? {_YEAR})?(?![\w:])"),
                self._date,
            ),
            Rule(
                Form.DATE,
                re.compile(
                    rf"(?:\bthe )?{_NO_NUMBER}(?P<d>[0-3]?\d)(?:st|nd|rd|th)? (?:of )?"
                    rf"{_MONTH}(?:,? {_YEAR})?(?!\w)"
                ),
                self._day_first,
            ),
            Rule(
                Form.DATE,
                re.compile(r"(?<![\w.,:/-])'?(?P<c>1[1-9]|20)?(?P<t>[2-9]0)s\b"),
                self._decade,
            ),
            Rule(
                Form.TIME,
                re.compile(
                    r"(?<![\w:.,])(?P<h>[01]?\d|2[0-4]):(?P<mi>[0-5]\d)(?::(?P<s>[0-5]\d))?"
                    r"(?:\s?(?P<half>[AaPp])\.?[Mm]\b\.?)?(?![\w:])"
                ),
                self._time,
            ),
            Rule(
                Form.TIME,
                re.compile(r"(?<![\w:.,])(?P<h>1[0-2]|[1-9])\s?(?P<half>[AaPp])\.?[Mm]\b\.?"),
                self._time,
            ),
            Rule(
                Form.ORDINAL,
                re.compile(r"(?<![\w.,])(\d{1,6})(?:st|nd|rd|th)\b"),
                lambda match: self.spell(int(match[1]), "spellout-ordinal"),
            ),
            Rule(
                Form.DATE,
                re.compile(
                    r"(?<![\w.,:/$€£-])(?P<y>1[1-9]\d\d|20\d\d)(?![\w:/%-]|[.,]\d| ?[€$£°])"
                ),
                lambda match: self.year(int(match["y"])),
            ),
        )

    def numeric_date(self) -> Rule:
        """The rule for a date of numbers alone: the month comes first."""
        month_first = rf"{_NO_NUMBER}(?P<m>0?[1-9]|1[0-2])/(?P<d>0?[1-9]|[12]\d|3[01])/{_YEAR}"
        return Rule(Form.DATE, re.compile(rf"{month_first}(?![\w/])"), self._date)

    def price(self, figure: Figure, currency: Currency) -> str:
        whole = self.counted(Figure(figure.digits, negative=figure.negative), currency.whole)
        part = currency.part or currency.whole
        return f"{whole} and {self.counted(Figure(str(int(figure.decimals))), part)}"

    def fraction(self, whole: int, parts: tuple[int, int]) -> str:
        said = self.fractions[parts]
        if whole == 0:
            return said
        behind = {"one half": "a half", "one quarter": "a quarter"}.get(said, said)
        return f"{self.cardinal(whole)} and {behind}"

    def year(self, year: int) -> str:
        """A year: nineteen ninety-nine."""
        if year in _OH_YEARS:
            return self.cardinal(year)
        return self.spell(year, "spellout-numbering-year")

    def _parts(self, match: Match) -> tuple[str, str, str]:
        found = match.groupdict()
        written = found.get("name")
        name = (
            next(each for each in _MONTHS if each.startswith(written[:3]))
            if written
            else _MONTHS[int(found["m"]) - 1]
        )
        year = f", {self.year(int(found['y']))}" if found["y"] else ""
        return self.spell(int(found["d"]), "spellout-ordinal"), name, year

    def _date(self, match: Match) -> str:
        day, month, year = self._parts(match)
        return f"{month} {day}{year}"

    def _day_first(self, match: Match) -> str:
        day, month, year = self._parts(match)
        return f"the {day} of {month}{year}"

    def _decade(self, match: Match) -> str:
        tens = self.cardinal(int(match["t"])).removesuffix("y") + "ies"
        return f"{self.cardinal(int(match['c']))} {tens}" if match["c"] else tens

    def _time(self, match: Match) -> str:
        found = match.groupdict()
        hour, minute, half = int(found["h"]), int(found.get("mi") or 0), found["half"]
        said = [self.cardinal(hour)]
        if minute:
            said += ["oh"] if minute < _OH_MINUTES else []
            said.append(self.cardinal(minute))
        elif half is None:
            said.append("o'clock" if 0 < hour <= _HOURS_OF_A_CLOCK else "hundred hours")
        if found.get("s"):
            said += ["and", self.counted(Figure(str(int(found["s"]))), self.units["s"])]
        if half:
            said.append(f"{half.upper()} M")
        return " ".join(said)


class BritishEnglish(English):
    """English, as it is read in most other countries: the day comes before the month."""

    numbering = "spellout-cardinal-verbose"

    def numeric_date(self) -> Rule:
        day_first = rf"{_NO_NUMBER}(?P<d>0?[1-9]|[12]\d|3[01])/(?P<m>0?[1-9]|1[0-2])/{_YEAR}"
        return Rule(Form.DATE, re.compile(rf"{day_first}(?![\w/])"), self._day_first)

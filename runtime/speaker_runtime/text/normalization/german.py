"""German."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Final

from speaker_runtime.text.normalization.forms import Form, Match, Rule, either
from speaker_runtime.text.normalization.grammar import Currency, Figure, Gender, Grammar, Noun

_M, _F, _N = Gender.MASCULINE, Gender.FEMININE, Gender.NEUTER
_CENT: Final = Noun("Cent", "Cent")
_MONTHS: Final = (
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
)
_YEAR_AS_HUNDREDS: Final = range(1100, 2000)
_ENDINGS: Final[Mapping[str, str]] = MappingProxyType(
    dict.fromkeys(("der", "die", "das", "diese", "jede", "jedes", "eine"), "")
    | dict.fromkeys(("am", "im", "vom", "zum", "zur", "beim", "dem", "den", "des", "bis"), "n")
    | dict.fromkeys(("ein", "kein", "mein", "dein", "sein", "ihr", "unser"), "r")
)
"""How an ordinal ends, by the word before it; elsewhere as without an article, in -r."""


class German(Grammar):
    """German, as it is read in Germany."""

    language = "de"
    genders: ClassVar[Mapping[Gender, str]] = MappingProxyType(
        {each: f"spellout-cardinal-{each}" for each in Gender}
    )
    group_signs = " .'\u2019\u00a0\u202f"
    decimal = "Komma"
    minus = "minus"
    until = "bis"
    colon = "Doppelpunkt"
    hash_sign = "Raute"
    plus = "plus"
    point = "Punkt"
    dot = "Punkt"
    currencies: ClassVar[Mapping[str, Currency]] = MappingProxyType(
        {
            "€": Currency(Noun("Euro", "Euro"), _CENT),
            "EUR": Currency(Noun("Euro", "Euro"), _CENT),
            "$": Currency(Noun("Dollar", "Dollar"), _CENT),
            "USD": Currency(Noun("US-Dollar", "US-Dollar"), _CENT),
            "£": Currency(Noun("Pfund", "Pfund", _N), Noun("Penny", "Pence")),
            "GBP": Currency(Noun("Pfund", "Pfund", _N), Noun("Penny", "Pence")),
            "CHF": Currency(Noun("Franken", "Franken"), Noun("Rappen", "Rappen")),
            "¥": Currency(Noun("Yen", "Yen"), None),
        }
    )
    scales: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "Tsd.": "Tausend",
            "Mio.": "Millionen",
            "Millionen": "Millionen",
            "Mrd.": "Milliarden",
            "Milliarden": "Milliarden",
        }
    )
    units: ClassVar[Mapping[str, Noun]] = MappingProxyType(
        {
            "mm": Noun("Millimeter", "Millimeter"),
            "cm": Noun("Zentimeter", "Zentimeter"),
            "m": Noun("Meter", "Meter"),
            "km": Noun("Kilometer", "Kilometer"),
            "m²": Noun("Quadratmeter", "Quadratmeter"),
            "m³": Noun("Kubikmeter", "Kubikmeter"),
            "km²": Noun("Quadratkilometer", "Quadratkilometer"),
            "ha": Noun("Hektar", "Hektar"),
            "mg": Noun("Milligramm", "Milligramm", _N),
            "g": Noun("Gramm", "Gramm", _N),
            "kg": Noun("Kilogramm", "Kilogramm", _N),
            "t": Noun("Tonne", "Tonnen", _F),
            "ml": Noun("Milliliter", "Milliliter"),
            "l": Noun("Liter", "Liter"),
            "km/h": Noun("Kilometer pro Stunde", "Kilometer pro Stunde"),
            "m/s": Noun("Meter pro Sekunde", "Meter pro Sekunde"),
            "s": Noun("Sekunde", "Sekunden", _F),
            "ms": Noun("Millisekunde", "Millisekunden", _F),
            "min": Noun("Minute", "Minuten", _F),
            "Min.": Noun("Minute", "Minuten", _F),
            "Std.": Noun("Stunde", "Stunden", _F),
            "h": Noun("Stunde", "Stunden", _F),
            "°C": Noun("Grad Celsius", "Grad Celsius"),
            "°F": Noun("Grad Fahrenheit", "Grad Fahrenheit"),
            "°": Noun("Grad", "Grad"),
            "%": Noun("Prozent", "Prozent", _N),
            "‰": Noun("Promille", "Promille", _N),
            "W": Noun("Watt", "Watt", _N),
            "kW": Noun("Kilowatt", "Kilowatt", _N),
            "kWh": Noun("Kilowattstunde", "Kilowattstunden", _F),
            "V": Noun("Volt", "Volt", _N),
            "MB": Noun("Megabyte", "Megabyte", _N),
            "GB": Noun("Gigabyte", "Gigabyte", _N),
            "TB": Noun("Terabyte", "Terabyte", _N),
            "Hz": Noun("Hertz", "Hertz", _N),
            "PS": Noun("PS", "PS", _N),
        }
    )
    fractions: ClassVar[Mapping[tuple[int, int], str]] = MappingProxyType(
        {
            (1, 2): "ein halb",
            (1, 3): "ein Drittel",
            (2, 3): "zwei Drittel",
            (1, 4): "ein Viertel",
            (3, 4): "drei Viertel",
            (1, 5): "ein Fünftel",
            (1, 8): "ein Achtel",
        }
    )
    abbreviations: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "z. B.": "zum Beispiel",
            "z.B.": "zum Beispiel",
            "d. h.": "das heißt",
            "d.h.": "das heißt",
            "u. a.": "unter anderem",
            "u.a.": "unter anderem",
            "i. d. R.": "in der Regel",
            "i.d.R.": "in der Regel",
            "usw.": "und so weiter",
            "bzw.": "beziehungsweise",
            "ca.": "circa",
            "evtl.": "eventuell",
            "ggf.": "gegebenenfalls",
            "inkl.": "inklusive",
            "vgl.": "vergleiche",
            "bzgl.": "bezüglich",
            "Dr.": "Doktor",
            "Prof.": "Professor",
            "Hr.": "Herr",
            "Fr.": "Frau",
            "Str.": "Straße",
            "Nr.": "Nummer",
            "Tel.": "Telefon",
            "Abb.": "Abbildung",
            "Bd.": "Band",
            "Jh.": "Jahrhundert",
            "v. Chr.": "vor Christus",
            "n. Chr.": "nach Christus",
        }
    )
    signs: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "&": "und",
            "+": "plus",
            "=": "gleich",
            "~": "ungefähr",
            "≈": "ungefähr",
            "±": "plus minus",
            "×": "mal",
            "÷": "geteilt durch",
            "≤": "kleiner oder gleich",
            "≥": "größer oder gleich",
            "§": "Paragraf",
            "%": "Prozent",
            "€": "Euro",
            "@": "at",
            "#": "Raute",
            "²": "Quadrat",
            "³": "hoch drei",
        }
    )
    address_signs: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            ".": "Punkt",
            "/": "Schrägstrich",
            "-": "Bindestrich",
            "_": "Unterstrich",
            "+": "plus",
            "~": "Tilde",
            "@": "at",
            ":": "Port",
        }
    )

    def dates_and_times(self) -> tuple[Rule, ...]:
        month = either(*_MONTHS)
        before = r"(?:\b(?P<word>[A-Za-zäöü]{1,20})\s+)?(?<![\w.,-])"
        return (
            Rule(
                Form.DATE,
                re.compile(rf"{before}(?P<y>\d{{4}})-(?P<m>0[1-9]|1[0-2])-(?P<d>[0-3]\d)(?![\d-])"),
                self._date,
            ),
            Rule(
                Form.DATE,
                re.compile(
                    rf"{before}(?P<d>[0-3]?\d)\.\s?(?P<m>1[0-2]|0?[1-9])\.\s?"
                    r"(?P<y>\d{4}|\d\d)?(?!\.?\d)"
                ),
                self._date,
            ),
            Rule(
                Form.DATE,
                re.compile(
                    rf"{before}(?P<d>[0-3]?\d)\.\s?(?P<name>{month})(?:\s(?P<y>\d{{4}}))?(?!\w)"
                ),
                self._date,
            ),
            Rule(
                Form.TIME,
                re.compile(
                    r"(?<![\d:.,])(?P<h>[01]?\d|2[0-4])(?::(?P<mi>[0-5]\d)(?::(?P<s>[0-5]\d))?(?:\s?Uhr)?"
                    r"|\.(?P<mj>[0-5]\d)\s?Uhr|\s?Uhr)(?![\d:])"
                ),
                self._time,
            ),
            Rule(
                Form.ORDINAL,
                re.compile(rf"{before}(?P<n>\d{{1,3}})\.(?=\s+[A-ZÄÖÜa-zäöü])"),
                self._ordinal,
            ),
            Rule(
                Form.ORDINAL,
                re.compile(r"(?P<word>\b(?:[Aa]m|[Vv]om|[Zz]um|dem))\s+(?P<n>\d{1,2})(?=\.?\s*$)"),
                self._ordinal,
            ),
            Rule(
                Form.DATE,
                re.compile(
                    r"(?<![\d.,:/\w-])(?P<y>1[1-9]\d\d)(?P<er>er)?(?![\w:/-]|[.,]\d| ?[€$£%])"
                ),
                self._year,
            ),
        )

    def own_rules(self) -> tuple[Rule, ...]:
        one = r"(?<![\w.,:/-])1(?= [A-ZÄÖÜ][a-zäöüß]+"
        return (
            # Most nouns with these ends are feminine; of others nothing shows.
            Rule(Form.NUMBER, re.compile(rf"{one}(?:e|ung|heit|keit|ion)\b)"), "eine"),
            Rule(Form.NUMBER, re.compile(rf"{one}\b)"), "ein"),
        )

    def price(self, figure: Figure, currency: Currency) -> str:
        euros = self.counted(Figure(figure.digits, negative=figure.negative), currency.whole)
        return f"{euros} {self.cardinal(int(figure.decimals))}"

    def fraction(self, whole: int, parts: tuple[int, int]) -> str:
        if whole == 0:
            return self.fractions[parts]
        if parts == (1, 2):
            return "eineinhalb" if whole == 1 else f"{self.cardinal(whole)}einhalb"
        return f"{self.cardinal(whole)} {self.fractions[parts]}"

    def year(self, year: int) -> str:
        """A year: neunzehnhundertneunundneunzig."""
        if year in _YEAR_AS_HUNDREDS:
            return self.spell(year, "spellout-numbering-year")
        return self.cardinal(year)

    def _year(self, match: Match) -> str:
        return self.year(int(match["y"])) + (match["er"] or "")

    def _nth(self, number: int, word: str | None) -> str:
        nth = self.spell(number, "spellout-ordinal")
        return nth + _ENDINGS.get((word or "").lower(), "r")

    def _date(self, match: Match) -> str:
        found = match.groupdict()
        name = found.get("name") or _MONTHS[int(found["m"]) - 1]
        word, year = found.get("word"), found.get("y")
        said = f"{self._nth(int(found['d']), word)} {name}"
        if year:
            full = int(year) if len(year) > len("26") else int(year) + 2000
            said = f"{said} {self.year(full)}"
        return f"{word} {said}" if word else said

    def _ordinal(self, match: Match) -> str:
        word = match["word"]
        nth = self._nth(int(match["n"]), word)
        return f"{word} {nth}" if word else nth

    def _time(self, match: Match) -> str:
        hour, minute = int(match["h"]), int(match["mi"] or match["mj"] or 0)
        said = f"{'ein' if hour == 1 else self.cardinal(hour)} Uhr"
        if minute:
            said = f"{said} {self.cardinal(minute)}"
        if match["s"]:
            noun = self.units["s"]
            said = f"{said} und {self.counted(Figure(str(int(match['s']))), noun)}"
        return said

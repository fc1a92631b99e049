"""French."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Final

from speaker_runtime.text.normalization.forms import Form, Match, Rule, either
from speaker_runtime.text.normalization.grammar import (
    Currency,
    Figure,
    Gender,
    Grammar,
    Noun,
    roman,
)

_F: Final = Gender.FEMININE
_CENTIME: Final = Noun("centime", "centimes")
_CENT: Final = Noun("cent", "cents")
_MONTHS: Final = (
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
)
_TWO_DIGITS: Final = 2
_MILLIONS: Final = re.compile(r"(?:million|milliard|billion)s?$")
_VOWEL: Final = frozenset("aeiouéhy")


class French(Grammar):
    """French, as it is read in France."""

    language = "fr"
    genders: ClassVar[Mapping[Gender, str]] = MappingProxyType(
        {
            Gender.MASCULINE: "spellout-cardinal-masculine",
            Gender.FEMININE: "spellout-cardinal-feminine",
        }
    )
    group_signs = " .\u00a0\u202f"
    decimal = "virgule"
    minus = "moins"
    until = "à"
    ordinal_numbering = "spellout-ordinal-masculine"
    colon = "deux-points"
    hash_sign = "dièse"
    plus = "plus"
    point = "point"
    dot = "point"
    currencies: ClassVar[Mapping[str, Currency]] = MappingProxyType(
        {
            "€": Currency(Noun("euro", "euros"), _CENTIME),
            "EUR": Currency(Noun("euro", "euros"), _CENTIME),
            "$": Currency(Noun("dollar", "dollars"), _CENT),
            "USD": Currency(Noun("dollar", "dollars"), _CENT),
            "£": Currency(Noun("livre", "livres", _F), Noun("penny", "pence")),
            "GBP": Currency(Noun("livre", "livres", _F), Noun("penny", "pence")),
            "CHF": Currency(Noun("franc suisse", "francs suisses"), _CENTIME),
            "¥": Currency(Noun("yen", "yens"), None),
        }
    )
    scales: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "million": "million",
            "millions": "millions",
            "M": "millions",
            "milliard": "milliard",
            "milliards": "milliards",
            "Md": "milliards",
        }
    )
    units: ClassVar[Mapping[str, Noun]] = MappingProxyType(
        {
            "mm": Noun("millimètre", "millimètres"),
            "cm": Noun("centimètre", "centimètres"),
            "m": Noun("mètre", "mètres"),
            "km": Noun("kilomètre", "kilomètres"),
            "m²": Noun("mètre carré", "mètres carrés"),
            "m³": Noun("mètre cube", "mètres cubes"),
            "km²": Noun("kilomètre carré", "kilomètres carrés"),
            "ha": Noun("hectare", "hectares"),
            "mg": Noun("milligramme", "milligrammes"),
            "g": Noun("gramme", "grammes"),
            "kg": Noun("kilogramme", "kilogrammes"),
            "t": Noun("tonne", "tonnes", _F),
            "ml": Noun("millilitre", "millilitres"),
            "cl": Noun("centilitre", "centilitres"),
            "l": Noun("litre", "litres"),
            "L": Noun("litre", "litres"),
            "km/h": Noun("kilomètre à l'heure", "kilomètres à l'heure"),
            "m/s": Noun("mètre par seconde", "mètres par seconde"),
            "s": Noun("seconde", "secondes", _F),
            "ms": Noun("milliseconde", "millisecondes", _F),
            "min": Noun("minute", "minutes", _F),
            "h": Noun("heure", "heures", _F),
            "°C": Noun("degré Celsius", "degrés Celsius"),
            "°F": Noun("degré Fahrenheit", "degrés Fahrenheit"),
            "°": Noun("degré", "degrés"),
            "%": Noun("pour cent", "pour cent"),
            "W": Noun("watt", "watts"),
            "kW": Noun("kilowatt", "kilowatts"),
            "kWh": Noun("kilowattheure", "kilowattheures"),
            "V": Noun("volt", "volts"),
            "Mo": Noun("mégaoctet", "mégaoctets"),
            "Go": Noun("gigaoctet", "gigaoctets"),
            "To": Noun("téraoctet", "téraoctets"),
            "Hz": Noun("hertz", "hertz"),
        }
    )
    fractions: ClassVar[Mapping[tuple[int, int], str]] = MappingProxyType(
        {
            (1, 2): "un demi",
            (1, 3): "un tiers",
            (2, 3): "deux tiers",
            (1, 4): "un quart",
            (3, 4): "trois quarts",
            (1, 5): "un cinquième",
            (1, 8): "un huitième",
        }
    )
    abbreviations: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "M.": "monsieur",
            "MM.": "messieurs",
            "Mme": "madame",
            "Mmes": "mesdames",
            "Mlle": "mademoiselle",
            "Dr": "docteur",
            "Pr": "professeur",
            "p. ex.": "par exemple",
            "p.ex.": "par exemple",
            "etc.": "et cetera",
            "c.-à-d.": "c'est-à-dire",
            "env.": "environ",
            "n°": "numéro",
            "N°": "numéro",
            "nº": "numéro",
            "tél.": "téléphone",
            "Tél.": "téléphone",
            "av. J.-C.": "avant Jésus-Christ",
            "apr. J.-C.": "après Jésus-Christ",
            "bd": "boulevard",
        }
    )
    signs: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "&": "et",
            "+": "plus",
            "=": "égale",
            "~": "environ",
            "≈": "environ",
            "±": "plus ou moins",
            "×": "fois",
            "÷": "divisé par",
            "≤": "inférieur ou égal à",
            "≥": "supérieur ou égal à",
            "%": "pour cent",
            "€": "euros",
            "@": "arobase",
            "#": "dièse",
            "²": "au carré",
            "³": "au cube",
        }
    )
    address_signs: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            ".": "point",
            "/": "barre oblique",
            "-": "tiret",
            "_": "tiret bas",
            "+": "plus",
            "~": "tilde",
            "@": "arobase",
            ":": "port",
        }
    )

    def dates_and_times(self) -> tuple[Rule, ...]:
        month = either(*_MONTHS)
        return (
            Rule(
                Form.DATE,
                re.compile(
                    r"(?<![\w.,/-])(?P<y>\d{4})-(?P<m>0[1-9]|1[0-2])-(?P<d>[0-3]\d)(?![\d-])"
                ),
                self._date,
            ),
            Rule(
                Form.DATE,
                re.compile(
                    r"(?<![\w.,/-])(?P<d>[0-3]?\d)(?P<sep>[/.-])(?P<m>0?[1-9]|1[0-2])(?P=sep)"
                    r"(?P<y>\d{4}|\d\d)(?!\w)"
                ),
                self._date,
            ),
            Rule(
                Form.DATE,
                re.compile(
                    rf"(?<![\w.,/-])(?P<d>[0-3]?\d)(?:er)? (?P<name>{month})"
                    r"(?: (?P<y>\d{4}))?(?!\w)"
                ),
                self._date,
            ),
            Rule(
                Form.TIME,
                re.compile(
                    r"(?<![\w:.,])(?P<h>[01]?\d|2[0-4])(?: ?h ?|:)(?P<mi>[0-5]\d)"
                    r"(?::(?P<s>[0-5]\d))?(?![\w:])"
                ),
                self._time,
            ),
            Rule(
                Form.ORDINAL,
                re.compile(
                    r"(?<![\w.,])(?P<n>\d{1,4}|[XVI]{1,5})(?P<end>ère|re|er|nde|nd|ème|eme|e)(?!\w)"
                ),
                self._ordinal,
            ),
        )

    def decimals(self, digits: str) -> str:
        if len(digits) <= _TWO_DIGITS and not digits.startswith("0"):
            return self.cardinal(int(digits))
        return self.digit_by_digit(digits)

    def counted(self, figure: Figure, noun: Noun) -> str:
        # A French noun is plural from two on: 1,5 litre.
        name = noun.one if int(figure.digits) <= 1 else noun.many
        number = self.number(figure, noun.gender)
        return f"{number} {self._of(name) if _MILLIONS.search(number) else name}"

    def scaled(self, figure: Figure, scale: str, noun: Noun) -> str:
        return f"{self.number(figure, Gender.MASCULINE)} {scale} {self._of(noun.many)}"

    @staticmethod
    def _of(name: str) -> str:
        return f"d'{name}" if name[0] in _VOWEL else f"de {name}"

    def price(self, figure: Figure, currency: Currency) -> str:
        whole = self.counted(Figure(figure.digits, negative=figure.negative), currency.whole)
        return f"{whole} {self.cardinal(int(figure.decimals))}"

    def fraction(self, whole: int, parts: tuple[int, int]) -> str:
        if whole == 0:
            return self.fractions[parts]
        part = "demi" if parts == (1, 2) else self.fractions[parts]
        return f"{self.cardinal(whole)} et {part}"

    def _date(self, match: Match) -> str:
        found = match.groupdict()
        name = found.get("name") or _MONTHS[int(found["m"]) - 1]
        day = int(found["d"])
        said = f"{'premier' if day == 1 else self.cardinal(day)} {name}"
        year = found.get("y")
        if year:
            full = int(year) if len(year) > _TWO_DIGITS else int(year) + 2000
            said = f"{said} {self.cardinal(full)}"
        return said

    def _time(self, match: Match) -> str:
        hour, minute = int(match["h"]), int(match["mi"])
        said = self.counted(Figure(str(hour)), self.units["h"])
        if minute:
            said = f"{said} {self.cardinal(minute, Gender.FEMININE)}"
        if match["s"]:
            said = f"{said} et {self.counted(Figure(str(int(match['s']))), self.units['s'])}"
        return said

    def _ordinal(self, match: Match) -> str:
        written = match["n"]
        number = int(written) if written.isdecimal() else roman(written)
        if match["end"] in {"nd", "nde"}:
            return f"secon{match['end'][1:]}"
        feminine = match["end"] in {"re", "ère"}
        return self.spell(number, f"spellout-ordinal-{_F if feminine else Gender.MASCULINE}")

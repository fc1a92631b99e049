"""Spanish."""

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
_CENT: Final = Noun("céntimo", "céntimos")
_CENTAVO: Final = Noun("centavo", "centavos")
_MONTHS: Final = (
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
)
_FEMININE: Final = re.compile(r"(?:as?|ión|dad|tad)$")
"""Most nouns with these ends are feminine."""
_TWO_DIGITS: Final = 2


class Spanish(Grammar):
    """Spanish, as it is read in Spain."""

    language = "es"
    genders: ClassVar[Mapping[Gender, str]] = MappingProxyType(
        {
            Gender.MASCULINE: "spellout-cardinal-masculine",
            Gender.FEMININE: "spellout-cardinal-feminine",
        }
    )
    group_signs = " .\u00a0\u202f"
    decimal = "coma"
    minus = "menos"
    until = "a"
    ordinal_numbering = "spellout-ordinal-masculine"
    colon = "dos puntos"
    hash_sign = "almohadilla"
    plus = "más"
    point = "punto"
    dot = "punto"
    currencies: ClassVar[Mapping[str, Currency]] = MappingProxyType(
        {
            "€": Currency(Noun("euro", "euros"), _CENT),
            "EUR": Currency(Noun("euro", "euros"), _CENT),
            "$": Currency(Noun("dólar", "dólares"), _CENTAVO),
            "US$": Currency(Noun("dólar", "dólares"), _CENTAVO),
            "USD": Currency(Noun("dólar", "dólares"), _CENTAVO),
            "MXN": Currency(Noun("peso", "pesos"), _CENTAVO),
            "£": Currency(Noun("libra", "libras", _F), Noun("penique", "peniques")),
            "GBP": Currency(Noun("libra", "libras", _F), Noun("penique", "peniques")),
            "¥": Currency(Noun("yen", "yenes"), None),
        }
    )
    scales: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"millón": "millón", "millones": "millones", "mil": "mil", "M": "millones"}
    )
    units: ClassVar[Mapping[str, Noun]] = MappingProxyType(
        {
            "mm": Noun("milímetro", "milímetros"),
            "cm": Noun("centímetro", "centímetros"),
            "m": Noun("metro", "metros"),
            "km": Noun("kilómetro", "kilómetros"),
            "m²": Noun("metro cuadrado", "metros cuadrados"),
            "m³": Noun("metro cúbico", "metros cúbicos"),
            "km²": Noun("kilómetro cuadrado", "kilómetros cuadrados"),
            "ha": Noun("hectárea", "hectáreas", _F),
            "mg": Noun("miligramo", "miligramos"),
            "g": Noun("gramo", "gramos"),
            "kg": Noun("kilogramo", "kilogramos"),
            "t": Noun("tonelada", "toneladas", _F),
            "ml": Noun("mililitro", "mililitros"),
            "l": Noun("litro", "litros"),
            "L": Noun("litro", "litros"),
            "km/h": Noun("kilómetro por hora", "kilómetros por hora"),
            "m/s": Noun("metro por segundo", "metros por segundo"),
            "s": Noun("segundo", "segundos"),
            "ms": Noun("milisegundo", "milisegundos"),
            "min": Noun("minuto", "minutos"),
            "h": Noun("hora", "horas", _F),
            "°C": Noun("grado Celsius", "grados Celsius"),
            "ºC": Noun("grado Celsius", "grados Celsius"),
            "°F": Noun("grado Fahrenheit", "grados Fahrenheit"),
            "°": Noun("grado", "grados"),
            "%": Noun("por ciento", "por ciento"),
            "W": Noun("vatio", "vatios"),
            "kW": Noun("kilovatio", "kilovatios"),
            "kWh": Noun("kilovatio hora", "kilovatios hora"),
            "V": Noun("voltio", "voltios"),
            "MB": Noun("megabyte", "megabytes"),
            "GB": Noun("gigabyte", "gigabytes"),
            "TB": Noun("terabyte", "terabytes"),
            "Hz": Noun("hercio", "hercios"),
        }
    )
    fractions: ClassVar[Mapping[tuple[int, int], str]] = MappingProxyType(
        {
            (1, 2): "un medio",
            (1, 3): "un tercio",
            (2, 3): "dos tercios",
            (1, 4): "un cuarto",
            (3, 4): "tres cuartos",
            (1, 5): "un quinto",
            (1, 8): "un octavo",
        }
    )
    abbreviations: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "Sr.": "señor",
            "Sra.": "señora",
            "Srta.": "señorita",
            "Sres.": "señores",
            "Dr.": "doctor",
            "Dra.": "doctora",
            "D.": "don",
            "Dña.": "doña",
            "Ud.": "usted",
            "Uds.": "ustedes",
            "p. ej.": "por ejemplo",
            "p.ej.": "por ejemplo",
            "etc.": "etcétera",
            "aprox.": "aproximadamente",
            "n.º": "número",
            "n.°": "número",
            "nº": "número",
            "núm.": "número",
            "pág.": "página",
            "págs.": "páginas",
            "tel.": "teléfono",
            "Tel.": "teléfono",
            "Avda.": "avenida",
            "EE. UU.": "Estados Unidos",
            "EE.UU.": "Estados Unidos",
            "a. C.": "antes de Cristo",
            "d. C.": "después de Cristo",
        }
    )
    signs: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "&": "y",
            "+": "más",
            "=": "igual a",
            "~": "aproximadamente",
            "≈": "aproximadamente",
            "±": "más menos",
            "×": "por",
            "÷": "entre",
            "≤": "menor o igual que",
            "≥": "mayor o igual que",
            "%": "por ciento",
            "€": "euros",
            "@": "arroba",
            "#": "almohadilla",
            "²": "al cuadrado",
            "³": "al cubo",
        }
    )
    address_signs: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            ".": "punto",
            "/": "barra",
            "-": "guion",
            "_": "guion bajo",
            "+": "más",
            "~": "virgulilla",
            "@": "arroba",
            ":": "puerto",
        }
    )

    def own_rules(self) -> tuple[Rule, ...]:
        number = r"(?<![\w.,:/-])(?P<n>[02-9]?1|\d{1,4}[02-9]1)(?= (?P<noun>[a-zñáéíóúü]{4,}))"
        return (
            Rule(
                Form.NUMBER,
                re.compile(rf"{number}(?! ?(?:{either(*self.scales)}))"),
                self._before_noun,
            ),
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
                    rf"(?<![\w.,/-])(?P<d>[0-3]?\d)(?:\.?[º°]|ro)? de (?P<name>{month})"
                    r"(?: (?:de|del) (?P<y>\d{4}))?(?!\w)"
                ),
                self._date,
            ),
            Rule(
                Form.TIME,
                re.compile(
                    r"(?<![\d:.,])(?P<h>[01]?\d|2[0-4]):(?P<mi>[0-5]\d)(?::(?P<s>[0-5]\d))?"
                    r"(?:\s?(?P<half>[ap])\.?\s?m\.?)?(?:\s?h(?:oras)?\b\.?)?(?![\w:])"
                ),
                self._time,
            ),
            Rule(
                Form.ORDINAL,
                re.compile(r"(?<![\w.,])(?P<n>\d{1,3})\.?(?P<end>er|[ºª°])(?![\wC])"),
                self._ordinal,
            ),
            Rule(
                Form.ORDINAL,
                re.compile(r"(?P<before>\b[Ss]iglos?) (?P<n>X{0,2}(?:IX|IV|V?I{0,3}))\b"),
                self._century,
            ),
        )

    def decimals(self, digits: str) -> str:
        if len(digits) <= _TWO_DIGITS and not digits.startswith("0"):
            return self.cardinal(int(digits))
        return self.digit_by_digit(digits)

    def counted(self, figure: Figure, noun: Noun) -> str:
        said = super().counted(figure, noun)
        million = re.search(r"mill[óo]n(?:es)?(?= )", said)
        if million is not None and said[million.end() :].strip() in {noun.one, noun.many}:
            return f"{said[: million.end()]} de{said[million.end() :]}"
        return said

    def scaled(self, figure: Figure, scale: str, noun: Noun) -> str:
        link = "" if scale == "mil" else "de "
        return f"{self.number(figure, Gender.MASCULINE)} {scale} {link}{noun.many}"

    def price(self, figure: Figure, currency: Currency) -> str:
        whole = self.counted(Figure(figure.digits, negative=figure.negative), currency.whole)
        part = currency.part or currency.whole
        return f"{whole} con {self.counted(Figure(str(int(figure.decimals))), part)}"

    def fraction(self, whole: int, parts: tuple[int, int]) -> str:
        if whole == 0:
            return "medio" if parts == (1, 2) else self.fractions[parts]
        part = "medio" if parts == (1, 2) else self.fractions[parts]
        return f"{self.cardinal(whole, Gender.MASCULINE)} y {part}"

    def _date(self, match: Match) -> str:
        found = match.groupdict()
        name = found.get("name") or _MONTHS[int(found["m"]) - 1]
        day = int(found["d"])
        said = f"{self.cardinal(day)} de {name}"
        year = found.get("y")
        if year:
            full = int(year) if len(year) > _TWO_DIGITS else int(year) + 2000
            said = f"{said} de {self.cardinal(full)}"
        return said

    def _time(self, match: Match) -> str:
        hour, minute = int(match["h"]), int(match["mi"])
        said = self.cardinal(hour, Gender.FEMININE)
        if minute:
            said = f"{said} {'y ' if match['half'] else ''}{self.cardinal(minute)}"
        elif match["half"] is None:
            said = f"{said} {'hora' if hour == 1 else 'horas'}"
        if match["s"]:
            said = f"{said} y {self.counted(Figure(str(int(match['s']))), self.units['s'])}"
        if match["half"]:
            said = f"{said} {'de la mañana' if match['half'] == 'a' else self._evening(hour)}"
        return said

    @staticmethod
    def _evening(hour: int) -> str:
        night = range(8, 12)
        return "de la noche" if hour in night else "de la tarde"

    def _ordinal(self, match: Match) -> str:
        names = {"er": "masculine-adjective", "ª": "feminine"}
        return self.spell(
            int(match["n"]), f"spellout-ordinal-{names.get(match['end'], 'masculine')}"
        )

    def _century(self, match: Match) -> str:
        if not match["n"]:
            return match.group()
        return f"{match['before']} {self.cardinal(roman(match['n']))}"

    def _before_noun(self, match: Match) -> str:
        gender = Gender.FEMININE if _FEMININE.search(match["noun"]) else Gender.MASCULINE
        return self.cardinal(int(match["n"]), gender)

"""Mandarin Chinese."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Final

from speaker_runtime.text.normalization.forms import Form, Match, Rule
from speaker_runtime.text.normalization.grammar import Currency, Figure, Gender, Grammar, Noun

_CLASSIFIERS: Final = (
    "个位名本张条次天年周岁倍种家台辆座层杯瓶碗块袋箱双对组套份篇首间所支把片棵头匹件只点斤米元人句"
)
"""Words before which two is liang and not er."""
_DIGITS: Final = "零一二三四五六七八九"
_HUNDRED: Final = 100
_TWO: Final = 2
_ALL: Final = Figure("100")


def _same(name: str) -> Noun:
    return Noun(name, name)


class Chinese(Grammar):
    """Mandarin, as it is read on the mainland."""

    language = "zh"
    numbering = "spellout-cardinal"
    decimal_signs = "."
    group_signs = ","
    space = ""
    decimal = "点"
    minus = "负"
    until = "到"
    colon = "冒号"
    hash_sign = "井号"
    plus = "加"
    point = "点"
    dot = "点"
    currencies: ClassVar[Mapping[str, Currency]] = MappingProxyType(
        {
            "¥": Currency(_same("元"), None),
            "￥": Currency(_same("元"), None),
            "元": Currency(_same("元"), None),
            "CNY": Currency(_same("元"), None),
            "RMB": Currency(_same("元"), None),
            "$": Currency(_same("美元"), None),
            "US$": Currency(_same("美元"), None),
            "USD": Currency(_same("美元"), None),
            "€": Currency(_same("欧元"), None),
            "EUR": Currency(_same("欧元"), None),
            "£": Currency(_same("英镑"), None),
            "HK$": Currency(_same("港元"), None),
        }
    )
    scales: ClassVar[Mapping[str, str]] = MappingProxyType(
        {each: each for each in ("万", "亿", "百万", "千万", "万亿")}
    )
    units: ClassVar[Mapping[str, Noun]] = MappingProxyType(
        {
            "mm": _same("毫米"),
            "cm": _same("厘米"),
            "m": _same("米"),
            "km": _same("公里"),
            "m²": _same("平方米"),
            "㎡": _same("平方米"),
            "m³": _same("立方米"),
            "km²": _same("平方公里"),
            "mg": _same("毫克"),
            "g": _same("克"),
            "kg": _same("公斤"),
            "t": _same("吨"),
            "ml": _same("毫升"),
            "mL": _same("毫升"),
            "L": _same("升"),
            "l": _same("升"),
            "km/h": _same("公里每小时"),
            "m/s": _same("米每秒"),
            "s": _same("秒"),
            "ms": _same("毫秒"),
            "min": _same("分钟"),
            "h": _same("小时"),
            "℃": _same("摄氏度"),
            "°C": _same("摄氏度"),
            "°F": _same("华氏度"),
            "°": _same("度"),
            "W": _same("瓦"),
            "kW": _same("千瓦"),
            "kWh": _same("千瓦时"),
            "V": _same("伏"),
            "Hz": _same("赫兹"),
        }
    )
    fractions: ClassVar[Mapping[tuple[int, int], str]] = MappingProxyType(
        {
            (over, under): f"{_DIGITS[under]}分之{_DIGITS[over]}"
            for under in range(2, 10)
            for over in range(1, under)
        }
    )
    abbreviations: ClassVar[Mapping[str, str]] = MappingProxyType({})
    signs: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "&": "和",
            "+": "加",
            "=": "等于",
            "≈": "约等于",
            "±": "正负",
            "×": "乘",
            "÷": "除以",
            "≤": "小于等于",
            "≥": "大于等于",
            "#": "井号",
        }
    )
    address_signs: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            ".": "点",
            "/": "斜杠",
            "-": "横杠",
            "_": "下划线",
            "+": "加",
            "~": "波浪号",
            "@": "艾特",
            ":": "端口",
        }
    )

    def own_rules(self) -> tuple[Rule, ...]:
        return (
            Rule(
                Form.PHONE,
                re.compile(r"(?<![\d.,])(1[3-9]\d)[ -]?(\d{4})[ -]?(\d{4})(?![\d.,])"),
                lambda match: ",".join(map(self._by_telephone, match.groups())),
            ),
            Rule(
                Form.PHONE,
                re.compile(r"(?<![\d.,-])(0\d{2,3})-(\d{7,8})(?![\d-])"),
                lambda match: ",".join(map(self._by_telephone, match.groups())),
            ),
            Rule(
                Form.UNIT,
                re.compile(
                    r"(?P<m>(?<![\w.])[-\u2212])?(?<![0-9])(?P<i>[0-9]+(?:,[0-9]{3})*)"
                    r"(?:\.(?P<d>\d+))? ?[%％]"
                ),
                self._percent,
            ),
            Rule(Form.SIGN, re.compile(r"(?<![\d~])[~约] ?(?=\d)"), "约"),
        )

    def dates_and_times(self) -> tuple[Rule, ...]:
        return (
            Rule(
                Form.DATE,
                re.compile(
                    r"(?<![\d.,/-])(?P<y>[12]\d{3})(?P<sep>[-/.])(?P<m>0?[1-9]|1[0-2])(?P=sep)"
                    r"(?P<d>[0-3]?\d)(?![\d/.-])"
                ),
                self._date,
            ),
            Rule(
                Form.DATE,
                re.compile(r"(?<!\d)([12]\d{3})(?=年)"),
                lambda match: self._year(match[1]),
            ),
            Rule(
                Form.TIME,
                re.compile(
                    r"(?<![\d:.,])(?P<h>[01]?\d|2[0-4])[:\uff1a](?P<mi>[0-5]\d)"
                    r"(?:[:\uff1a](?P<s>[0-5]\d))?(?![\d:])"
                ),
                self._time,
            ),
            Rule(
                Form.NUMBER,
                re.compile(rf"(?<![\d.,:/第-])2(?= ?[{_CLASSIFIERS}]|小时|分钟|公里|公斤|厘米)"),
                "两",
            ),
        )

    def cardinal(self, number: int, gender: Gender | None = None) -> str:  # noqa: ARG002  no genders
        rules = "spellout-cardinal" if number < _HUNDRED else "spellout-cardinal-alternate2"
        return self.spell(number, rules)

    def counted(self, figure: Figure, noun: Noun) -> str:
        two = figure == Figure("2") and noun.one not in {"摄氏度", "度"}
        return f"{'两' if two else self.number(figure)}{noun.many}"

    def price(self, figure: Figure, currency: Currency) -> str:
        return self.counted(figure, currency.whole)

    def fraction(self, whole: int, parts: tuple[int, int]) -> str:
        said = self.fractions[parts]
        return f"{self.cardinal(whole)}又{said}" if whole else said

    @staticmethod
    def _year(digits: str) -> str:
        return "".join(_DIGITS[int(digit)] for digit in digits)

    @staticmethod
    def _by_telephone(digits: str) -> str:
        return "".join("幺" if digit == "1" else _DIGITS[int(digit)] for digit in digits)

    def _percent(self, match: Match) -> str:
        whole = match["i"].replace(",", "")
        figure = Figure(whole, match["d"] or "")
        said = "百" if figure == _ALL else self.number(figure)
        return f"{self.minus if match['m'] else ''}百分之{said}"

    def _date(self, match: Match) -> str:
        month, day = self.cardinal(int(match["m"])), self.cardinal(int(match["d"]))
        return f"{self._year(match['y'])}年{month}月{day}日"

    def _time(self, match: Match) -> str:
        hour, minute = int(match["h"]), int(match["mi"])
        said = f"{'两' if hour == _TWO else self.cardinal(hour)}点"
        if minute or match["s"]:
            zero = "零" if match["mi"].startswith("0") and minute else ""
            said = f"{said}{zero}{self.cardinal(minute)}分"
        return f"{said}{self.cardinal(int(match['s']))}秒" if match["s"] else said

"""Japanese; numbers become kanji, which models read with the counter behind them."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Final

from speaker_runtime.text.normalization.forms import Form, Match, Rule
from speaker_runtime.text.normalization.grammar import Currency, Figure, Gender, Grammar, Noun

_DIGITS: Final = "零一二三四五六七八九"


def _same(name: str) -> Noun:
    return Noun(name, name)


class Japanese(Grammar):
    """Japanese."""

    language = "ja"
    numbering = "spellout-cardinal"
    decimal_signs = "."
    group_signs = ","
    space = ""
    decimal = "点"
    minus = "マイナス"
    until = "から"
    colon = "コロン"
    hash_sign = "シャープ"
    plus = "プラス"
    point = "点"
    dot = "ドット"
    currencies: ClassVar[Mapping[str, Currency]] = MappingProxyType(
        {
            "¥": Currency(_same("円"), None),
            "￥": Currency(_same("円"), None),
            "円": Currency(_same("円"), None),
            "JPY": Currency(_same("円"), None),
            "$": Currency(_same("ドル"), _same("セント")),
            "USD": Currency(_same("ドル"), _same("セント")),
            "€": Currency(_same("ユーロ"), _same("セント")),
            "EUR": Currency(_same("ユーロ"), _same("セント")),
            "£": Currency(_same("ポンド"), _same("ペンス")),
            "元": Currency(_same("元"), None),
        }
    )
    scales: ClassVar[Mapping[str, str]] = MappingProxyType(
        {each: each for each in ("万", "億", "百万", "千万", "兆")}
    )
    units: ClassVar[Mapping[str, Noun]] = MappingProxyType(
        {
            "mm": _same("ミリメートル"),
            "cm": _same("センチメートル"),
            "m": _same("メートル"),
            "km": _same("キロメートル"),
            "m²": _same("平方メートル"),
            "㎡": _same("平方メートル"),
            "m³": _same("立方メートル"),
            "km²": _same("平方キロメートル"),
            "mg": _same("ミリグラム"),
            "g": _same("グラム"),
            "kg": _same("キログラム"),
            "t": _same("トン"),
            "ml": _same("ミリリットル"),
            "mL": _same("ミリリットル"),
            "L": _same("リットル"),
            "l": _same("リットル"),
            "km/h": _same("キロメートル毎時"),
            "m/s": _same("メートル毎秒"),
            "s": _same("秒"),
            "ms": _same("ミリ秒"),
            "min": _same("分"),
            "h": _same("時間"),
            "℃": _same("度"),
            "°C": _same("度"),
            "°": _same("度"),
            "%": _same("パーセント"),
            "％": _same("パーセント"),
            "W": _same("ワット"),
            "kW": _same("キロワット"),
            "V": _same("ボルト"),
            "MB": _same("メガバイト"),
            "GB": _same("ギガバイト"),
            "TB": _same("テラバイト"),
            "Hz": _same("ヘルツ"),
        }
    )
    fractions: ClassVar[Mapping[tuple[int, int], str]] = MappingProxyType(
        {
            (over, under): f"{_DIGITS[under]}分の{_DIGITS[over]}"
            for under in range(2, 10)
            for over in range(1, under)
        }
    )
    abbreviations: ClassVar[Mapping[str, str]] = MappingProxyType({})
    signs: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "&": "アンド",
            "＆": "アンド",
            "+": "プラス",
            "=": "イコール",
            "≈": "約",
            "±": "プラスマイナス",
            "×": "かける",
            "÷": "割る",
            "≤": "以下",
            "≥": "以上",
            "#": "シャープ",
        }
    )
    address_signs: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            ".": "ドット",
            "/": "スラッシュ",
            "-": "ハイフン",
            "_": "アンダーバー",
            "+": "プラス",
            "~": "チルダ",
            "@": "アットマーク",
            ":": "ポート",
        }
    )

    def own_rules(self) -> tuple[Rule, ...]:
        return (
            Rule(
                Form.PHONE,
                re.compile(r"(?<![\d.,-])(0\d{1,4})-(\d{1,4})-(\d{3,4})(?![\d-])"),
                lambda match: "の".join(map(self.digit_by_digit, match.groups())),
            ),
            Rule(Form.SIGN, re.compile(r"(?<![\d~])~ ?(?=\d)"), "約"),
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
                Form.TIME,
                re.compile(
                    r"(?<![\d:.,])(?P<h>[01]?\d|2[0-4])[:\uff1a](?P<mi>[0-5]\d)"
                    r"(?:[:\uff1a](?P<s>[0-5]\d))?(?![\d:])"
                ),
                self._time,
            ),
        )

    def cardinal(self, number: int, gender: Gender | None = None) -> str:
        return super().cardinal(number, gender) if number else _DIGITS[0]

    def price(self, figure: Figure, currency: Currency) -> str:
        whole = self.counted(Figure(figure.digits, negative=figure.negative), currency.whole)
        part = currency.part or currency.whole
        return f"{whole}{self.counted(Figure(str(int(figure.decimals))), part)}"

    def fraction(self, whole: int, parts: tuple[int, int]) -> str:
        said = self.fractions[parts]
        return f"{self.cardinal(whole)}と{said}" if whole else said

    def _date(self, match: Match) -> str:
        year, month, day = (self.cardinal(int(match[each])) for each in ("y", "m", "d"))
        return f"{year}年{month}月{day}日"

    def _time(self, match: Match) -> str:
        said = f"{self.cardinal(int(match['h']))}時"
        minute, second = int(match["mi"]), match["s"]
        if minute or second:
            said = f"{said}{self.cardinal(minute)}分"
        return f"{said}{self.cardinal(int(second))}秒" if second else said

"""Characters of which whole text is made: marks, brackets, and what symbols are called."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

MARKS: Final = "。？！；：、.?!;:，,"
"""Where a text pauses. Not one more, not one less: much is decided by what is among them."""
BRACKETS: Final = "()（）【】「」`《》『』{}[]"
"""What is left out, with what it holds kept."""
QUOTES: Final = "‘’"
"""What is left out of Chinese text, too."""
CIRCLED: Final[Mapping[str, str]] = MappingProxyType(
    dict(zip("①②③④⑤⑥⑦⑧⑨⑩", "一二三四五六七八九十", strict=True))
)
GREEK: Final[Mapping[str, str]] = MappingProxyType(
    {
        letter: name
        for letters, name in {
            "α": "阿尔法",
            "β": "贝塔",
            "γΓ": "伽玛",
            "δΔ△": "德尔塔",
            "ε": "艾普西龙",
            "ζ": "捷塔",
            "η": "依塔",
            "θΘ": "西塔",
            "ι": "艾欧塔",
            "κ": "喀帕",
            "λΛ": "拉姆达",
            "μ": "缪",
            "ν": "拗",
            "ξΞ": "克西",
            "ο": "欧米克伦",
            "πΠ": "派",
            "ρ": "肉",
            "ςΣσ": "西格玛",
            "τ": "套",
            "υ": "宇普西龙",
            "φΦ": "服艾",
            "χ": "器",
            "ψΨ": "普赛",
            "ωΩ": "欧米伽",
            "□": "方框",
        }.items()
        for letter in letters
    }
)
SYMBOLS: Final[Mapping[str, str]] = MappingProxyType(
    {
        ">": "大于",
        "<": "小于",
        "∈": "属于",
        "∉": "不属于",
        "∪": "并",
        "∩": "交",
        "⊥": "垂直",
        "∥": "平行",
        "≠": "不等于",
        "∵": "因为",
        "∴": "所以",
        "∅": "空集",
        "⊂": "真包含于",
        "⊃": "包含",
        "⊆": "包含于",
        "⊇": "真包含",
        "⊄": "不属于",
        "⊅": "非超集",
        "⊈": "不属于",
        "⊉": "非超集",
    }
)
UNREAD: Final[Mapping[str, str]] = MappingProxyType(
    {"+": "加", "=": "等于", "×": "乘", "÷": "除", "≤": "小于等于", "≥": "大于等于"}
)
"""What this edition of the Chinese grammar leaves as it is, and the one of the reference reads."""
REPLACED: Final = (("噢", "哦"), ("欸", "诶"))
"""What is written another way before all else, unless the model comes with a list of its own."""


def has_chinese(text: str) -> bool:
    """Whether any of the text is Chinese, which decides how all of it is read."""
    return any("\u4e00" <= each <= "\u9fff" for each in text)

"""Normalised text, line by line as the model was trained on it."""

import json
import re
from pathlib import Path

import inflect
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speaker_runtime.backends.glm_tts.normalise import normalise, replacements, require_readable
from speaker_runtime.backends.glm_tts.numbers import counted, spelled, with_power
from speaker_runtime.backends.glm_tts.tables import GREEK, MARKS, REPLACED, SYMBOLS, UNREAD
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.models.errors import ModelError

REFERENCE = {
    "昨晚读完《山海拾遗》，里面的妖怪画得真好！": "昨晚读完山海拾遗，里面的妖怪画得真好。",
    "噢，我知道了。欸，好咯！": "哦，我知道了。诶，好喽。",
    "今天气温是-3.5℃，2024年1月5日下午3:30，花了￥128.50元。": (
        "今天气温是三点五摄氏度，二零二四年一月五日下午三点三十分，花了一元二十八点五零元。"
    ),
    "你好吗？": "你好吗?",
    "真的！？！": "真的。",
    "GDP增长了5.2%，电话是010-12345678。": (
        "gdp增长了百分之五点二，电话是零幺零减幺二三四五六七八。"
    ),
    "1. 第一步\n2. 第二步": "一。第一步。二。第二步。",
    "我用Python写了A/B测试，e-mail发到test@example.com。": (
        "我用python写了a每b测试，e mail发到test@example。com。"
    ),
    "3.5*10^8米每秒，α粒子≠β粒子": "三点五乘十的八次方米每秒，阿尔法粒子不等于贝塔粒子。",
    "😀哈哈～好的~": "哈哈。好的。",
    "额，我不知道。": "呃，我不知道。",
    "我爱你…真的……": "我爱你。真的。",
    "Hello world": "hello world.",
    "第一行\n\n第二行！\n第三行": "第一行。第二行.第三行。",
    "Mixed: 我喜欢 AI and 机器学习 very much.": "mixed，我喜欢ai and机器学习very much。",
    "She wasn't sure what they'd said.": "she wasn't sure what they'd said.",
    "Read chapter 12 before lesson 30.": "read chapter twelve before lesson thirty.",
    "It's $5.99, call Dr. Smith at 10:30am on Jan 5, 2024!": (
        "it's five point nine nine dollars, call doctor smith at ten thirty am on the fifth of "
        "january, twenty twenty four."
    ),
    "well-known e-mail; wait... what?! (aside) [x] 3*4": (
        "well known e mail; wait. what. aside x three times four."
    ),
    "line one\nline two?\nline three": "line one. line two? line three.",
    "Hello你好world世界": "hello你好world世界。",
    "": ".",
}
"""Written down from the model's own reader, which has the same text normaliser's other edition."""

STEPS = {
    "a\\nb": "a. b.",
    "2024-01-05到了": "两千零二十四减零一减零五到了。",
    "这是x*y和三*(四)还有*": "这是x乘y和三乘四还有。",
    "(甲)*乙": "甲乙。",
    "x * y": "x asterisk y.",
    "item ② of x²": "item zero of xzero.",
    ": : 5 and $3": ": five and three dollars.",
    "金额，额度": "金额，额度。",
    "路——远 - 近": "路，远近。",
    "他说“好”、「行」；对：是": "他说好，行，对，是。",
    "好††吗": "好，吗。",
    "甲_乙·丙|丁\\戊": "甲乙丙丁戊。",
    "三#四！": "三四。",
    "真的吗??": "真的吗?",
    "wait -- what": "wait what.",
    "cafe—bar": "cafe bar.",
    "café bar": "cafébar.",
    "a .b ,c": "a. b, c.",
    "fullwidth，marks。here": "fullwidthmarkshere.",
    "說話": "说话。",
    "花了12345元": "花了一万两千三百四十五元。",
    "222kg和-22200度": "两百二十二千克和两万两千两百度。",
    "二月12345元": "二月一万二千三百四十五元。",
    "价格=5，约10万+": "价格等于五，约十万加。",
    "一共1,234,567个": "一共一百二十三万四千五百六十七个。",
}
"""Single steps, each by its rule."""


@pytest.mark.parametrize("text", REFERENCE, ids=repr)
def test_text_reads_as_the_reference_has_it(text: str) -> None:
    assert normalise(text) == REFERENCE[text]


def test_numbers_that_are_only_digits_are_read_as_quantities() -> None:
    # Here the reference, with another edition of the grammars, says each digit by itself.
    assert normalise("电话12345678") == "电话一千两百三十四万五千六百七十八。"


@pytest.mark.parametrize("text", STEPS, ids=repr)
def test_steps(text: str) -> None:
    assert normalise(text) == STEPS[text]


def test_every_symbol_has_words_in_chinese() -> None:
    for symbol, words in {**GREEK, **SYMBOLS, **UNREAD}.items():
        assert normalise(f"甲{symbol}乙") == f"甲{words}乙。"
    assert normalise("①和⑩") == "一和十。"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("0", "零"),
        ("-0.5", "零点五"),
        ("3.50", "三点五"),
        ("007.0", "七"),
        ("-12.0", "负十二"),
        ("10", "十"),
        ("105", "一百零五"),
        ("1001", "一千零一"),
        ("120000", "十万二万"),
        ("20500", "二万零五百"),
        ("1000000000000", "一零零零零零零零零零零零零"),
    ],
)
def test_numbers_are_spelled_as_the_model_has_heard_them(number: str, words: str) -> None:
    assert spelled(number) == words


INFLECT = inflect.engine()


@given(st.integers(0, 2000) | st.integers(0, 10**36 - 1))
@settings(max_examples=500, deadline=None)
def test_what_is_left_of_numbers_is_counted_in_english(number: int) -> None:
    assert counted(str(number)) == INFLECT.number_to_words(str(number))


def test_numbers_without_a_name_are_read_digit_by_digit() -> None:
    assert counted("1" + "0" * 36) == "one" + " zero" * 36
    assert counted("007") == "seven"
    assert spelled("9" * 500) == "九" * 500
    assert counted("9" * 5000) == " ".join(["nine"] * 5000)


def test_only_the_first_power_is_put_into_words() -> None:
    assert with_power("-2x10^-3和2×3^2") == "负二乘十的负三次方和2×3^2"
    assert with_power("2 * 10^3") == "2 * 10^3"


@given(st.text(st.sampled_from("ab C12'-.,!?;:。，！？；：、你好 \n\t*()~%/$😀·—…"), max_size=40))
@settings(max_examples=300, deadline=None)
def test_what_comes_out_is_clean(text: str) -> None:
    made = normalise(text)
    assert made[-1] in "。.？?"
    assert not re.search(f"[{re.escape(MARKS)}]{{2}}", made[:-1])
    assert not set("#*()！!\n😀") & set(made)
    assert made == made.lower()
    assert not re.search(r"\s\s|^\s|\s$|[^a-z0-9.,!?;:] | [^a-z0-9]", made)


@given(st.text(max_size=30))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read(text: str) -> None:
    assert normalise(text)[-1] in "。.？?"


def test_a_model_may_bring_its_own_list(tmp_path: Path) -> None:
    path = tmp_path / "custom_replace.jsonl"
    assert replacements(path) == REPLACED
    entries = [{"origin": "甲", "new": "乙"}, {"origin": "乙", "new": "丙"}]
    path.write_text("\n\n".join(json.dumps(each) for each in entries), "utf-8")
    assert normalise("甲噢", replacements(path)) == "丙噢。"
    path.write_text('{"origin": "甲"}', "utf-8")
    with pytest.raises(ModelError, match=r"custom_replace\.jsonl"):
        replacements(path)


@pytest.mark.parametrize("text", ["你好", "Ça va ß?", "第3章：αβ", "12", "々〇Ａ", "<你>", "3>2"])
def test_readable_text_passes(text: str) -> None:
    require_readable(text)


@pytest.mark.parametrize(
    ("text", "blamed"),
    [
        ("Привет, мир", "'Приветм'"),
        ("你好，안녕", "'안녕'"),
        ("カタ你好", "'カタ'"),
        ("the α particle", "'α'"),
        ("😀 …", "'😀 …'"),
        ("", "''"),
    ],
)
def test_letters_of_other_scripts_are_refused_by_name(text: str, blamed: str) -> None:
    with pytest.raises(SpeechError) as failed:
        require_readable(text)
    assert failed.value.code is ErrorCode.TEXT_NOT_SPEAKABLE
    assert failed.value.message.startswith(blamed)
    assert failed.value.suggestion

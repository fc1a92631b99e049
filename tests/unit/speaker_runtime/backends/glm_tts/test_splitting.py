"""Where long text is cut."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speaker_runtime.backends.glm_tts.splitting import split, syllables

SENTENCE = (
    "周末的早晨，爷爷总爱在院子里浇花，顺手摘下几颗红透的番茄，洗干净放进竹篮，等着孙子们醒来分享。"
)
LONG_WORD = "internationalization"  # eight syllables, of length 5.6


def test_pieces_end_behind_marks() -> None:
    pieces = split(SENTENCE * 3)
    assert [len(each) for each in pieces] == [37, 39, 35, 30]
    assert [each[-3:] for each in pieces] == ["竹篮，", "番茄，", "浇花，", "分享。"]


@pytest.mark.parametrize(
    ("text", "lengths"),
    [
        ("", []),
        ("好", [1]),
        ("好" * 29 + "。" + "好" * 5, [30, 5]),
        ("好" * 28 + "。" + "好" * 5, [34]),
        ("好" * 60, [60]),
        ("好" * 61, [60, 1]),
        ("好" * 60 + "，好", [61, 1]),
        ("好" * 60 + "，", [61]),
        ("好" * 130, [60, 60, 10]),
    ],
)
def test_text_without_marks_is_cut_all_the_same(text: str, lengths: list[int]) -> None:
    assert [len(each) for each in split(text)] == lengths


def test_a_mark_may_have_white_space_behind_it() -> None:
    assert split("好" * 29 + ".  " + "好")[0] == "好" * 29 + ".  "


def test_english_words_count_by_their_syllables() -> None:
    # 42 words of two syllables are 58.8 long, 43 are 60.2.
    assert len(split("hello " * 42)) == 1
    assert [each.count("hello") for each in split("hello " * 43)] == [21, 22]
    # Ten of one syllable and a full stop are 8 long.
    assert len(split("the cat sat. " * 9)) == 1


def test_few_but_long_words_are_cut_in_the_middle() -> None:
    pieces = split(f"{LONG_WORD} " * 24)
    assert [each.count(LONG_WORD) for each in pieces] == [12, 6, 6]
    assert split("a" + "ba" * 100) == ["a" + "ba" * 100]


def test_words_with_apostrophes_and_hyphens_are_one() -> None:
    text = "don't e-mail " * 30
    assert split(text) == [text]


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("hello", 2),
        ("Fire", 2),
        ("cat", 1),
        ("zorbleque", 3),
        ("xyz", 1),
        ("grrr", 1),
        ("quuxe", 1),
    ],
)
def test_syllables(word: str, count: int) -> None:
    assert syllables(word) == count


@given(st.text(st.sampled_from("ab 你好。，,.?-'1 \n")) | st.text(max_size=200))
@settings(deadline=None)
def test_nothing_is_lost(text: str) -> None:
    pieces = split(text)
    assert "".join(pieces) == text
    assert all(pieces)

"""A sentence into utterances."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaker_runtime.text.cutting import pieces


def cut(text: str, limit: int = 300, first_limit: int | None = None) -> tuple[str, ...]:
    return pieces(text, limit=limit, first_limit=first_limit)


def test_a_sentence_within_the_limit_is_one_utterance() -> None:
    assert cut("Hello,  there\nyou are. ") == ("Hello, there you are.",)


@pytest.mark.parametrize("text", ["", " \n\t\n ", "\u3000"])
def test_white_space_has_no_utterance(text: str) -> None:
    assert cut(text, first_limit=5) == ()


def test_a_long_sentence_is_cut_at_its_last_clause_within_the_limit() -> None:
    assert cut("The first part is here, the second part is there, the third is gone", 55) == (
        "The first part is here, the second part is there,",
        "the third is gone",
    )


def test_a_number_is_not_cut_at_its_comma() -> None:
    assert cut("they counted up to 1,234,567 and stopped", 24) == (
        "they counted up to",
        "1,234,567 and stopped",
    )


def test_without_a_clause_it_is_cut_at_a_space() -> None:
    assert cut("one two three four five", 10) == ("one two", "three four", "five")


def test_without_a_space_it_is_cut_anyway() -> None:
    assert cut("a" * 25, 10) == ("a" * 10, "a" * 10, "a" * 5)


def test_an_accent_stays_with_its_letter() -> None:
    made = cut("x\u0323\u0307" * 20, 10)
    assert all(not unicodedata.combining(piece[0]) for piece in made)


def test_wide_and_styled_letters_become_plain() -> None:
    assert cut("\uff48\uff49 \u210c") == ("hi H",)


@pytest.mark.parametrize(
    ("sentence", "made"),
    [
        (
            "When the rain had stopped, they went out, and the dog ran ahead of them.",
            ("When the rain had stopped, they went out,", "and the dog ran ahead of them."),
        ),
        (
            "Because nobody had ever told the two of them about it, they were astonished at it.",
            (
                "Because nobody had ever told the two of them about it,",
                "they were astonished at it.",
            ),
        ),
        ("A short one, really.", ("A short one, really.",)),
        (
            "Well, nobody in the whole village had ever seen anything of the kind before.",
            ("Well, nobody in the whole village had ever seen anything of the kind before.",),
        ),
        (
            "Nobody in the whole village had ever seen anything of the kind before, no.",
            ("Nobody in the whole village had ever seen anything of the kind before, no.",),
        ),
        (
            "他们走了很长的路才到达那个小村庄，村里的人都已经睡着了，只有一只狗还醒着。",
            ("他们走了很长的路才到达那个小村庄,村里的人都已经睡着了,", "只有一只狗还醒着。"),
        ),
    ],
    ids=["last clause within", "first clause beyond", "short", "crumb first", "crumb last", "zh"],
)
def test_sound_begins_sooner_where_a_clause_ends_early(
    sentence: str, made: tuple[str, ...]
) -> None:
    first_limit = 30 if sentence[0] == "他" else 45
    assert cut(sentence, first_limit=first_limit) == made


@given(
    st.text(max_size=400),
    st.integers(min_value=1, max_value=50),
    st.none() | st.integers(min_value=1, max_value=60),
)
def test_nothing_is_lost_and_nothing_is_too_long(
    text: str, limit: int, first_limit: int | None
) -> None:
    made = cut(text, limit, first_limit)
    assert all(0 < len(piece) <= limit for piece in made)
    plain = unicodedata.normalize("NFKC", text)
    assert re.sub(r"\s", "", "".join(made)) == re.sub(r"\s", "", plain)

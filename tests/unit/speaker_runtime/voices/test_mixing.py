"""Mixes of voices as requests write them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.voices.mixing import is_mix, parse, resolved


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("ana", {"ana": 1.0}),
        ("ana*0.3+ben*0.7", {"ana": 0.3, "ben": 0.7}),
        ("ana+ben", {"ana": 0.5, "ben": 0.5}),
        (" ana * 3 + ben ", {"ana": 0.75, "ben": 0.25}),
        ("ana*.5+ben*.5", {"ana": 0.5, "ben": 0.5}),
    ],
)
def test_shares_sum_to_one(text: str, shares: dict[str, float]) -> None:
    assert {part.name: pytest.approx(part.share) for part in parse(text)} == shares


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("ana*0+ben", "'ana*0'"),
        ("ana*-1+ben", "'ana*-1'"),
        ("ana+", "''"),
        ("ana*x", "'ana*x'"),
        ("ana*1*2", "'ana*1*2'"),
        ("ana+ana", "twice"),
        ("a+b+c+d+e", "5 voices"),
        ("ana*1e9+ben", "'ana*1e9'"),
    ],
)
def test_what_is_no_mix_is_refused(text: str, word: str) -> None:
    with pytest.raises(SpeechError) as refused:
        parse(text)
    assert (refused.value.code, refused.value.param) == (ErrorCode.INVALID_VALUE, "voice")
    assert word in refused.value.message
    assert "ana*0.3+ben*0.7" in refused.value.suggestion


def test_a_name_is_no_mix() -> None:
    assert not is_mix("af_heart")


def test_names_are_replaced_and_equal_ones_add_up() -> None:
    presets = {"ana": "heart", "ben": "adam", "nova": "heart"}
    assert resolved("ana+ben*2+nova", presets.__getitem__) == "heart*0.5+adam*0.5"


def test_what_a_name_stands_for_may_be_a_mix() -> None:
    presets = {"ana": "heart", "blend": "heart*0.5+adam*0.5"}
    assert resolved("ana*0.5+blend*0.5", presets.__getitem__) == "heart*0.75+adam*0.25"


def test_a_mix_of_one_is_that_one() -> None:
    assert resolved("heart*0.4") == "heart"


def test_mixes_of_mixes_have_the_same_bound() -> None:
    with pytest.raises(SpeechError, match="6 voices; 4 can be mixed"):
        resolved("x+y", {"x": "a+b+c", "y": "d+e+f"}.__getitem__)


@given(st.text(alphabet="ab*+.0 1", max_size=20))
def test_any_text_is_a_mix_or_refused(text: str) -> None:
    try:
        parts = parse(text)
    except SpeechError:
        return
    assert math.isclose(math.fsum(part.share for part in parts), 1.0)

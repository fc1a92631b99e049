"""What the model can read, and how a text is written down for it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaker_runtime.backends.hibari import reading
from speaker_runtime.backends.hibari.lexicon import PRONUNCIATIONS
from speaker_runtime.backends.protocol import SpeechRequest
from speaker_runtime.errors import SpeechError
from speaker_runtime.text.phonemes import Pronunciation


def utterance(text: str, *pronunciations: Pronunciation) -> SpeechRequest:
    return SpeechRequest(
        text, preset="heart", language="en-US", speed=1.0, seed=0, pronunciations=pronunciations
    )


def written_down(text: str, *pronunciations: Pronunciation) -> str:
    return reading.write_down(utterance(text, *pronunciations), british=False)


@pytest.mark.parametrize("text", ["a", "É", "5", "٣", "%", "&", "½", "naïve"])
def test_this_has_a_reading(text: str) -> None:
    assert reading.has_reading(text)


@pytest.mark.parametrize(
    "text", ["", "...", "😀", "日本", "Привет", "مرحبا", "\u200b", "$", "—", "♥"]
)
def test_this_has_none(text: str) -> None:
    assert not reading.has_reading(text)


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("I like 日本語 a lot", "日本語"),
        ("Hello", ""),
        ("Hello 😀", ""),
        ("Café", ""),
        ("Привет and 日本", "Привет"),
    ],
)
def test_letters_of_another_script_are_found(text: str, letters: str) -> None:
    assert reading.unreadable_letters(text) == letters


def test_misread_words_get_their_phonemes_in_any_case() -> None:
    written = written_down("Kubernetes and KUBERNETES")
    assert written.count(f"](/{PRONUNCIATIONS['kubernetes']}/)") == 2


def test_a_word_inside_another_is_left_alone() -> None:
    assert written_down("kubernetesish") == "kubernetesish"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("see [the guide](/docs/guide/)", "see the guide"),
        ("[x](/日本/)", "x"),
        ("[[a](b)](/c/)", "[a] (/c/)"),
        ("a [link](https://example.com) here", "a link here"),
    ],
)
def test_markup_is_not_obeyed(text: str, written: str) -> None:
    assert written_down(text) == written


def test_a_number_too_long_to_be_one_is_read_digit_by_digit() -> None:
    assert written_down("call 1234567890123456 now") == ("call 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 now")
    assert written_down("123456789012345") == "123456789012345"


@given(st.text(alphabet="aB1,.-/_[]()'\"", min_size=1, max_size=300))
def test_no_word_takes_long_to_read(text: str) -> None:
    written = written_down(text)
    assert all(len(word) <= 40 for word in written.split())
    assert "](" not in written
    letters = re.sub(r"[^aB]", "", written)
    assert len(letters) <= len(re.sub(r"[^aB]", "", text))


def test_phonemes_are_cut_at_clauses() -> None:
    clause = "a" * 150 + ", "
    passes = list(reading.phoneme_passes(clause * 4))
    assert [len(each) for each in passes] == [303, 303]


def test_phonemes_without_clauses_are_cut_at_spaces_or_anywhere() -> None:
    assert [len(each) for each in reading.phoneme_passes("ab " * 200)] == [398, 200]
    assert [len(each) for each in reading.phoneme_passes("a" * 900)] == [400, 400, 100]


@given(st.text(alphabet="ab, ", max_size=2000))
def test_no_phoneme_is_lost(phonemes: str) -> None:
    passes = list(reading.phoneme_passes(phonemes))
    assert "".join(passes).replace(" ", "") == phonemes.replace(" ", "")
    assert all(len(each) <= reading.PHONEME_LIMIT for each in passes)


def test_given_phonemes_stand_in_the_place_of_their_word() -> None:
    tomato = Pronunciation(2, 8, "təˈmɑːtoʊ")
    assert written_down("A tomato [x](/y/).", tomato) == "A [word](/təˈmɑtO/) x."


def test_a_sound_that_the_model_lacks_is_told() -> None:
    click = utterance("A click.", Pronunciation(2, 7, "ǃa"))
    (warning,) = reading.check(click, british=False, model="hibari")
    assert "has no sound for" in warning
    assert "'click'" in warning


def test_phonemes_without_any_sound_are_refused() -> None:
    silent = utterance("A click.", Pronunciation(2, 7, "ǃ"))
    with pytest.raises(SpeechError, match="click"):
        reading.check(silent, british=False, model="hibari")


def test_letters_of_another_script_are_fine_where_their_sounds_are_given() -> None:
    spoken = utterance("日本 is Japan.", Pronunciation(0, 2, "nihoɴ"))
    assert reading.check(spoken, british=False, model="hibari") == ()

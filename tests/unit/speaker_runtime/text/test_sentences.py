"""Text into utterances."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaker_runtime.text.sentences import utterances


def split(text: str, limit: int = 300, language: str = "en-US") -> tuple[str, ...]:
    return utterances(text, language=language, limit=limit)


def test_sentences_become_utterances() -> None:
    assert split("Hello there. How are you? Fine!") == ("Hello there.", "How are you?", "Fine!")


@pytest.mark.parametrize(
    "sentence",
    [
        "Dr. Smith met Mr. Jones at noon.",
        "It costs $4.50 at www.example.com today.",
        "J. K. Rowling wrote it, e.g. the first one.",
        "He said 3.14 is pi.",
    ],
)
def test_a_period_inside_a_sentence_does_not_end_it(sentence: str) -> None:
    assert split(sentence) == (sentence,)


def test_lines_end_utterances() -> None:
    assert split("A heading\nA line\r\n\r\nA paragraph") == ("A heading", "A line", "A paragraph")


@pytest.mark.parametrize("text", ["", " \n\t\n ", "\u3000"])
def test_white_space_has_no_utterance(text: str) -> None:
    assert split(text) == ()


def test_a_long_sentence_is_cut_at_its_last_clause_within_the_limit() -> None:
    pieces = split("The first part is here, the second part is there, the third is gone", limit=55)
    assert pieces == ("The first part is here, the second part is there,", "the third is gone")


def test_without_a_clause_it_is_cut_at_a_space() -> None:
    assert split("one two three four five", limit=10) == ("one two", "three four", "five")


def test_without_a_space_it_is_cut_anyway() -> None:
    assert split("a" * 25, limit=10) == ("a" * 10, "a" * 10, "a" * 5)


def test_an_accent_stays_with_its_letter() -> None:
    pieces = split("x\u0323\u0307" * 20, limit=10)
    assert all(not unicodedata.combining(piece[0]) for piece in pieces)


def test_wide_and_styled_letters_become_plain() -> None:
    assert split("\uff48\uff49 \u210c") == ("hi H",)


@given(st.text(max_size=400), st.integers(min_value=1, max_value=50))
def test_nothing_is_lost_and_nothing_is_too_long(text: str, limit: int) -> None:
    pieces = split(text, limit=limit)
    assert all(0 < len(piece) <= limit for piece in pieces)
    plain = unicodedata.normalize("NFKC", text)
    assert re.sub(r"\s", "", "".join(pieces)) == re.sub(r"\s", "", plain)

"""Written forms in words, whatever the language."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaker_runtime.backends.hibari.reading import READS
from speaker_runtime.text.normalization import LANGUAGES, Form, normalize

ADDRESSES = [
    ("See https://example.com/docs.", "See example dot com slash docs."),
    ("See https://www.example.com/a-b?q=1#top now", "See example dot com slash a dash b now"),
    ("(www.example.org)", "(example dot org)"),
    ("Go to speech.example.io, then rest.", "Go to speech dot example dot io, then rest."),
    ("http://localhost:8080/docs", "localhost port 8080 slash docs"),
    ("example.com", "example dot com"),
    ("ASP.net and Node.js", "ASP dot net and Node.js"),
    ("Mail bob.smith+x@example.com.", "Mail bob dot smith plus x at example dot com."),
    ("mailto:a_b@c-d.org", "a underscore b at c dash d dot org"),
]

UNTOUCHED = [
    "Hello there.",
    "I paid $1,234.56 in the 1990s.",
    "Dr. Smith, e.g. at 3:45 pm on 2026-11-23",
    "and/or, well-known, 3.14, 50%",
    "He said it. It was 1.5 km.",
    "It's John's 'quoted' word.",
    "~/.config",
    "a+b = c",
]


@pytest.mark.parametrize(("written", "words"), ADDRESSES)
def test_addresses_are_spelled(written: str, words: str) -> None:
    assert normalize(written, "en-US", READS) == words


@pytest.mark.parametrize("text", UNTOUCHED)
def test_what_the_model_reads_itself_is_left_alone(text: str) -> None:
    assert normalize(text, "en-GB", READS) == text


def test_a_form_is_put_into_words_by_itself() -> None:
    others = frozenset(Form) - {Form.MONEY}
    assert normalize("5 km for $5 on 5/6/2026", "en", others) == (
        "5 km for five dollars on 5/6/2026"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Great😀Next", "Great Next"),
        ("A family 👨‍👩‍👧‍👦 and 👍🏽.", "A family   and  ."),
        ("Fine ❤️", "Fine  "),
        ("Flags 🇩🇪🏴󠁧󠁢󠁥󠁮󠁧󠁿", "Flags  "),
    ],
)
@pytest.mark.parametrize("language", [*LANGUAGES, "pl"])
def test_emoji_are_left_out_in_every_language(language: str, text: str, expected: str) -> None:
    assert normalize(text, language) == expected


def test_a_language_without_words_is_left_alone() -> None:
    assert normalize("bob@example.com ma 80 m²", "pl") == "bob@example.com ma 80 m²"


@pytest.mark.parametrize("language", LANGUAGES)
@given(text=st.text(max_size=60) | st.text(alphabet="0123456789.,:/-€$%° aXhm½~", max_size=30))
def test_no_digit_is_left_of_any_text(language: str, text: str) -> None:
    made = normalize(text, language)
    assert not any(each in "0123456789" for each in made)


@pytest.mark.parametrize("language", LANGUAGES)
@given(text=st.text(alphabet="bZ ,;!?\n'", max_size=80))
def test_plain_words_stay_as_they_are(language: str, text: str) -> None:
    assert normalize(text, language) == text


@pytest.mark.parametrize(
    "pattern",
    [
        "a",
        "1",
        "a.",
        "1.",
        "1,",
        "a@",
        "+1 ",
        "+1",
        "www.",
        "https://",
        "😀",
        "-",
        "1'",
        "a-",
        "²",
        "1:",
        "1/",
        "M.",
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_time_grows_with_the_text(language: str, pattern: str) -> None:
    normalize(pattern, language)
    began = time.perf_counter()
    normalize(pattern * (50_000 // len(pattern)), language)
    assert time.perf_counter() - began < 5

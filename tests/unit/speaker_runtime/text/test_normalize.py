"""Written forms in words."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaker_runtime.text.normalize import normalize

ENGLISH = [
    ("See https://example.com/docs.", "See example dot com slash docs."),
    ("See https://www.example.com/a-b?q=1#top now", "See example dot com slash a dash b now"),
    ("(www.example.org)", "(example dot org)"),
    ("Go to speech.example.io, then rest.", "Go to speech dot example dot io, then rest."),
    ("http://localhost:8080/docs", "localhost port 8080 slash docs"),
    ("example.com", "example dot com"),
    ("ASP.net and Node.js", "ASP dot net and Node.js"),
    ("Mail bob.smith+x@example.com.", "Mail bob dot smith plus x at example dot com."),
    ("mailto:a_b@c-d.org", "a underscore b at c dash d dot org"),
    ("Release v1.2.3 is out.", "Release v 1 point 2 point 3 is out."),
    ("Python 3.11.7", "Python 3 point 11 point 7"),
    ("Ping 192.168.0.1.", "Ping 192 dot 168 dot 0 dot 1."),
    ("On 23.11.2026", "On 23.11.2026"),
    ("Call +49 170 1234567.", "Call plus 4 9, 1 7 0, 1 2 3 4 5 6 7."),
    ("Call +1 (555) 123-4567", "Call plus 1, 5 5 5, 1 2 3, 4 5 6 7"),
    ("5'11\" tall", "5 feet 11 inches tall"),
    ("80 m² and 2km³", "80 square meters and 2 cubic kilometers"),
    ("x² + 10³", "x squared + 10 cubed"),
    ("½ cup, 1½ cups, 2 ¾", "one half cup, 1 and a half cups, 2 and three quarters"),
    ("~5 days for ~$10", "about 5 days for about $10"),
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


@pytest.mark.parametrize(("written", "words"), ENGLISH)
def test_written_forms_become_words(written: str, words: str) -> None:
    assert normalize(written, "en-US") == words


@pytest.mark.parametrize("text", UNTOUCHED)
def test_what_the_model_reads_itself_is_left_alone(text: str) -> None:
    assert normalize(text, "en-GB") == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Great😀Next", "Great Next"),
        ("A family 👨‍👩‍👧‍👦 and 👍🏽.", "A family   and  ."),
        ("Fine ❤️", "Fine  "),
        ("Flags 🇩🇪🏴󠁧󠁢󠁥󠁮󠁧󠁿", "Flags  "),
        ("Press 1️⃣", "Press 1"),
    ],
)
def test_emoji_are_left_out_in_every_language(text: str, expected: str) -> None:
    assert normalize(text, "en") == normalize(text, "ja") == expected


def test_other_languages_are_not_put_into_english_words() -> None:
    assert normalize("bob@example.com wohnt auf 80 m²", "de") == "bob@example.com wohnt auf 80 m²"


@given(st.text())
def test_any_text_can_be_normalized(text: str) -> None:
    assert isinstance(normalize(text, "en"), str)


@given(st.text(alphabet="aZ ,;!?\n'", max_size=80))
def test_plain_words_stay_as_they_are(text: str) -> None:
    assert normalize(text, "en") == text


@pytest.mark.parametrize(
    "pattern", ["a", "a.", "1.", "a@", "+1 ", "+1", "www.", "https://", "😀", "-", "1'", "a-", "²"]
)
def test_time_grows_with_the_text(pattern: str) -> None:
    began = time.perf_counter()
    normalize(pattern * (100_000 // len(pattern)), "en")
    assert time.perf_counter() - began < 2

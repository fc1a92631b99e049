"""Pipeline and model together read every kind of written form; each is put into words once."""

import pytest
from hibari import Hibari

from speaker_runtime.backends.hibari import reading
from speaker_runtime.backends.protocol import SpeechRequest
from speaker_runtime.text.cutting import pieces
from speaker_runtime.text.normalization import normalize

SAME = [
    ("$1,234.56", "one thousand two hundred thirty four dollars and fifty six cents"),
    ("the 1990s", "the nineteen nineties"),
    ("in 1999", "in nineteen ninety nine"),
    ("5 km and 72kg", "five kilometers and seventy two kilograms"),
    ("50%", "fifty percent"),
    ("Dr. Smith vs. Mr. Jones", "doctor Smith versus mister Jones"),
    ("1\u00bd cups", "one and a half cups"),
    ("\u00bd cup", "one half cup"),
    ("80 m\u00b2", "eighty square meters"),
    ("10.0.0.1", "ten dot zero dot zero dot one"),
    ("v1.2.3", "v one point two point three"),
    ("www.example.com/docs", "example dot com slash docs"),
    ("bob.smith@example.com", "bob dot smith at example dot com"),
    ("6'2\"", "six feet two inches"),
]


def written_down(text: str) -> str:
    request = SpeechRequest(text, preset="heart", language="en-US", speed=1.0, seed=0)
    return reading.write_down(request, british=False)


@pytest.fixture(scope="module")
def voice() -> Hibari:
    return Hibari(voice="heart")


def phonemes(voice: Hibari, text: str) -> str:
    made = pieces(normalize(text, "en-US", reading.READS), limit=300)
    spoken = " ".join(voice.g2p(written_down(piece)) for piece in made)
    return spoken.replace("\u02c8", "").replace("\u02cc", "")


@pytest.mark.parametrize(("written", "words"), SAME)
def test_a_written_form_sounds_like_its_words(voice: Hibari, written: str, words: str) -> None:
    assert phonemes(voice, written) == phonemes(voice, words)

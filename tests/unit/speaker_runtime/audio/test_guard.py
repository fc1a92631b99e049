"""Speech that cannot be that of its text: real speech, whole and damaged."""

from typing import Final

import numpy as np
import pytest
from hibari import Hibari
from hypothesis import given
from hypothesis import strategies as st

from speaker_runtime.audio.guard import Bounds, Fault, judge
from speaker_runtime.audio.pcm import Samples

RATE: Final = 24_000
BOUNDS: Final = Bounds.around(14.0)
TEXT: Final = "The quick brown fox jumps over the lazy dog, and then it sleeps."


@pytest.fixture(scope="module")
def voice() -> Hibari:
    return Hibari(voice="heart")


@pytest.fixture(scope="module")
def speech(voice: Hibari) -> Samples:
    return spoken(voice, TEXT)


def spoken(voice: Hibari, text: str, pace: float = 1.0) -> Samples:
    return np.asarray(voice(text, speed=pace, seed=1), dtype=np.float32)


def verdict(samples: Samples, text: str = TEXT, pace: float = 1.0) -> Fault | None:
    return judge(samples, sample_rate=RATE, text=text, bounds=BOUNDS, pace=pace)


def silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * RATE), dtype=np.float32)


def noise(seconds: float) -> Samples:
    drawn = np.random.default_rng(0).standard_normal(int(seconds * RATE))
    return (drawn * 0.05).astype(np.float32)


def part(samples: Samples, first: float, last: float) -> Samples:
    return samples[int(first * RATE) : int(last * RATE)]


@pytest.mark.parametrize("pace", [0.5, 1.0, 2.0])
@pytest.mark.parametrize(
    "text",
    [
        "Hi.",
        "Shh.",
        TEXT,
        "It was the best of times, it was the worst of times, it was the age of wisdom.",
        "1234567890",
        "It cost $1,234.56 in 1999.",
        "NASA and the FBI",
        "She sells sea shells by the sea shore.",
        "No no no no no no!",
        "ha ha ha ha ha",
        "never, never, never, never, never, never",
        "One, two, three, four, five, six, seven, eight, nine, ten.",
    ],
)
def test_real_speech_has_no_fault(voice: Hibari, text: str, pace: float) -> None:
    assert verdict(spoken(voice, text, pace), text, pace) is None


def test_silence_is_found(speech: Samples) -> None:
    assert verdict(silence(3)) is Fault.SILENT
    assert verdict(speech * np.float32(0.001)) is Fault.SILENT
    assert verdict(silence(0)) is Fault.SILENT


def test_speech_that_ends_early_is_found(speech: Samples) -> None:
    assert verdict(part(speech, 0, 1.2)) is Fault.TOO_SHORT


def test_speech_that_goes_on_is_found(speech: Samples) -> None:
    assert verdict(np.concatenate([speech] * 4)) is Fault.TOO_LONG


def test_silence_inside_is_found(speech: Samples) -> None:
    torn = np.concatenate([part(speech, 0, 1.5), silence(2), part(speech, 1.5, 99)])
    assert verdict(torn) is Fault.GAP


def test_silence_around_is_no_fault(speech: Samples) -> None:
    assert verdict(np.concatenate([silence(2), speech, silence(3)])) is None


@pytest.mark.parametrize("seconds", [0.8, 2.0])
def test_a_tail_of_noise_is_found(speech: Samples, seconds: float) -> None:
    assert verdict(np.concatenate([speech, noise(seconds)])) is Fault.NOISE


@pytest.mark.parametrize(("first", "last", "times"), [(1.0, 2.0, 4), (0.8, 1.4, 7), (0.0, 9.0, 1)])
def test_a_loop_is_found(speech: Samples, first: float, last: float, times: int) -> None:
    looped = np.concatenate([part(speech, 0, last), *[part(speech, first, last)] * times])
    assert verdict(looped) is Fault.REPEATING


def test_a_text_without_letters_has_no_fault() -> None:
    assert verdict(silence(1), "...") is None


@given(st.text(max_size=80), st.floats(min_value=0, max_value=3), st.floats(0.25, 4.0))
def test_any_speech_of_any_text_is_judged(text: str, seconds: float, pace: float) -> None:
    assert verdict(noise(seconds), text, pace) in {None, *Fault}

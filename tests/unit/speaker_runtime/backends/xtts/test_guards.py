"""Token streams that have lost their text."""

import pytest

from speaker_runtime.audio.guard import Bounds, Fault
from speaker_runtime.backends.xtts import guards

BOUNDS = Bounds(usual=17.0, slowest=5.0, fastest=40.0, margin=2.0)
SPEECH = [(17 * each * each + 5 * each) % 1021 for each in range(120)]
"""Tokens that do not come again in the same order."""


@pytest.mark.parametrize(
    "loop",
    [
        pytest.param([7] * 24, id="one token for a second"),
        pytest.param([7, 8, 9] * 8, id="a syllable eight times"),
        pytest.param(list(range(500, 520)) * 4, id="a word of a second four times"),
    ],
)
def test_what_says_the_same_again_and_again_is_stopped(loop: list[int]) -> None:
    assert guards.fault_of([*SPEECH, *loop], most=10_000) is Fault.REPEATING
    assert guards.fault_of([*SPEECH, *loop[:-1]], most=10_000) is None


@pytest.mark.parametrize(
    "tokens",
    [
        pytest.param([], id="nothing yet"),
        pytest.param(SPEECH, id="speech"),
        pytest.param([*SPEECH, *[3] * 20], id="a drawn-out sound"),
        pytest.param([*SPEECH, *list(range(500, 530)) * 2], id="a word that is said twice"),
    ],
)
def test_speech_goes_on(tokens: list[int]) -> None:
    assert guards.fault_of(tokens, most=10_000) is None


def test_what_goes_on_behind_its_text_is_stopped() -> None:
    most = guards.allowed("Yes.", BOUNDS, tokens_per_second=21.5, pace=1.0)

    assert guards.fault_of(SPEECH[:most], most) is None
    assert guards.fault_of(SPEECH[: most + 1], most) is Fault.TOO_LONG
    assert most < 3.5 * 21.5


def test_a_longer_text_may_take_longer_at_any_pace() -> None:
    short, long = (
        guards.allowed(text, BOUNDS, tokens_per_second=21.5, pace=1.0)
        for text in ("Yes.", "Yes, and this is why it took so long.")
    )
    quick = guards.allowed("Yes.", BOUNDS, tokens_per_second=21.5, pace=1.1)

    assert long > 2 * short
    # A pace stretches what was drawn: the tokens are about as many, the spare time is more of them.
    assert short <= quick < 1.2 * short

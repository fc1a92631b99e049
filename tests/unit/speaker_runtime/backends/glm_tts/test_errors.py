"""What is told of unfit recordings and texts."""

import math

import pytest

from speaker_runtime.audio.clips import UnfitReferenceError
from speaker_runtime.backends.glm_tts.errors import damaged, require_reference, unspeakable
from speaker_runtime.contract import VoiceReason
from speaker_runtime.errors import ErrorCode


@pytest.mark.parametrize("seconds", [3.0, 5.5, 30.0])
def test_a_recording_with_its_transcript_is_taken(seconds: float) -> None:
    assert require_reference(seconds, "你好。") == "你好。"


@pytest.mark.parametrize(
    ("seconds", "transcript", "reason", "remedy"),
    [
        (2.99, "你好。", VoiceReason.TOO_SHORT, "record"),
        (math.nan, "你好。", VoiceReason.TOO_SHORT, "record"),
        (30.01, "你好。", VoiceReason.TOO_LONG, "cut it"),
        (5.0, None, VoiceReason.TRANSCRIPT_MISSING, "reference.transcript"),
        (5.0, " \n", VoiceReason.TRANSCRIPT_MISSING, "reference.transcript"),
    ],
)
def test_an_unfit_recording_is_told_with_its_remedy(
    seconds: float, transcript: str | None, reason: VoiceReason, remedy: str
) -> None:
    with pytest.raises(UnfitReferenceError, match=remedy) as failed:
        require_reference(seconds, transcript)
    assert failed.value.reason is reason


def test_long_reasons_are_shortened() -> None:
    assert len(damaged("flow.pt", "key, " * 1000).message) < 500
    error = unspeakable("字" * 100, "has no reading")
    assert error.code is ErrorCode.TEXT_NOT_SPEAKABLE
    assert error.message == f"'{'字' * 20}…' has no reading."

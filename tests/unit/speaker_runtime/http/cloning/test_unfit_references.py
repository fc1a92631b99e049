"""Why no voice is made of a reference."""

from pathlib import Path

import numpy as np
import pytest

from speaker_runtime.backends.protocol import Cloning
from speaker_runtime.contract import (
    ReferenceClip,
    VoiceEntry,
    VoiceProblem,
    VoiceReference,
    digest_of,
)
from tests.support.clips import noise, tone, voiced, wav
from tests.support.tone import SAMPLE_RATE, ToneBackend
from tests.unit.speaker_runtime.http.cloning.pods import HIGH, LOW, Pod, handed, running

UNFIT: dict[str, tuple[bytes, str]] = {
    "no audio": (b"somebody's notes", "NotAudio"),
    "too short": (wav(voiced(110, seconds=1.5)), "TooShort"),
    "too long": (wav(voiced(110, seconds=32, rate=8000), 8000), "TooLong"),
    "far too long": (wav(voiced(110, 100, rate=5000), 5000), "TooLong"),
    "silent": (wav(noise(5, level=1e-4)), "Silent"),
    "clipped": (wav(np.clip(8 * voiced(110), -1, 1)), "Clipped"),
    "noisy": (wav(voiced(110) + noise(4, level=0.04)), "Noisy"),
    "a tone": (wav(tone()), "NotSpeech"),
}


@pytest.mark.parametrize("name", UNFIT)
async def test_an_unfit_reference_is_told_why(pod: Pod, name: str) -> None:
    content, reason = UNFIT[name]
    (state,) = await pod.serve(handed("ana", content), audio=(content,))
    assert (state.state, state.reason) == ("failed", reason)
    status, code, message = await pod.refusal("ana")
    assert (status, code) == (400, "voice_unavailable")
    assert state.message in message
    assert await pod.pitch("low") > 0, "the others go on"


async def test_what_the_backend_cannot_take_is_told_before_any_audio_moves(pod: Pod) -> None:
    many = handed("many", LOW, HIGH, wav(voiced(90)), wav(voiced(95)))
    spanish = handed("ana", LOW).model_copy(update={"languages": ("es", "fr")})
    report = await pod.send(many, spanish)
    assert [each.reason for each in report.voices] == ["TooManyClips", "LanguageUnsupported"]
    assert report.wanted == ()
    assert "es, fr" in report.voices[1].message


async def test_a_backend_that_needs_a_transcript_says_so(tmp_path: Path) -> None:
    cloning = Cloning(sample_rate=SAMPLE_RATE, needs_transcript=True)
    async with running(tmp_path, ToneBackend(cloning=cloning)) as pod:
        report = await pod.send(handed("ana", LOW))
        assert report.voices[0].reason == "TranscriptMissing"
        reference = VoiceReference(
            clips=(ReferenceClip(digest=digest_of(LOW)),), transcript="Hum hum."
        )
        voice = VoiceEntry(name="ana", languages=("en",), reference=reference)
        (state,) = await pod.serve(voice, audio=(LOW,))
        assert state.state == "ready"
        assert pod.backend.embedded[0].transcript == "Hum hum."


async def test_a_backend_that_cannot_clone_says_so(tmp_path: Path) -> None:
    async with running(tmp_path, ToneBackend()) as pod:
        report = await pod.send(handed("ana", LOW))
        assert (report.voices[0].state, report.voices[0].reason) == ("failed", "BackendCannotClone")
        assert report.wanted == ()
        assert (await pod.http.get("/v1/audio/capabilities")).json()["cloning"] is None


async def test_what_the_operator_knows_already_is_repeated(pod: Pod) -> None:
    problem = VoiceProblem(reason="ConsentMissing", message="say who agreed")
    report = await pod.send(VoiceEntry(name="ana", problem=problem))
    told = report.voices[0]
    assert (told.state, told.reason, told.message) == ("failed", "ConsentMissing", "say who agreed")
    assert "say who agreed" in (await pod.refusal("ana"))[2]

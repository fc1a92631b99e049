"""A voice of a reference: handed over, made once, kept."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from speaker_runtime.backends.protocol import Cloning
from speaker_runtime.contract import (
    VoiceManifest,
    digest_of,
)
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.services.references import opening
from tests.support.clips import RATE, voiced, wav
from tests.support.tone import SAMPLE_RATE, ToneBackend
from tests.unit.speaker_runtime.http.cloning.pods import (
    CLONING,
    HIGH,
    LOW,
    Pod,
    damage,
    handed,
    running,
)


async def test_a_cloned_voice_sounds_like_its_reference(pod: Pod) -> None:
    voices = handed("ana", LOW, aliases=("nova",)), handed("ben", HIGH)
    states = await pod.serve(*voices, audio=(LOW, HIGH))
    assert [(each.name, each.state, each.reason) for each in states] == [
        ("ana", "ready", ""),
        ("ben", "ready", ""),
    ]
    assert await pod.pitch("ana") == pytest.approx(110, rel=0.1)
    assert await pod.pitch("nova") == pytest.approx(110, rel=0.1)
    assert await pod.pitch("ben") == pytest.approx(220, rel=0.1)
    listed = (await pod.http.get("/v1/audio/voices")).json()["voices"]
    assert [(each["id"], each["cloned"]) for each in listed[:2]] == [("ana", True), ("ben", True)]


async def test_a_changed_reference_is_heard_at_once(pod: Pod) -> None:
    await pod.serve(handed("ana", LOW), audio=(LOW,))
    before = await pod.pitch("ana")
    await pod.serve(handed("ana", HIGH), audio=(HIGH,))
    assert await pod.pitch("ana") == pytest.approx(2 * before, rel=0.1), "and no cache in between"


async def test_a_voice_that_is_made_anew_speaks_as_before_meanwhile(pod: Pod) -> None:
    await pod.serve(handed("ana", LOW), audio=(LOW,))
    report = await pod.send(handed("ana", HIGH))
    assert (report.voices[0].state, report.voices[0].reason) == ("pending", "Preparing")
    assert await pod.pitch("ana") == pytest.approx(110, rel=0.1)
    listed = (await pod.http.get("/v1/audio/voices")).json()["voices"]
    assert listed[0]["id"] == "ana"
    await pod.serve(handed("ana", HIGH), audio=(HIGH,))
    assert await pod.pitch("ana") == pytest.approx(220, rel=0.1)


async def test_equal_references_are_embedded_once(pod: Pod) -> None:
    await pod.serve(*(handed(f"ana-{number}", LOW) for number in range(5)), audio=(LOW,))
    assert len(pod.backend.embedded) == 1
    assert await pod.metric('tts_voices_cloned_total{model="hibari",result="ready"}') == 1


async def test_several_clips_make_one_voice(pod: Pod) -> None:
    await pod.serve(handed("ana", LOW, HIGH), audio=(LOW, HIGH))
    (reference,) = pod.backend.embedded
    assert [len(each) / SAMPLE_RATE for each in reference.clips] == pytest.approx([4, 4], abs=0.5)
    assert reference.language == "en"


async def test_a_process_that_is_started_again_needs_no_audio(
    tmp_path: Path, backend: ToneBackend
) -> None:
    voice = handed("ana", LOW)
    async with running(tmp_path, backend) as pod:
        await pod.serve(voice, audio=(LOW,))
    second = ToneBackend(cloning=CLONING)
    async with running(tmp_path, second, VoiceManifest(voices=(voice,))) as pod:
        assert await pod.pitch("ana") == pytest.approx(110, rel=0.1), "before anybody asked it to"
        report = await pod.send(voice)
    assert (report.wanted, report.voices[0].state) == ((), "ready")
    assert second.embedded == []


async def test_another_revision_of_the_model_makes_it_anew(
    tmp_path: Path, backend: ToneBackend
) -> None:
    async with running(tmp_path, backend) as pod:
        await pod.serve(handed("ana", LOW), audio=(LOW,))
    newer = ToneBackend(cloning=Cloning(sample_rate=SAMPLE_RATE, revision=2))
    async with running(tmp_path, newer) as pod:
        assert (await pod.send(handed("ana", LOW))).wanted == (digest_of(LOW),)


async def test_what_was_kept_and_is_damaged_is_made_anew(
    tmp_path: Path, backend: ToneBackend
) -> None:
    async with running(tmp_path, backend) as pod:
        await pod.serve(handed("ana", LOW), audio=(LOW,))
    damage(tmp_path)
    async with running(tmp_path, ToneBackend(cloning=CLONING)) as pod:
        await pod.send(handed("ana", LOW))
        status, code, _ = await pod.refusal("ana")
        assert (status, code) == (503, "voice_not_ready")
        await pod.serve(handed("ana", LOW), audio=(LOW,))
        assert await pod.pitch("ana") == pytest.approx(110, rel=0.1)


async def test_a_voice_that_is_being_made_is_pending_and_holds_nobody_up(pod: Pod) -> None:
    report = await pod.send(handed("ana", LOW))
    assert report.voices[0].state == "pending"
    assert report.voices[0].reason == "Preparing"
    status, code, _ = await pod.refusal("ana")
    assert (status, code) == (503, "voice_not_ready")
    assert (await pod.http.get("/v1/audio/voices")).json()["voices"][0]["id"] == "low"
    shown = (await pod.http.get("/status")).json()["voices"][0]
    assert (shown["name"], shown["state"], shown["reason"]) == ("ana", "pending", "Preparing")
    assert await pod.pitch("low") > 0


async def test_a_slow_model_is_answered_for_in_time(pod: Pod) -> None:
    pod.backend.hold()
    await pod.send(handed("ana", LOW))
    await pod.hand_over(LOW)
    loop = asyncio.get_running_loop()
    began = loop.time()
    report = await pod.send(handed("ana", LOW))
    assert loop.time() - began < 1.5, "the operator waits two seconds"
    assert report.voices[0].state == "pending"
    assert report.ask_again_seconds is not None
    assert report.ask_again_seconds < 1
    pod.backend.release()
    (state,) = await pod.serve(handed("ana", LOW))
    assert state.state == "ready"


async def test_a_model_that_fails_is_told_and_the_others_go_on(pod: Pod) -> None:
    pod.backend.embed_error = SpeechError(ErrorCode.SPEECH_FAILED, "out of breath")
    (state,) = await pod.serve(handed("ana", LOW), audio=(LOW,))
    assert (state.state, state.reason) == ("failed", "CloningFailed")
    assert "out of breath" in state.message
    assert await pod.pitch("low") > 0


async def test_no_room_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    big = ToneBackend(cloning=CLONING)
    made = big.embed
    monkeypatch.setattr(
        big, "embed", lambda each: {**made(each), "latents": np.ones(200_000, np.float32)}
    )
    async with running(tmp_path, big, max_bytes=2**20) as pod:
        states = await pod.serve(handed("ana", LOW), handed("ben", HIGH), audio=(LOW, HIGH))
        assert sorted(each.reason for each in states) == ["", "NoRoomForVoice"]


async def test_a_voice_that_is_no_more_is_not_made(pod: Pod) -> None:
    await pod.send(handed("ana", LOW))
    report = await pod.send()
    assert report.wanted == ()
    await pod.hand_over(LOW)
    await pod.send()
    assert pod.backend.embedded == []


async def test_only_so_much_audio_is_held_at_a_time(pod: Pod) -> None:
    files = tuple(wav(voiced(80 + 4 * number, seconds=3.5)) for number in range(18))
    voices = [handed(f"voice-{number}", each) for number, each in enumerate(files)]
    report = await pod.send(*voices)
    assert report.wanted == tuple(map(digest_of, files[:16]))
    states = await pod.serve(*voices, audio=files)
    assert {each.state for each in states} == {"ready"}


async def test_a_cloned_voice_is_not_mixed(tmp_path: Path, backend: ToneBackend) -> None:
    from dataclasses import replace  # noqa: PLC0415

    load = backend.load
    backend.load = lambda progress: replace(load(progress), mixes_presets=True)  # type: ignore[method-assign]
    async with running(tmp_path, backend) as pod:
        await pod.serve(handed("ana", LOW), audio=(LOW,))
        status, _, message = await pod.refusal("ana+low")
        assert (status, "cannot be mixed" in message) == (400, True)


def test_rates() -> None:
    assert RATE == SAMPLE_RATE, "the tests' clips need no resampling"


@pytest.mark.parametrize("mounted", [True, False])
async def test_without_a_word_voices_are_cloned_where_a_folder_for_them_is_mounted(
    tmp_path: Path, backend: ToneBackend, monkeypatch: pytest.MonkeyPatch, *, mounted: bool
) -> None:
    folder = tmp_path if mounted else tmp_path / "missing"
    monkeypatch.setattr(opening, "VOICE_STATES_DIRECTORY", folder)
    async with running(None, backend) as pod:
        (state,) = await pod.serve(handed("ana", LOW), audio=(LOW,))
        assert state.state == ("ready" if mounted else "failed")
    kept = list(tmp_path.iterdir())  # noqa: ASYNC240 - a test's own folder
    assert len(kept) == int(mounted), kept

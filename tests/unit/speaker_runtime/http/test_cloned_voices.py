"""A voice of a reference: handed over or fetched, made once, kept; or why it is not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import numpy as np
import pytest

from speaker_runtime.backends.protocol import Cloning
from speaker_runtime.contract import (
    VOICE_AUDIO_PATH,
    VOICE_SYNC_PATH,
    ClaimFile,
    ModelConfig,
    ReferenceClip,
    ReferencesConfig,
    RuntimeConfig,
    SyncedVoice,
    SyncReport,
    VoiceEntry,
    VoiceManifest,
    VoiceProblem,
    VoiceReference,
    digest_of,
)
from speaker_runtime.engine.engine import Engine
from speaker_runtime.engine.scheduler import Bounds
from speaker_runtime.engine.state import Phase
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.http.app import create_app
from tests.support.audio import decode_pcm
from tests.support.clips import RATE, noise, tone, voiced, wav
from tests.support.runtime import eventually
from tests.support.syncing import claims, handing, new_key, order, signed, sync_config
from tests.support.tone import SAMPLE_RATE, ToneBackend, copies, pitch_of
from tests.support.webserver import Answer, Site, website

WITHIN = 20.0
KEY = new_key()
CLONING = Cloning(sample_rate=SAMPLE_RATE, most_clips=3)
NOBODY = VoiceManifest()
LOW, HIGH = wav(voiced(110)), wav(voiced(220))


def handed(name: str, *clips: bytes, **other: object) -> VoiceEntry:
    """A voice whose audio the operator hands over."""
    reference = VoiceReference(clips=tuple(ReferenceClip(digest=digest_of(each)) for each in clips))
    return VoiceEntry(name=name, languages=("en",), reference=reference, **other)


def placed(name: str, clip: ReferenceClip, **other: object) -> VoiceEntry:
    """A voice whose audio lies elsewhere."""
    reference = VoiceReference(clips=(clip,))
    return VoiceEntry(name=name, languages=("en",), reference=reference, **other)


def damage(directory: Path) -> None:
    """Damage the one state that is kept."""
    (state,) = directory.iterdir()
    state.write_bytes(b"damaged")


class Pod:
    """A runtime, and the operator that speaks to it."""

    def __init__(self, http: httpx2.AsyncClient, backend: ToneBackend) -> None:
        self.http = http
        self.backend = backend
        self._revision = 0

    async def send(self, *voices: VoiceEntry) -> SyncReport:
        self._revision += 1
        headers, body = order(KEY, VoiceManifest(voices=voices), self._revision)
        answer = await self.http.post(VOICE_SYNC_PATH, headers=headers, content=body)
        assert answer.status_code == 200, answer.text
        return SyncReport.model_validate_json(answer.content)

    async def hand_over(self, content: bytes) -> httpx2.Response:
        headers, body = handing(KEY, content)
        return await self.http.post(VOICE_AUDIO_PATH, headers=headers, content=body)

    async def serve(self, *voices: VoiceEntry, audio: tuple[bytes, ...] = ()) -> list[SyncedVoice]:
        """Do as the operator does, until every voice is ready or failed."""
        files = {digest_of(each): each for each in audio}
        async with asyncio.timeout(WITHIN):
            while True:
                report = await self.send(*voices)
                if all(each.state != "pending" for each in report.voices):
                    return list(report.voices)
                for digest in report.wanted:
                    assert (await self.hand_over(files[digest])).status_code == 204

    async def pitch(self, voice: str, text: str = "Hum this to me.") -> float:
        body = {"model": "tts-1", "voice": voice, "input": text, "response_format": "pcm"}
        answer = await self.http.post("/v1/audio/speech", json=body)
        assert answer.status_code == 200, answer.text
        return pitch_of(decode_pcm(answer.content).samples)

    async def refusal(self, voice: str) -> tuple[int, str, str]:
        body = {"model": "tts-1", "voice": voice, "input": "Hum."}
        answer = await self.http.post("/v1/audio/speech", json=body)
        return answer.status_code, answer.json()["error"]["code"], answer.json()["error"]["message"]

    async def metric(self, name: str) -> float:
        lines = (await self.http.get("/metrics")).text.splitlines()
        return next((float(line.split()[-1]) for line in lines if line.startswith(name)), 0.0)


@asynccontextmanager
async def running(
    directory: Path,
    backend: ToneBackend,
    manifest: VoiceManifest = NOBODY,
    **other: object,
) -> AsyncIterator[Pod]:
    config = RuntimeConfig(
        service="test",
        backend="hibari",
        model=ModelConfig(source="package://hibari-tts", directory=Path("nowhere")),
        voice_sync=sync_config(KEY),
        references=ReferencesConfig(
            directory=directory, **{"allow_private_addresses": True, **other}
        ),
    )
    make, places = copies(backend)
    engine = Engine(make, places, bounds=Bounds(config.serving.max_queue_seconds))
    app = create_app(config, manifest, engine)
    async with app.router.lifespan_context(app):
        eventually(lambda: engine.state.phase is Phase.READY, within=WITHIN, what="readiness")
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            yield Pod(client, backend)
        backend.release()


@pytest.fixture
def backend() -> ToneBackend:
    return ToneBackend(cloning=CLONING)


@pytest.fixture
async def pod(tmp_path: Path, backend: ToneBackend) -> AsyncIterator[Pod]:
    async with running(tmp_path / "states", backend) as pod:
        yield pod


@pytest.fixture
def site() -> "Site":  # type: ignore[misc]
    with website() as site:
        site.files["/low.wav"] = LOW
        yield site


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


async def test_audio_is_fetched_from_an_address(pod: Pod, site: Site) -> None:
    (state,) = await pod.serve(placed("ana", ReferenceClip(uri=f"{site.url}/low.wav")))
    assert state.state == "ready"
    assert await pod.pitch("ana") == pytest.approx(110, rel=0.1)


async def test_a_fetch_that_fails_is_told_and_tried_again(pod: Pod, site: Site) -> None:
    site.plans["/low.wav"] = [Answer(503)]
    voice = placed("ana", ReferenceClip(uri=f"{site.url}/low.wav", digest=digest_of(LOW)))
    (state,) = await pod.serve(voice)
    assert (state.state, state.reason) == ("failed", "FetchFailed")
    report = await pod.send(voice)
    assert report.ask_again_seconds is not None
    assert 0 < report.ask_again_seconds < 3

    async with asyncio.timeout(WITHIN):
        while report.voices[0].state != "ready":
            await asyncio.sleep(report.ask_again_seconds or 0.1)
            report = await pod.send(voice)
    assert report.ask_again_seconds is None


async def test_the_digest_of_a_fetched_file_counts(pod: Pod, site: Site) -> None:
    voice = placed("ana", ReferenceClip(uri=f"{site.url}/low.wav", digest=digest_of(HIGH)))
    (state,) = await pod.serve(voice)
    assert state.reason == "DigestMismatch"
    assert digest_of(LOW) in state.message


async def test_private_addresses_need_leave(
    tmp_path: Path, backend: ToneBackend, site: Site
) -> None:
    async with running(tmp_path, backend, allow_private_addresses=False) as pod:
        (state,) = await pod.serve(placed("ana", ReferenceClip(uri=f"{site.url}/low.wav")))
        assert state.reason == "AddressForbidden"
        assert site.requests == []


async def test_claims_are_read_within_their_volume(
    pod: Pod, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = tmp_path / "claims" / "studio"
    (studio / "takes").mkdir(parents=True)
    (studio / "takes" / "one.wav").write_bytes(LOW)
    (studio / "way-out").symlink_to("/etc/hostname")
    (tmp_path / "claims" / "secret.wav").write_bytes(LOW)
    cloner = pod.http._transport.app.state.runtime.service.cloner  # type: ignore[attr-defined]
    monkeypatch.setattr(cloner._sources, "_claims", tmp_path / "claims")

    def on_claim(name: str, path: str, voice: str) -> VoiceEntry:
        return placed(voice, ReferenceClip(claim=ClaimFile(name=name, path=path)))

    states = await pod.serve(
        on_claim("studio", "takes/one.wav", "ana"),
        on_claim("studio", "takes/two.wav", "gone"),
        on_claim("studio", "../secret.wav", "out"),
        on_claim("studio", "way-out", "linked"),
        on_claim("attic", "one.wav", "unmounted"),
    )
    assert [each.reason for each in states] == [
        "", "FileNotFound", "FileNotFound", "FileNotFound", "ClaimNotMounted",
    ]  # fmt: skip


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


STRANGERS: dict[str, Callable[[], str]] = {
    "no token": str,
    "somebody else's": lambda: signed(new_key(), claims(LOW), typ="voice-audio+jwt"),
    "of a manifest": lambda: signed(KEY, claims(LOW)),
    "of other audio": lambda: signed(KEY, claims(HIGH), typ="voice-audio+jwt"),
    "expired": lambda: signed(KEY, claims(LOW, exp=1), typ="voice-audio+jwt"),
}


@pytest.mark.parametrize("who", STRANGERS)
async def test_audio_is_taken_from_the_operator_only(pod: Pod, who: str) -> None:
    await pod.send(handed("ana", LOW))
    headers = {"Authorization": f"Bearer {STRANGERS[who]()}"}
    answer = await pod.http.post(VOICE_AUDIO_PATH, headers=headers, content=LOW)
    assert answer.status_code == 401
    assert (await pod.send(handed("ana", LOW))).wanted == (digest_of(LOW),)


async def test_a_token_for_audio_changes_no_voices(pod: Pod) -> None:
    body = VoiceManifest().to_json().encode()
    token = signed(KEY, claims(body, 9), typ="voice-audio+jwt")
    headers = {"Authorization": f"Bearer {token}"}
    answer = await pod.http.post(VOICE_SYNC_PATH, headers=headers, content=body)
    assert answer.status_code == 401


async def test_audio_beyond_the_bound_is_not_read(pod: Pod) -> None:
    answer = await pod.hand_over(bytes(2**20 + 1))
    assert answer.status_code == 413


def test_rates() -> None:
    assert RATE == SAMPLE_RATE, "the tests' clips need no resampling"

"""Voices that change while the process runs: whose word counts, and who hears of it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from speaker_runtime.contract import (
    MOST_VOICES_BYTES,
    VOICE_SYNC_PATH,
    ModelConfig,
    RuntimeConfig,
    SyncReport,
    VoiceEntry,
    VoiceManifest,
    VoiceSyncConfig,
)
from speaker_runtime.engine.engine import Engine
from speaker_runtime.engine.scheduler import Bounds
from speaker_runtime.engine.state import Phase
from speaker_runtime.http.app import create_app
from tests.support.before import contract_before
from tests.support.figures import RecordFigure
from tests.support.runtime import eventually
from tests.support.syncing import claims, new_key, order, signed, sync_config
from tests.support.tone import ToneBackend, copies

WITHIN = 5.0
SWAP_GOAL = 0.1
KEY = new_key()


def manifest(*names: str, preset: str = "low", aliases: tuple[str, ...] = ()) -> VoiceManifest:
    return VoiceManifest(
        voices=tuple(VoiceEntry(name=each, preset=preset, aliases=aliases) for each in names)
    )


STARTED_WITH = manifest("ana")
OTHER = manifest("ben", aliases=("storyteller",))
BODY = OTHER.to_json().encode()


@asynccontextmanager
async def serving(
    sync: VoiceSyncConfig | None, backend: ToneBackend
) -> AsyncIterator[httpx2.AsyncClient]:
    config = RuntimeConfig(
        service="test",
        backend="hibari",
        model=ModelConfig(source="package://hibari-tts", directory=Path("nowhere")),
        voice_sync=sync,
    )
    make, places = copies(backend)
    engine = Engine(make, places, bounds=Bounds(config.serving.max_queue_seconds))
    app = create_app(config, STARTED_WITH, engine)
    async with app.router.lifespan_context(app):
        eventually(lambda: engine.state.phase is Phase.READY, within=WITHIN, what="readiness")
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            yield client
        backend.release()


@pytest.fixture
def backend() -> ToneBackend:
    return ToneBackend()


@pytest.fixture
async def http(backend: ToneBackend) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(sync_config(KEY), backend) as client:
        yield client


async def send(
    http: httpx2.AsyncClient, voices: VoiceManifest, revision: int, key: OKPKey = KEY
) -> httpx2.Response:
    headers, body = order(key, voices, revision)
    return await http.post(VOICE_SYNC_PATH, headers=headers, content=body)


async def declared(http: httpx2.AsyncClient) -> set[str]:
    listed = (await http.get("/v1/audio/voices")).json()["voices"]
    return {each["id"] for each in listed} - {"low", "high"}


async def speak(http: httpx2.AsyncClient, voice: str, text: str = "One.") -> httpx2.Response:
    body = {"model": "tts-1", "voice": voice, "input": text, "response_format": "pcm"}
    return await http.post("/v1/audio/speech", json=body)


async def test_the_voices_become_those_of_the_manifest(http: httpx2.AsyncClient) -> None:
    answer = await send(http, OTHER, 1)
    report = SyncReport.model_validate_json(answer.content)
    assert report.digest == OTHER.digest
    assert [(each.name, each.state) for each in report.voices] == [("ben", "ready")]
    assert await declared(http) == {"ben"}
    assert (await speak(http, "storyteller")).status_code == 200
    assert (await speak(http, "ana")).json()["error"]["code"] == "voice_not_found"


async def test_a_voice_that_cannot_speak_is_told_with_the_reason(http: httpx2.AsyncClient) -> None:
    answer = await send(http, manifest("ben", preset="nobody"), 1)
    (voice,) = SyncReport.model_validate_json(answer.content).voices
    assert voice.state == "failed"
    assert "no preset 'nobody'" in voice.message
    before = contract_before().SyncReport.model_validate_json(answer.content)
    assert before.voices[0].message == voice.message, "an operator of version 0.1 understands it"


async def test_the_same_manifest_again_changes_nothing(http: httpx2.AsyncClient) -> None:
    answers = [await send(http, STARTED_WITH, 3), await send(http, STARTED_WITH, 3)]
    assert [each.status_code for each in answers] == [200, 200]
    counted = (await http.get("/metrics")).text
    assert 'tts_voice_syncs_total{model="hibari",result="unchanged"} 2.0' in counted


@pytest.mark.parametrize("revision", [1, 4, 5], ids=["first", "before", "same"])
async def test_another_manifest_that_is_not_newer_is_refused(
    http: httpx2.AsyncClient, revision: int
) -> None:
    await send(http, OTHER, 5)
    answer = await send(http, manifest("cleo"), revision)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "voices_outdated")
    assert await declared(http) == {"ben"}


NOW = int(time.time())
TOKENS: dict[str, tuple[Callable[[], str], str]] = {
    "no token": (lambda: "", "is missing"),
    "no JWT": (lambda: "abc", "not signed by the operator"),
    "no UTF-8": (lambda: "e30.é.e30", "not signed by the operator"),
    "another key": (lambda: signed(new_key(), claims(BODY)), "not signed by the operator"),
    "no signature": (
        lambda: "eyJhbGciOiJub25lIn0." + signed(KEY, claims(BODY)).split(".")[1] + ".",
        "not signed by the operator",
    ),
    "public key as a secret": (
        lambda: jwt.encode(
            {"alg": "HS256"}, claims(BODY), OctKey.import_key(sync_config(KEY).public_key)
        ),
        "not signed by the operator",
    ),
    "another type": (lambda: signed(KEY, claims(BODY), typ="JWT"), "its type"),
    "another service": (lambda: signed(KEY, claims(BODY, aud="other")), "another service"),
    "another issuer": (lambda: signed(KEY, claims(BODY, iss="me")), "claims do not fit: iss"),
    "another manifest": (lambda: signed(KEY, claims(b"{}")), "another manifest"),
    "expired": (lambda: signed(KEY, claims(BODY, exp=NOW - 31)), "expired"),
    "from the future": (lambda: signed(KEY, claims(BODY, iat=NOW + 3600)), "from the future"),
    "no revision": (
        lambda: signed(KEY, claims(BODY) | {"revision": 0}),
        "claims do not fit: revision",
    ),
    "no expiry": (lambda: signed(KEY, claims(BODY, exp=None)), "claims do not fit: exp"),
}


@pytest.mark.parametrize("token", TOKENS)
async def test_nobody_else_can_change_the_voices(http: httpx2.AsyncClient, token: str) -> None:
    make, words = TOKENS[token]
    headers = {b"Authorization": f"Bearer {make()}".encode()}
    answer = await http.post(VOICE_SYNC_PATH, headers=headers, content=BODY)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (401, "sync_unauthorized")
    assert words in error["message"]
    assert await declared(http) == {"ana"}
    counted = (await http.get("/metrics")).text
    assert 'tts_voice_syncs_total{model="hibari",result="refused"} 1.0' in counted
    assert 'tts_errors_total{code="sync_unauthorized",model="hibari"} 1.0' in counted


MANIFESTS = {
    "no JSON": (b"{", "Invalid JSON"),
    "a voice without a preset": (
        b'{"voices": [{"name": "ben"}]}',
        "voices.0: Value error, a voice has one of",
    ),
    "a field of another version": (b'{"moods": []}', "moods"),
    "a voice twice": (manifest("ben", "ben").to_json().encode(), "names twice: ben"),
}


@pytest.mark.parametrize("wrong", MANIFESTS)
async def test_a_manifest_that_does_not_fit_is_refused(
    http: httpx2.AsyncClient, wrong: str
) -> None:
    body, words = MANIFESTS[wrong]
    headers = {"Authorization": f"Bearer {signed(KEY, claims(body))}"}
    answer = await http.post(VOICE_SYNC_PATH, headers=headers, content=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "invalid_value")
    assert words in error["message"]
    assert (await send(http, OTHER, 1)).status_code == 200, "its revision was not taken"


async def test_without_an_operator_there_is_no_such_path(backend: ToneBackend) -> None:
    async with serving(None, backend) as http:
        answer = await send(http, OTHER, 1)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "path_not_found")


async def test_the_path_is_no_part_of_the_described_api(http: httpx2.AsyncClient) -> None:
    assert VOICE_SYNC_PATH not in (await http.get("/openapi.json")).json()["paths"]


async def test_a_request_that_began_with_a_voice_ends_with_it(
    http: httpx2.AsyncClient, backend: ToneBackend
) -> None:
    whole = (await speak(http, "ana", "Two words.")).content
    backend.hold()
    running = asyncio.create_task(speak(http, "ana", "Two words.x"))
    await asyncio.to_thread(eventually, lambda: backend.held, within=WITHIN, what="a running step")
    await send(http, OTHER, 1)
    backend.release()
    answer = await running
    assert answer.status_code == 200
    assert len(answer.content) > len(whole)
    assert (await speak(http, "ana")).status_code == 400


async def test_requests_do_not_fail_while_voices_change(http: httpx2.AsyncClient) -> None:
    async def talk() -> list[int]:
        return [(await speak(http, "ana", f"Text {number}.")).status_code for number in range(20)]

    async def change() -> list[int]:
        return [
            (await send(http, manifest("ana", f"guest-{number}"), number)).status_code
            for number in range(1, 41)
        ]

    *spoken, changed = await asyncio.gather(*(talk() for _ in range(4)), change())
    assert {code for codes in spoken for code in codes} == {200}
    assert set(changed) == {200}
    assert await declared(http) == {"ana", "guest-40"}


def many(number: int) -> VoiceManifest:
    return VoiceManifest(
        voices=tuple(
            VoiceEntry(
                name=f"voice-{index}",
                display_name=f"Voice number {index}",
                description="Warm and calm, for long texts. " * 4,
                languages=("en-GB", "en-US"),
                gender="female",
                preset="low",
                aliases=(f"first-{index}", f"second-{index}"),
            )
            for index in range(number)
        )
    )


async def test_500_voices_are_changed_at_once(
    http: httpx2.AsyncClient, record_figure: RecordFigure
) -> None:
    took = []
    for revision in range(1, 6):
        headers, body = order(KEY, many(500 - revision % 2), revision)
        began = time.perf_counter()
        answer = await http.post(VOICE_SYNC_PATH, headers=headers, content=body)
        took.append(time.perf_counter() - began)
        assert len(SyncReport.model_validate_json(answer.content).voices) >= 499
    record_figure("500 voices changed in a process", median(took) * 1000, "ms", goal="< 100")
    assert median(took) < SWAP_GOAL


async def test_a_manifest_is_as_long_as_a_config_map_at_most(http: httpx2.AsyncClient) -> None:
    answer = await http.post(VOICE_SYNC_PATH, content=b" " * (MOST_VOICES_BYTES + 1))
    assert answer.json()["error"]["code"] == "body_too_large"
    voices = many(900)
    assert len(voices.to_json()) > 300_000, "longer than any request for speech"
    assert (await send(http, voices, 1)).status_code == 200

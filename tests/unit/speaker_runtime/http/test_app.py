"""The application in process, over a backend that hums and can be held."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from speaker_runtime.contract import ModelConfig, RuntimeConfig, ServingConfig, VoiceManifest
from speaker_runtime.engine.engine import Engine
from speaker_runtime.engine.scheduler import Bounds
from speaker_runtime.engine.state import Phase
from speaker_runtime.http.app import create_app
from tests.support.runtime import eventually
from tests.support.tone import ToneBackend, copies

WITHIN = 5.0
CONFIG = RuntimeConfig(
    service="test",
    backend="hibari",
    model=ModelConfig(source="package://hibari-tts", directory=Path("nowhere")),
    serving=ServingConfig(max_queue_seconds=1),
)


@pytest.fixture
def backend() -> ToneBackend:
    return ToneBackend(max_streams=1)


@pytest.fixture
def engine(backend: ToneBackend) -> Engine:
    make, places = copies(backend)
    return Engine(make, places, bounds=Bounds(CONFIG.serving.max_queue_seconds))


@pytest.fixture
async def http(backend: ToneBackend, engine: Engine) -> AsyncIterator[httpx2.AsyncClient]:
    app = create_app(CONFIG, VoiceManifest(), engine)
    async with app.router.lifespan_context(app):
        eventually(lambda: engine.state.phase is Phase.READY, within=WITHIN, what="readiness")
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), base_url="http://test"
        ) as client:
            yield client
        backend.release()


def body(text: str, **more: object) -> dict[str, object]:
    return {"model": "tts-1", "voice": "low", "input": text, **more}


async def busy(engine: Engine, running: int, waiting: int) -> None:
    """Wait until so much is going on, while the loop goes on, too."""

    def is_so() -> bool:
        load = engine.load
        return (load.running, load.waiting) == (running, waiting)

    await asyncio.to_thread(eventually, is_so, within=WITHIN, what=f"{running} and {waiting}")


async def test_too_much_waiting_is_refused_with_a_time_to_come_back(
    backend: ToneBackend, engine: Engine, http: httpx2.AsyncClient
) -> None:
    backend.hold()
    first = asyncio.create_task(http.post("/v1/audio/speech", json=body("One.")))
    await busy(engine, running=1, waiting=0)
    second = asyncio.create_task(http.post("/v1/audio/speech", json=body("Two.")))
    await busy(engine, running=1, waiting=1)
    refused = await http.post("/v1/audio/speech", json=body("x" * 30))
    backend.release()
    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "overloaded"
    assert int(refused.headers["retry-after"]) >= 1
    assert (await first).status_code == (await second).status_code == 200


async def test_a_failure_half_way_is_the_last_event(http: httpx2.AsyncClient) -> None:
    answer = await http.post(
        "/v1/audio/speech",
        json=body("One is fine. Two is broken!", stream_format="sse", response_format="pcm"),
    )
    events = [json.loads(line.removeprefix("data: ")) for line in answer.text.splitlines() if line]
    assert [event["type"] for event in events] == ["speech.audio.delta", "error"]
    assert events[-1]["error"]["code"] == "speech_failed"


async def test_a_failure_before_the_first_audio_has_its_status(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/v1/audio/speech", json=body("Broken!"))
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "speech_failed"


async def test_a_model_that_failed_is_live_but_not_ready() -> None:
    make, places = copies(ToneBackend(load_error=RuntimeError("no weights")))
    engine = Engine(make, places, bounds=Bounds(1))
    app = create_app(CONFIG, VoiceManifest(), engine)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test") as client,
    ):
        engine.wait()
        live, ready = await client.get("/health/live"), await client.get("/health/ready")
        spoken = await client.post("/v1/audio/speech", json=body("Hello."))
        status = (await client.get("/status")).json()
    assert live.status_code == 200
    assert (ready.status_code, ready.json()["phase"]) == (503, "failed")
    assert ready.json()["reason"] == status["reason"] == "no weights"
    assert spoken.json()["error"]["code"] == "model_not_ready"

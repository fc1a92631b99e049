"""One session over a humming backend, at the ends of its limits."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from speaker_runtime.contract import ModelConfig, RuntimeConfig, ServingConfig, VoiceManifest
from speaker_runtime.engine.engine import Engine
from speaker_runtime.engine.scheduler import Bounds
from speaker_runtime.engine.state import Phase
from speaker_runtime.errors import SpeechError
from speaker_runtime.http.app import create_app
from speaker_runtime.http.stream.conversation import Conversation, Limits
from tests.support.runtime import eventually
from tests.support.tone import ToneBackend, copies

WITHIN = 5.0
SHORT = 0.05
CONFIG = RuntimeConfig(
    service="test",
    backend="hibari",
    model=ModelConfig(source="package://hibari-tts", directory=Path("nowhere")),
    serving=ServingConfig(max_queue_seconds=1),
)


class Wire:
    """The client's end of an accepted socket."""

    def __init__(self, app: FastAPI) -> None:
        self.events: list[dict[str, Any]] = []
        self.audio = 0
        self.reads = asyncio.Event()
        self.reads.set()
        self._inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        scope = {"type": "websocket", "headers": [], "client": ("test", 1), "app": app}
        self.socket = WebSocket(scope, self._inbox.get, self._sent)
        self.socket.client_state = self.socket.application_state = WebSocketState.CONNECTED

    def say(self, kind: str, **fields: object) -> None:
        text = json.dumps({"type": kind, **fields})
        self._inbox.put_nowait({"type": "websocket.receive", "text": text})

    def start(self, **fields: object) -> None:
        self.say("start", **{"model": "tts-1", "voice": "low", **fields})

    def leave(self) -> None:
        self._inbox.put_nowait({"type": "websocket.disconnect", "code": 1006})

    async def saw(self, kind: str) -> dict[str, Any]:
        """The first event of a type, once it is there."""

        def find() -> dict[str, Any] | None:
            return next((event for event in self.events if event["type"] == kind), None)

        return await asyncio.to_thread(eventually, find, within=WITHIN, what=kind)

    async def _sent(self, message: Any) -> None:
        await self.reads.wait()
        if message.get("text"):
            self.events.append(json.loads(message["text"]))
        else:
            self.audio += len(message["bytes"])


@pytest.fixture
def backend() -> ToneBackend:
    return ToneBackend(max_streams=1)


@pytest.fixture
def engine(backend: ToneBackend) -> Engine:
    make, places = copies(backend)
    return Engine(make, places, bounds=Bounds(1))


@pytest.fixture
async def app(backend: ToneBackend, engine: Engine) -> AsyncIterator[FastAPI]:
    app = create_app(CONFIG, VoiceManifest(), engine)
    async with app.router.lifespan_context(app):
        eventually(lambda: engine.state.phase is Phase.READY, within=WITHIN, what="readiness")
        yield app
        backend.release()


def converse(app: FastAPI, wire: Wire, limits: Limits) -> asyncio.Task[None]:
    conversation = Conversation(wire.socket, app.state.runtime, "session", limits)
    return asyncio.create_task(conversation.run())


async def busy(engine: Engine, waiting: int) -> None:
    """Wait until one request runs and so many wait, while the loop goes on, too."""

    def is_so() -> bool:
        return (engine.load.running, engine.load.waiting) == (1, waiting)

    await asyncio.to_thread(eventually, is_so, within=WITHIN, what=f"1 and {waiting}")


async def idle(engine: Engine) -> None:
    """Wait until nothing runs or waits."""

    def is_so() -> bool:
        return (engine.load.running, engine.load.waiting) == (0, 0)

    await asyncio.to_thread(eventually, is_so, within=WITHIN, what="an idle engine")


async def test_silence_ends_a_session(app: FastAPI) -> None:
    wire = Wire(app)
    wire.start()
    with pytest.raises(SpeechError, match="No message came") as ended:
        await converse(app, wire, Limits(idle_seconds=SHORT))
    assert ended.value.code == "session_ended"


async def test_a_connection_that_never_starts_is_ended(app: FastAPI) -> None:
    with pytest.raises(SpeechError, match="No message came"):
        await converse(app, Wire(app), Limits(idle_seconds=SHORT))


async def test_who_is_spoken_to_may_be_silent(app: FastAPI, backend: ToneBackend) -> None:
    wire = Wire(app)
    backend.hold()
    wire.start()
    wire.say("text", text="One.\n")
    session = converse(app, wire, Limits(idle_seconds=SHORT))
    await asyncio.wait((session,), timeout=4 * SHORT)
    assert not session.done()
    backend.release()
    with pytest.raises(SpeechError, match="No message came"):
        await session
    assert [event["type"] for event in wire.events] == ["started", "sentence", "sentence_done"]


async def test_no_session_lasts_for_ever(app: FastAPI) -> None:
    wire = Wire(app)
    wire.start()
    with pytest.raises(SpeechError, match="has lasted"):
        await converse(app, wire, Limits(session_seconds=SHORT))


async def test_a_client_that_reads_nothing_is_given_up(
    app: FastAPI, backend: ToneBackend, engine: Engine
) -> None:
    wire = Wire(app)
    backend.hold()
    wire.start()
    wire.say("text", text="One.\n")
    session = converse(app, wire, Limits(send_seconds=SHORT))
    await wire.saw("started")
    wire.reads.clear()
    backend.release()
    with pytest.raises(TimeoutError):
        await session
    await idle(engine)


async def test_cancel_does_not_wait_for_the_models_step(
    app: FastAPI, backend: ToneBackend, engine: Engine
) -> None:
    wire = Wire(app)
    backend.hold()
    wire.start()
    wire.say("text", text="One.\nTwo.\n")
    session = converse(app, wire, Limits())
    await busy(engine, waiting=0)
    wire.say("cancel")
    assert (await wire.saw("cancelled"))["generation"] == 1
    backend.release()
    wire.say("text", text="Three.\n")
    wire.say("end")
    await session
    spoken = [event["text"] for event in wire.events if event["type"] == "sentence"]
    assert spoken == ["Three."]


async def test_a_full_service_is_told_and_the_session_goes_on(
    app: FastAPI, backend: ToneBackend, engine: Engine
) -> None:
    backend.hold()
    others = [Wire(app), Wire(app)]
    sessions = []
    for waiting, other in enumerate(others):
        other.start()
        other.say("text", text=f"{waiting} is spoken first.\n")
        sessions.append(converse(app, other, Limits()))
        await busy(engine, waiting=waiting)
    wire = Wire(app)
    wire.start()
    wire.say("text", text="One that is too long for it.\n")
    session = converse(app, wire, Limits())
    refused = await wire.saw("error")
    assert (refused["error"]["code"], refused["index"]) == ("overloaded", 0)
    assert refused["final"] is False
    assert refused["retry_after"] >= 1
    backend.release()
    await idle(engine)
    wire.say("text", text="Two.\n")
    wire.say("end")
    await session
    assert (await wire.saw("sentence"))["text"] == "Two."
    for other in others:
        other.leave()
    gone = await asyncio.gather(*sessions, return_exceptions=True)
    assert [type(error) for error in gone] == [WebSocketDisconnect] * 2


async def test_a_model_that_fails_is_told_and_the_session_goes_on(app: FastAPI) -> None:
    wire = Wire(app)
    wire.start()
    wire.say("text", text="Broken!\nFine?\n")
    wire.say("end")
    await converse(app, wire, Limits())
    assert (await wire.saw("error"))["error"]["code"] == "speech_failed"
    assert (await wire.saw("sentence_done"))["index"] == 1


async def test_text_without_an_end_is_spoken_all_the_same(app: FastAPI) -> None:
    wire = Wire(app)
    wire.start()
    wire.say("text", text="word " * 30)
    session = converse(app, wire, Limits(sentence_characters=50))
    assert (await wire.saw("sentence"))["text"].endswith("word")
    wire.say("end")
    await session


async def test_nothing_old_follows_a_cancel(
    app: FastAPI, backend: ToneBackend, engine: Engine
) -> None:
    wire = Wire(app)
    wire.start()
    session = converse(app, wire, Limits())
    await wire.saw("started")
    wire.reads.clear()
    wire.say("text", text="One.\nTwo that cannot # be read.\n")
    wire.say("flush")
    wire.say("cancel")
    await idle(engine)
    wire.reads.set()
    wire.say("end")
    await session
    kinds = [event["type"] for event in wire.events]
    assert kinds[kinds.index("cancelled") :] == ["cancelled", "done"]


async def test_a_cancel_does_not_keep_a_session_in_a_process_that_ends(
    app: FastAPI, backend: ToneBackend, engine: Engine
) -> None:
    wire = Wire(app)
    backend.hold()
    wire.start()
    wire.say("text", text="One.\nTwo.\n")
    session = converse(app, wire, Limits())
    await busy(engine, waiting=0)
    await app.state.runtime.service.drain(SHORT)
    wire.say("cancel")
    with pytest.raises(SpeechError) as ended:
        await session
    assert ended.value.code == "shutting_down"


async def test_a_model_that_is_not_ready_ends_the_session() -> None:
    make, places = copies(ToneBackend(load_error=RuntimeError("no weights")))
    engine = Engine(make, places, bounds=Bounds(1))
    app = create_app(CONFIG, VoiceManifest(), engine)
    async with app.router.lifespan_context(app):
        engine.wait()
        wire = Wire(app)
        wire.start()
        with pytest.raises(SpeechError) as ended:
            await converse(app, wire, Limits())
    assert ended.value.code == "model_not_ready"

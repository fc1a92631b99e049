"""The WebSocket: text in pieces, speech out."""

import asyncio
import contextlib
import signal
import statistics
import time
from pathlib import Path

import httpx2
import pytest
from websockets.exceptions import InvalidStatus

from speaker_runtime.contract import ServingConfig
from speaker_runtime.http.routes.stream import MAX_SESSIONS
from tests.support.audio import decode, decode_pcm
from tests.support.figures import RecordFigure
from tests.support.runtime import RuntimeProcess, eventually, serving
from tests.support.talk import Talk, talking
from tests.support.tone import ToneBackend
from tests.support.tone_server import tone_server

pytestmark = pytest.mark.timeout(120)

FREED_WITHIN = 10.0
SENTENCE = "The quick brown fox jumps over the lazy dog."
TEXT = f"{SENTENCE} Was it a fox? It was. 1, 2, 3!"
LONG_TEXT = " ".join(f"This is sentence number {number} of a long text." for number in range(400))
FORMATS = ["mp3", "opus", "aac", "flac", "wav"]
RUNS = 15
NOISE = 0.1


def tokens(text: str, size: int = 3) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def running(runtime: RuntimeProcess) -> int:
    return int(httpx2.get(f"{runtime.url}/status").json()["queue"]["running"])


async def post(runtime: RuntimeProcess, text: str, **more: object) -> bytes:
    order = {"model": "tts-1", "voice": "alloy", "input": text, "response_format": "pcm", **more}
    async with httpx2.AsyncClient(timeout=60) as http:
        return (await http.post(f"{runtime.url}/v1/audio/speech", json=order)).content


async def test_tokens_become_sentences_and_audio(runtime: RuntimeProcess) -> None:
    async with talking(runtime.url) as talk:
        started = await talk.start()
        assert started["type"] == "started"
        assert (started["content_type"], started["sample_rate"]) == ("audio/pcm", 24_000)
        await talk.say(*tokens(TEXT))
        await talk.send("end")
        heard = await talk.until("done")
    assert heard.texts == [SENTENCE, "Was it a fox?", "It was.", "1, 2, 3!"]
    assert heard.all_audio == b"".join([await post(runtime, text) for text in heard.texts])
    assert talk.socket.close_code == 1000


async def test_times_tell_where_each_sentence_is_heard(runtime: RuntimeProcess) -> None:
    async with talking(runtime.url) as talk:
        await talk.start()
        await talk.say(TEXT)
        await talk.send("end")
        heard = await talk.until("done")
    place = 0.0
    for done in heard.of("sentence_done"):
        assert done["start"] == pytest.approx(place, abs=0.002)
        place += decode_pcm(heard.audio[done["index"]]).seconds
        assert done["end"] == pytest.approx(place, abs=0.002)
    done = heard.of("done")[0]
    assert done["audio_seconds"] == pytest.approx(place, abs=0.002)
    assert done["usage"]["total_tokens"] > 20 * place


async def test_a_sentence_is_spoken_before_the_next_one_is_complete(
    runtime: RuntimeProcess,
) -> None:
    async with talking(runtime.url) as talk:
        await talk.start()
        await talk.say("First this. ", "Then")
        assert (await talk.until("sentence_done")).texts == ["First this."]


async def test_flush_speaks_what_is_there(runtime: RuntimeProcess) -> None:
    async with talking(runtime.url) as talk:
        await talk.start()
        await talk.say("Well, let me")
        await talk.send("flush")
        assert (await talk.until("flushed")).texts == ["Well, let me"]
        await talk.say(" see.")
        await talk.send("flush")
        assert (await talk.until("flushed")).texts == ["see."]


async def test_cancel_drops_what_is_not_sent(
    runtime: RuntimeProcess, record_figure: RecordFigure
) -> None:
    async with talking(runtime.url) as talk:
        await talk.start()
        await talk.say(LONG_TEXT)
        await talk.first_audio()
        began = time.perf_counter()
        await talk.send("cancel")
        old = await talk.until("cancelled")
        record_figure("cancel of a session", (time.perf_counter() - began) * 1000, "ms")
        assert old.events[-1]["generation"] == 1
        assert len(old.of("sentence")) < 300
        await talk.say("Something else.")
        await talk.send("end")
        new = await talk.until("done")
    assert new.texts == ["Something else."]
    assert {event["generation"] for event in new.of("sentence")} == {1}
    assert new.of("sentence")[0]["start"] == 0
    assert new.all_audio == await post(runtime, "Something else.")


async def test_cancel_after_the_end_still_ends(runtime: RuntimeProcess) -> None:
    async with talking(runtime.url) as talk:
        await talk.start()
        await talk.say(LONG_TEXT)
        await talk.send("end")
        await talk.send("cancel")
        assert (await talk.until("done")).of("cancelled")


@pytest.mark.parametrize("audio_format", FORMATS)
async def test_each_sentence_is_a_whole_file(runtime: RuntimeProcess, audio_format: str) -> None:
    async with talking(runtime.url) as talk:
        await talk.start(response_format=audio_format)
        await talk.say(TEXT)
        await talk.send("end")
        heard = await talk.until("done")
    for done in heard.of("sentence_done"):
        whole = decode(heard.audio[done["index"]])
        assert whole.seconds == pytest.approx(done["end"] - done["start"], abs=0.15)


async def test_settings_are_those_of_a_request(runtime: RuntimeProcess) -> None:
    settings = {"speed": 2.0, "seed": 7, "language": "en-US", "normalize": False}
    async with talking(runtime.url) as talk:
        await talk.start(**settings, voice={"id": "heart"}, priority="interactive", deadline=30)
        await talk.say(SENTENCE)
        await talk.send("end")
        heard = await talk.until("done")
    assert heard.all_audio == await post(runtime, SENTENCE, voice="heart", **settings)


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"voice": "anna"}, "voice_not_found", "voice"),
        ({"model": "tts-2"}, "model_not_found", "model"),
        ({"speed": 9}, "invalid_value", "speed"),
        ({"vioce": "ana"}, "unknown_parameter", "vioce"),
        ({"input": "Hello"}, "unknown_parameter", "input"),
        ({"ssml": "strict"}, "unknown_parameter", "ssml"),
        ({"response_format": "midi"}, "invalid_value", "response_format"),
    ],
)
async def test_a_wrong_start_ends_the_session(
    runtime: RuntimeProcess, change: dict[str, object], code: str, param: str
) -> None:
    async with talking(runtime.url) as talk:
        refused = await talk.start(**change)
        await talk.socket.wait_closed()
    assert refused["type"] == "error"
    assert refused["final"] is True
    assert (refused["error"]["code"], refused["error"]["param"]) == (code, param)
    assert refused["error"]["suggestion"]
    assert talk.socket.close_code == 1008


async def test_text_before_the_start_ends_the_session(runtime: RuntimeProcess) -> None:
    async with talking(runtime.url) as talk:
        await talk.say("Hello.")
        refused = (await talk.until("error")).events[-1]
    assert (refused["error"]["code"], refused["error"]["param"]) == ("invalid_value", "type")


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", "invalid_json"),
        ("[]", "invalid_json"),
        ("[" * 50_000, "invalid_json"),
        (b"\x00\x01", "invalid_json"),
        ("{}", "missing_required_parameter"),
        ('{"type": "shout"}', "invalid_value"),
        ('{"type": 7}', "invalid_value"),
        ('{"type": "text"}', "missing_required_parameter"),
        ('{"type": "text", "text": 7}', "invalid_type"),
        ('{"type": "text", "text": "a", "more": 1}', "unknown_parameter"),
        ('{"type": "text", "text": "\\ude00"}', "invalid_type"),
        ('{"type": "start", "model": "tts-1", "voice": "alloy"}', "invalid_value"),
    ],
)
async def test_a_malformed_message_is_refused_and_the_session_goes_on(
    runtime: RuntimeProcess, message: str | bytes, code: str
) -> None:
    async with talking(runtime.url) as talk:
        await talk.start()
        await talk.socket.send(message)
        refused = (await talk.until("error")).events[-1]
        assert (refused["error"]["code"], refused["final"]) == (code, False)
        await talk.say("Hello.")
        await talk.send("end")
        assert (await talk.until("done")).texts == ["Hello."]


async def test_a_sentence_that_cannot_be_read_is_told_and_passed_over(
    runtime: RuntimeProcess,
) -> None:
    async with talking(runtime.url) as talk:
        await talk.start()
        await talk.say("One. ", "日本語です。 ", "Two.")
        await talk.send("end")
        heard = await talk.until("done")
    assert heard.texts == ["One.", "Two."]
    (refused,) = heard.of("error")
    assert (refused["index"], refused["error"]["code"]) == (1, "text_not_speakable")


async def test_a_character_split_between_tokens_is_whole(runtime: RuntimeProcess) -> None:
    async with talking(runtime.url) as talk:
        await talk.start()
        await talk.say("Nice \ud83d", "\ude00 day, caf", "e\u0301", "s!")
        await talk.send("end")
        assert (await talk.until("done")).texts == ["Nice 😀 day, cafe\u0301s!"]


async def test_a_flood_of_tiny_tokens_is_spoken_whole(runtime: RuntimeProcess) -> None:
    text = LONG_TEXT[:3000].strip()
    async with talking(runtime.url) as talk:
        await talk.start()
        heard, _ = await asyncio.gather(talk.until("done"), _type(talk, text))
    assert " ".join(heard.texts) == text


async def _type(talk: Talk, text: str) -> None:
    await talk.say(*text)
    await talk.send("end")


async def test_a_message_that_is_too_long_is_refused(runtime: RuntimeProcess) -> None:
    async with talking(runtime.url) as talk:
        await talk.start()
        await talk.say("a" * 70_000)
        await talk.socket.wait_closed()
    assert talk.socket.close_code == 1009


async def test_a_client_that_goes_frees_its_place(runtime: RuntimeProcess) -> None:
    async with talking(runtime.url) as talk:
        await talk.start()
        await talk.say(LONG_TEXT)
        await talk.first_audio()
        talk.socket.transport.abort()
    await asyncio.to_thread(
        eventually, lambda: running(runtime) == 0, within=FREED_WITHIN, what="no speech"
    )
    metrics = httpx2.get(f"{runtime.url}/metrics").text
    assert 'tts_stream_sessions{model="hibari"} 0.0' in metrics


async def test_the_log_tells_of_a_session_but_not_its_text(runtime: RuntimeProcess) -> None:
    async with talking(runtime.url) as talk:
        session = (await talk.start())["session"]
        await talk.say("A confidential sentence.")
        await talk.send("end")
        await talk.until("done")
        await talk.socket.wait_closed()
    line = await asyncio.to_thread(runtime.wait_line, lambda line: line.get("id") == session)
    assert (line["message"], line["code"]) == ("session", 1000)
    assert line["audio_seconds"] > 0.5
    assert not any("confidential" in str(line) for line in runtime.lines)


async def test_a_page_of_another_origin_is_not_let_in(runtime: RuntimeProcess) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with talking(runtime.url, Origin="https://elsewhere.example"):
            pass
    assert refused.value.response.status_code == 403
    async with talking(runtime.url, Origin=runtime.url) as talk:
        assert (await talk.start())["type"] == "started"


async def test_the_end_of_the_process_is_told(tmp_path: Path) -> None:
    with serving(tmp_path, ServingConfig()) as ending:
        async with talking(ending.url) as idle, talking(ending.url) as busy:
            await idle.start()
            await busy.start()
            await busy.say(LONG_TEXT)
            await busy.first_audio()
            ending.process.send_signal(signal.SIGTERM)
            for talk in (idle, busy):
                told = (await talk.until("error")).events[-1]
                assert (told["error"]["code"], told["final"]) == ("shutting_down", True)
                await talk.socket.wait_closed()
                assert talk.socket.close_code == 1012


async def test_the_first_audio_is_no_later_than_that_of_a_request(
    runtime: RuntimeProcess, record_figure: RecordFigure
) -> None:
    by_request, by_session = [], []
    order = {"model": "tts-1", "voice": "alloy", "input": SENTENCE, "response_format": "pcm"}
    anew = {"Cache-Control": "no-store"}
    async with (
        httpx2.AsyncClient(base_url=runtime.url, headers=anew) as http,
        talking(runtime.url, **anew) as talk,
    ):
        await talk.start()
        for _ in range(RUNS):
            began = time.perf_counter()
            async with http.stream("POST", "/v1/audio/speech", json=order) as answer:
                await anext(answer.aiter_raw())
                by_request.append(time.perf_counter() - began)
            began = time.perf_counter()
            await talk.say(f"{SENTENCE} ")
            await talk.send("flush")
            await talk.first_audio()
            by_session.append(time.perf_counter() - began)
            await talk.until("flushed")
    ratio = statistics.median(by_session) / statistics.median(by_request)
    record_figure("first audio of a session", statistics.median(by_session) * 1000, "ms")
    record_figure("first audio, session to request", ratio, "", goal="<= 1")
    assert ratio <= 1 + NOISE


async def test_sessions_are_bounded() -> None:
    async with contextlib.AsyncExitStack() as stack:
        with tone_server(ServingConfig(), ToneBackend()) as server:
            for _ in range(MAX_SESSIONS):
                await stack.enter_async_context(talking(server.url))
            with pytest.raises(InvalidStatus) as refused:
                await stack.enter_async_context(talking(server.url))
            assert refused.value.response.status_code == 503
            assert refused.value.response.headers["Retry-After"]
            assert b"overloaded" in (refused.value.response.body or b"")
            await stack.aclose()

"""How responses share one engine, and what becomes of one that is not read to its end."""

import asyncio
import socket
import time

import httpx2
import pytest

from tests.support.audio import decode, decode_pcm
from tests.support.figures import RecordFigure
from tests.support.runtime import RuntimeProcess, eventually

FREED_WITHIN = 10.0
SOCKET_TIMEOUT = 30.0
FIRST_AUDIO_GOAL = 1.0
SENTENCES = [f"This is sentence number {number} of a long text." for number in range(80)]
LONG_TEXT = " ".join(SENTENCES)
"""As WAV, far more than all buffers between the server and a client hold."""
TEXTS = (
    "The first client reads about ships. They sail at noon. Nobody waits for them.",
    "Another one wants numbers: 1, 2, 3 and 4. Then it wants 5 more. That is all.",
    "The third asks a question. Who was it? It was nobody at all, they said.",
)


def _body(text: str, **more: object) -> dict[str, object]:
    return {"model": "tts-1", "voice": "ana", "input": text, "response_format": "wav", **more}


def _raw_request(text: str, version: str) -> bytes:
    body = httpx2.Request("POST", "http://x/", json=_body(text)).content
    head = f"POST /v1/audio/speech HTTP/{version}\r\nHost: x\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _running(http: httpx2.Client) -> int:
    return int(http.get("/status").json()["queue"]["running"])


def test_the_first_audio_comes_long_before_the_last(
    http: httpx2.Client, record_figure: RecordFigure
) -> None:
    began = time.monotonic()
    with http.stream("POST", "/v1/audio/speech", json=_body(" ".join(SENTENCES[:30]))) as response:
        chunks = response.iter_raw()
        next(chunks)
        first = time.monotonic() - began
        rest = b"".join(chunks)
    whole = time.monotonic() - began
    record_figure("first audio of a long text", first, "s", goal=f"<= {FIRST_AUDIO_GOAL}")
    record_figure("all audio of a long text", whole, "s")
    assert len(rest) > 100_000
    assert first < min(FIRST_AUDIO_GOAL, whole / 2)


async def test_an_answer_is_the_same_alone_and_among_sixteen_others(
    runtime: RuntimeProcess,
) -> None:
    async with httpx2.AsyncClient(base_url=runtime.url, timeout=60) as http:

        async def speak(text: str, **more: object) -> bytes:
            answer = await http.post("/v1/audio/speech", json=_body(text, **more))
            assert answer.status_code == 200, answer.text
            return answer.content

        alone = [await speak(text) for text in TEXTS]
        others = (
            speak(f"Number {number} wants to be heard as well.", priority=priority, seed=number)
            for number, priority in enumerate(["interactive", "normal", "batch", "batch"] * 4)
        )
        together = await asyncio.gather(*(speak(text) for text in TEXTS), *others)
    assert together[: len(TEXTS)] == alone
    assert len(set(together)) == len(together)


async def test_the_process_answers_at_once_however_busy_the_model_is(
    runtime: RuntimeProcess, record_figure: RecordFigure
) -> None:
    async with httpx2.AsyncClient(base_url=runtime.url, timeout=60) as http:
        speaking = [
            asyncio.create_task(
                http.post("/v1/audio/speech", json=_body(LONG_TEXT[number:], priority="batch"))
            )
            for number in range(4)
        ]
        waits = []
        while not all(task.done() for task in speaking):
            began = time.monotonic()
            assert (await http.get("/health/live")).status_code == 200
            waits.append(time.monotonic() - began)
        assert {(await task).status_code for task in speaking} == {200}
    slow = sorted(waits)[int(0.99 * len(waits))]
    record_figure("liveness while the model is busy, p99", 1000 * slow, "ms", goal="< 50")


def test_a_client_that_goes_frees_its_place(http: httpx2.Client) -> None:
    with http.stream("POST", "/v1/audio/speech", json=_body(LONG_TEXT)) as response:
        next(response.iter_raw())
    eventually(
        lambda: _running(http) == 0, within=FREED_WITHIN, what="the abandoned request is dropped"
    )


def test_a_slow_reader_does_not_hold_up_the_others(
    runtime: RuntimeProcess, http: httpx2.Client
) -> None:
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.settimeout(SOCKET_TIMEOUT)
        slow.connect((runtime.host, runtime.port))
        slow.sendall(_raw_request(LONG_TEXT, "1.1"))
        assert slow.recv(16).startswith(b"HTTP/1.1 200")
        for text in TEXTS:
            answer = http.post("/v1/audio/speech", json=_body(text))
            assert decode(answer.content).seconds > 3
        assert _running(http) == 1
    eventually(lambda: _running(http) == 0, within=FREED_WITHIN, what="the slow reader is dropped")


def test_http_1_0_gets_the_whole_length(runtime: RuntimeProcess) -> None:
    with socket.create_connection((runtime.host, runtime.port), timeout=SOCKET_TIMEOUT) as client:
        client.sendall(_raw_request(TEXTS[0], "1.0"))
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}".encode() in head.lower()
    assert decode(body).seconds > 3


@pytest.mark.parametrize(
    "text",
    [
        "a" * 4096,
        "1" * 200,
        "1,2.3-4" * 40,
        "a-" * 300,
        "aB1_" * 80,
        "." * 4000 + "end",
        "(" * 4000 + "end",
        "[x](/y/)" * 100,
        "https://example.com/a/b?c=d&e=f#g " * 8,
        "word " * 200,
        "e\u0301" * 400,
    ],
    ids=lambda text: text[:8],
)
def test_text_without_sentences_is_spoken_all_the_same(http: httpx2.Client, text: str) -> None:
    answer = http.post("/v1/audio/speech", json=_body(text, response_format="pcm", speed=4))
    assert answer.status_code == 200, answer.text
    assert decode_pcm(answer.content).loudness > 0.005

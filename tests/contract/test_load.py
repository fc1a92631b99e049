"""Too much at once: who is served first, who is refused, and what a refused client is told."""

import asyncio
from collections.abc import Iterator

import httpx2
import pytest

from speaker_runtime.contract import ServingConfig
from tests.support.tone import ToneBackend
from tests.support.tone_server import ToneServer, tone_server

LIMITS = ServingConfig(max_queue_seconds=4, max_client_seconds=2)
SECONDS = "x" * 15
"""A text of a second and a half, as the queue counts it."""


@pytest.fixture
def server() -> Iterator[ToneServer]:
    """Speaks one request at a time, and is held in the middle of the first."""
    with tone_server(LIMITS, ToneBackend(max_streams=1)) as running:
        running.backend.hold()
        yield running


def body(text: str, **more: object) -> dict[str, object]:
    return {"model": "tts-1", "voice": "low", "input": text, "response_format": "pcm", **more}


async def speak(
    server: ToneServer, text: str, key: str = "some", **more: object
) -> httpx2.Response:
    async with httpx2.AsyncClient(base_url=server.url, timeout=30) as http:
        return await http.post(
            "/v1/audio/speech",
            json=body(text, **more),
            headers={"Authorization": f"Bearer {key}"},
        )


async def queued(
    server: ToneServer, text: str, waiting: int, key: str = "some", **more: object
) -> asyncio.Task[httpx2.Response]:
    """Ask for a text, and return once it is one of so many that wait."""
    asked = asyncio.create_task(speak(server, text, key, **more))
    await asyncio.to_thread(server.wait_busy, running=1, waiting=waiting)
    return asked


async def test_a_client_that_queues_too_much_is_told_when_to_come_back(server: ToneServer) -> None:
    tasks = [await queued(server, "One.", 0), await queued(server, SECONDS, 1)]
    refused = await speak(server, f"{SECONDS}.")
    other = await queued(server, f"{SECONDS}.", 2, key="another")
    server.backend.release()
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    assert int(refused.headers["retry-after"]) >= 1
    assert {answer.status_code for answer in await asyncio.gather(*tasks, other)} == {200}


async def test_a_service_that_is_full_says_so_to_everybody(server: ToneServer) -> None:
    tasks = [
        await queued(server, "One.", 0),
        await queued(server, SECONDS, 1, key="1"),
        await queued(server, f"{SECONDS}.", 2, key="2"),
    ]
    refused = await speak(server, SECONDS * 2, key="3")
    server.backend.release()
    await asyncio.gather(*tasks)
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "overloaded")


async def test_the_urgent_is_spoken_before_what_came_earlier(server: ToneServer) -> None:
    tasks = [
        await queued(server, "One.", 0),
        await queued(server, "Batch.", 1, priority="batch"),
        await queued(server, "Normal.", 2, key="2"),
        await queued(server, "Interactive.", 3, key="3", priority="interactive"),
    ]
    async with httpx2.AsyncClient(base_url=server.url) as http:
        waiting = (await http.get("/status")).json()["queue"]["requests"]
    server.backend.release()
    await asyncio.gather(*tasks)
    assert [(each["position"], each["priority"]) for each in waiting] == [
        (1, "interactive"),
        (2, "normal"),
        (3, "batch"),
    ]
    assert server.backend.steps[-3:] == [["Interactive."], ["Normal."], ["Batch."]]


async def test_what_is_given_up_is_not_spoken_and_counted(server: ToneServer) -> None:
    first = await queued(server, "One.", 0)
    given_up = await queued(server, "Nobody listens.", 1)
    given_up.cancel()
    await asyncio.to_thread(server.wait_busy, running=1, waiting=0)
    server.backend.release()
    await first
    async with httpx2.AsyncClient(base_url=server.url) as http:
        metrics = (await http.get("/metrics")).text
    assert 'tts_requests_cancelled_total{model="hibari"} 1.0' in metrics
    assert ["Nobody listens."] not in server.backend.steps

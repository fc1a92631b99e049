"""A real gateway in front of real servers: who answers, and what comes through."""

import asyncio
import json
import socket
import time
from collections.abc import Iterator

import httpx2
import pytest
from openai import APIStatusError, OpenAI

from speaker_runtime.contract import (
    ROUTE_SYNC_PATH,
    RouteManifest,
    ServingConfig,
    SyncReport,
    Upstream,
)
from tests.contract.gateways import LONG_TEXT, TIMEOUT, body, speak, upstreams, wait_for
from tests.support.figures import RecordFigure
from tests.support.foreign import foreign
from tests.support.gateway import gateway
from tests.support.runtime import RuntimeProcess, eventually, serving
from tests.support.syncing import claims, new_key, signed, sync_config
from tests.support.talk import talking

FREED_WITHIN = 10.0


CHANGED_WITHIN = 2.0


KEY = new_key()


API_KEY = "sk-of-the-gateway"


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RuntimeProcess]:
    """A second server of the same voices."""
    with serving(tmp_path_factory.mktemp("other"), ServingConfig()) as running:
        yield running


@pytest.fixture(scope="module")
def stranger() -> Iterator[str]:
    """A server of somebody else, who wants a key."""
    with foreign(FOREIGN_API_KEY=API_KEY) as url:
        yield url


@pytest.fixture(scope="module")
def routes(
    runtime: RuntimeProcess,
    other: RuntimeProcess,
    stranger: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> RouteManifest:
    key = tmp_path_factory.mktemp("keys") / "key"
    key.write_text(f"{API_KEY}\n", "utf-8")
    return RouteManifest(
        upstreams=(
            Upstream(name="one", url=runtime.url),
            Upstream(name="two", url=other.url),
            Upstream(name="moon", url=f"{stranger}/v1", kind="openai", key_file=key),
        )
    )


@pytest.fixture(scope="module")
def front(
    routes: RouteManifest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RuntimeProcess]:
    """The gateway in front of all three."""
    directory = tmp_path_factory.mktemp("front")
    with gateway(directory, routes, route_sync=sync_config(KEY)) as running:
        for name in ("one", "two", "moon"):
            wait_for(running.url, name, "ready")
        yield running


def test_openais_client_speaks_through_it(front: RuntimeProcess, runtime: RuntimeProcess) -> None:
    order = {"model": "one", "voice": "nova", "input": "Hello there."}
    spoken = []
    for url in (front.url, runtime.url):
        with OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
            model = "one" if url == front.url else "hibari"
            answer = client.audio.speech.create(
                **{**order, "model": model},  # type: ignore[arg-type]
                response_format="flac",
            )
            spoken.append(answer.read())
            if url == front.url:
                assert "one" in [each.id for each in client.models.list()]
                with pytest.raises(APIStatusError) as refused:
                    client.audio.speech.create(model="tts-9", voice="nova", input="Hello.")
    assert spoken[0] == spoken[1], "not a byte is changed on the way"
    assert refused.value.status_code == 404
    assert refused.value.code == "model_not_found"
    assert "tts-1" in refused.value.message


def test_events_come_through_as_they_are(front: RuntimeProcess, runtime: RuntimeProcess) -> None:
    asked = {"stream_format": "sse", "stream_options": {"sentences": True}}
    through = speak(front.url, model="one", **asked)
    straight = speak(runtime.url, model="hibari", **asked)
    assert through.text == straight.text
    assert through.headers["content-type"] == straight.headers["content-type"]


def test_who_answers_is_told_and_the_request_keeps_its_id(front: RuntimeProcess) -> None:
    for name in ("one", "two"):
        answer = httpx2.post(
            f"{front.url}/v1/audio/speech",
            json=body(model=name),
            headers={"X-Request-Id": f"of-{name}"},
        )
        assert answer.headers["x-speaker-upstream"] == name
        assert answer.headers["x-request-id"] == f"of-{name}"


def test_equals_share_the_requests_of_a_model_that_both_have(front: RuntimeProcess) -> None:
    answered = {speak(front.url).headers["x-speaker-upstream"] for _ in range(4)}
    assert answered == {"one", "two"}


def test_models_and_voices_of_all_are_listed_once(front: RuntimeProcess) -> None:
    models = [each["id"] for each in httpx2.get(f"{front.url}/v1/models").json()["data"]]
    assert models[:3] == ["one", "two", "moon"]
    assert sorted(models[3:]) == ["gpt-4o-mini-tts", "hibari", "moon-1", "tts-1", "tts-1-hd"]
    voices = httpx2.get(f"{front.url}/v1/audio/voices").json()["voices"]
    assert [(each["id"], each["models"]) for each in voices] == [
        ("ana", ["one", "two"]),
        ("heart", ["one", "two"]),
        ("luna", ["moon"]),
        ("sol", ["moon"]),
    ]
    assert httpx2.get(f"{front.url}/v1/models/moon-1").json()["id"] == "moon-1"


def test_a_voice_that_nobody_has_is_refused_by_name(front: RuntimeProcess) -> None:
    refused = speak(front.url, voice="anna")
    assert refused.status_code == 400
    error = refused.json()["error"]
    assert error["code"] == "voice_not_found"
    assert error["suggestion"].startswith("Did you mean 'ana'?")


def test_what_a_server_refuses_is_refused_in_its_words(
    front: RuntimeProcess, runtime: RuntimeProcess
) -> None:
    wrong = {"model": "hibari", "speed": 9}
    through, straight = speak(front.url, **wrong), speak(runtime.url, **wrong)
    assert through.status_code == straight.status_code == 400
    assert through.json() == straight.json()


def test_a_preview_is_heard_at_the_server_that_gave_it(front: RuntimeProcess) -> None:
    for name in ("one", "two"):
        asked = {"model": name, "voice": "ana", "input": f"Hello from {name}."}
        seen = httpx2.post(f"{front.url}/tts/preview", json=asked).json()
        heard = httpx2.get(front.url + seen["sentences"][0]["audio"], timeout=TIMEOUT)
        assert heard.status_code == 200
        assert heard.headers["x-speaker-upstream"] == name
    lost = httpx2.get(f"{front.url}/tts/preview/nobody")
    assert (lost.status_code, lost.json()["error"]["code"]) == (404, "preview_not_found")


def test_capabilities_are_those_of_a_model(front: RuntimeProcess, runtime: RuntimeProcess) -> None:
    path = "/v1/audio/capabilities"
    through = httpx2.get(front.url + path, params={"model": "two"})
    assert through.json() == httpx2.get(runtime.url + path).json()
    assert through.headers["x-speaker-upstream"] == "two"


def test_its_own_pages_describe_the_whole_api(front: RuntimeProcess) -> None:
    paths = httpx2.get(f"{front.url}/openapi.json").json()["paths"]
    assert {"/v1/audio/speech", "/tts/preview", "/v1/audio/voices"} <= paths.keys()
    assert "upstream_unavailable" in httpx2.get(f"{front.url}/docs/errors").text


async def test_a_conversation_goes_both_ways(front: RuntimeProcess) -> None:
    async with talking(front.url) as conversation:
        started = await conversation.start(model="two", voice="ana")
        assert started["type"] == "started"
        await conversation.say("Hello", " there. How are ", "you?")
        await conversation.send("end")
        heard = await conversation.until("done")
    assert heard.texts == ["Hello there.", "How are you?"]
    assert len(heard.all_audio) > 48_000


async def test_a_conversation_that_nobody_can_have_ends_with_a_reason(
    front: RuntimeProcess,
) -> None:
    async with talking(front.url) as conversation:
        error = await conversation.start(model="moon", voice="luna")
    assert error["final"]
    assert error["error"]["code"] == "model_not_found"


def test_the_first_bytes_come_long_before_the_last(front: RuntimeProcess) -> None:
    began = time.monotonic()
    asked = body(LONG_TEXT, model="one")
    with httpx2.stream("POST", f"{front.url}/v1/audio/speech", json=asked, timeout=TIMEOUT) as it:
        chunks = it.iter_raw()
        next(chunks)
        first = time.monotonic() - began
        rest = b"".join(chunks)
    assert len(rest) > 1_000_000
    assert first < (time.monotonic() - began) / 2


def _running(url: str) -> int:
    return int(httpx2.get(f"{url}/status").json()["queue"]["running"])


def test_a_client_that_reads_nothing_makes_the_server_wait_and_frees_it_when_it_goes(
    front: RuntimeProcess, runtime: RuntimeProcess
) -> None:
    request = httpx2.Request(
        "POST", f"{front.url}/v1/audio/speech", json=body(LONG_TEXT, model="one", seed=1)
    )
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.settimeout(TIMEOUT)
        slow.connect((front.host, front.port))
        slow.sendall(f"POST /v1/audio/speech HTTP/1.1\r\n{head}\r\n".encode() + request.content)
        assert slow.recv(16).startswith(b"HTTP/1.1 200")
        for text in ("Others are", "not held up", "by it."):
            assert speak(front.url, model="one", text=text).status_code == 200
        assert _running(runtime.url) == 1, "far more than all buffers hold is still to come"
        assert upstreams(front.url)["one"]["in_flight"] == 1
    eventually(lambda: _running(runtime.url) == 0, within=FREED_WITHIN, what="the end of the work")
    assert upstreams(front.url)["one"]["in_flight"] == 0


def test_another_servers_key_is_its_own(front: RuntimeProcess) -> None:
    answer = httpx2.post(
        f"{front.url}/v1/audio/speech",
        json={"model": "moon", "voice": "luna", "input": "Hello."},
        headers={
            "Authorization": "Bearer sk-of-the-client",
            "Cookie": "a=b",
            "X-Speaker-Client": "x",
        },
    )
    assert answer.status_code == 200
    told = {name.lower(): value for name, value in json.loads(answer.headers["x-told"]).items()}
    assert told["authorization"] == f"Bearer {API_KEY}"
    assert not told.keys() & {"cookie", "x-speaker-client", "user-agent"}
    assert API_KEY not in json.dumps(front.lines)
    assert API_KEY not in httpx2.get(f"{front.url}/status").text


def test_redirects_are_not_followed(front: RuntimeProcess) -> None:
    answer = speak(front.url, model="moon", voice="luna", text="elsewhere")
    assert answer.status_code == 502
    assert answer.json()["error"]["code"] == "upstream_failed"
    assert "location" not in answer.headers
    wait_for(front.url, "moon", "ready")


def test_another_servers_refusal_comes_in_openais_form(front: RuntimeProcess) -> None:
    answer = speak(front.url, model="moon", voice="sol", text="nonsense")
    assert answer.status_code == 422
    assert "that is nonsense" in answer.json()["error"]["message"]


def change(url: str, routes: RouteManifest, revision: int) -> httpx2.Response:
    sent = routes.to_json().encode()
    headers = {"Authorization": f"Bearer {signed(KEY, claims(sent, revision))}"}
    return httpx2.post(f"{url}{ROUTE_SYNC_PATH}", headers=headers, content=sent)


def test_routes_change_while_it_runs(
    front: RuntimeProcess, routes: RouteManifest, record_figure: RecordFigure
) -> None:
    one, two, moon = routes.upstreams
    renamed = RouteManifest(upstreams=(one, two.model_copy(update={"name": "three"}), moon))
    began = time.monotonic()
    report = SyncReport.model_validate_json(change(front.url, renamed, 7).content)
    answer = speak(front.url, model="three")
    spent = time.monotonic() - began
    record_figure("a renamed route is spoken to", spent, "s", goal=f"<= {CHANGED_WITHIN}")
    assert [(each.name, each.state) for each in report.voices] == [
        ("one", "ready"),
        ("three", "ready"),
        ("moon", "ready"),
    ]
    assert answer.headers["x-speaker-upstream"] == "three"
    assert speak(front.url, model="two").status_code == 404
    assert spent < CHANGED_WITHIN
    assert change(front.url, routes, 6).status_code == 409, "older routes change nothing"
    forged = httpx2.post(f"{front.url}{ROUTE_SYNC_PATH}", content=routes.to_json())
    assert forged.status_code == 401
    assert change(front.url, routes, 8).status_code == 200


async def test_a_hundred_clients_at_once_are_all_answered(front: RuntimeProcess) -> None:
    async with httpx2.AsyncClient(base_url=front.url, timeout=TIMEOUT) as client:
        answers = await asyncio.gather(
            *(client.post("/v1/audio/speech", json=body("Hi.", voice="nova")) for _ in range(100))
        )
    assert {each.status_code for each in answers} <= {200, 429, 503}
    assert sum(each.status_code == 200 for each in answers) > 10
    assert all("retry-after" in each.headers for each in answers if each.status_code != 200)

"""What happens around a request, without a server."""

import asyncio
import logging
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from speaker_runtime.http import middleware
from speaker_runtime.http.middleware import BodyLimit, RequestLog
from speaker_runtime.services.metrics import RuntimeMetrics

MAX_BYTES = 10


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the body that it is given."""
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": message["body"]})


async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    """Has a bug."""
    raise RuntimeError("a bug")


def messages(*incoming: Message) -> Receive:
    """A channel that gives these and no more."""
    left = list(incoming)

    async def receive() -> Message:
        return left.pop(0)

    return receive


def parts(*bodies: bytes) -> Receive:
    """A channel that gives a body in parts."""
    last = len(bodies) - 1
    return messages(
        *(
            {"type": "http.request", "body": body, "more_body": index < last}
            for index, body in enumerate(bodies)
        )
    )


async def ask(
    app: ASGIApp, receive: Receive, headers: Sequence[tuple[bytes, bytes]] = ()
) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def send(message: Message) -> None:
        sent.append(dict(message))

    runtime = SimpleNamespace(metrics=RuntimeMetrics())
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/audio/speech",
        "headers": list(headers),
        "state": {},
        "app": SimpleNamespace(state=SimpleNamespace(runtime=runtime)),
    }
    await app(scope, receive, send)
    return sent


async def test_a_body_in_parts_is_put_together() -> None:
    sent = await ask(BodyLimit(echo, MAX_BYTES), parts(b"abc", b"def", b""))
    assert sent[-1]["body"] == b"abcdef"


async def test_a_body_that_grows_too_long_is_refused() -> None:
    sent = await ask(BodyLimit(echo, MAX_BYTES), parts(b"a" * 6, b"a" * 6, b"never kept"))
    assert sent[0]["status"] == 413
    assert (b"connection", b"close") in sent[0]["headers"]


async def test_the_rest_of_a_refused_body_is_read_after_the_answer() -> None:
    rest = [b"a" * 20, b"b", b"c"]
    given = parts(*rest)
    order: list[str] = []

    async def receive() -> Message:
        order.append("receive")
        return await given()

    async def send(message: Message) -> None:
        order.append("end" if not message.get("more_body", True) else "send")

    runtime = SimpleNamespace(metrics=RuntimeMetrics())
    app = SimpleNamespace(state=SimpleNamespace(runtime=runtime))
    scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "app": app}
    await BodyLimit(echo, MAX_BYTES)(scope, receive, send)
    assert order == ["receive", "send", "send", "receive", "receive", "end"]


async def test_a_client_that_never_finishes_a_refused_body_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(middleware, "LINGER_SECONDS", 0.0)
    announced = [(b"content-length", b"999999")]

    async def nothing() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    sent = await ask(BodyLimit(echo, MAX_BYTES), nothing, announced)
    assert sent[0]["status"] == 413
    assert sent[-1]["more_body"] is False


async def test_a_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing() -> Message:
        return await asyncio.Future()

    monkeypatch.setattr(middleware, "BODY_SECONDS", 0.0)
    sent = await ask(BodyLimit(echo, MAX_BYTES), nothing)
    assert sent[0]["status"] == 408


async def test_a_client_that_goes_while_sending_gets_no_answer() -> None:
    assert await ask(BodyLimit(echo, MAX_BYTES), messages({"type": "http.disconnect"})) == []


async def test_a_bug_becomes_an_answer_with_an_id(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        sent = await ask(RequestLog(broken), messages(), headers=[(b"x-request-id", b"one")])
    assert sent[0]["status"] == 500
    assert (b"x-request-id", b"one") in sent[0]["headers"]
    assert b"internal_error" in sent[1]["body"]
    assert b"a bug" not in sent[1]["body"]
    assert any(record.exc_info for record in caplog.records)

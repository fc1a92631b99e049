"""Requests to the API server: typed errors, renewed credentials, whole lists."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import kopf
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from speaker_operator.kube.client import FIELD_MANAGER, KubeClient, Versions
from speaker_operator.kube.errors import (
    ConflictError,
    KubeError,
    NotLeadingError,
    UnauthorizedError,
    UnavailableError,
)
from speaker_operator.kube.guard import Guard, unguarded
from speaker_operator.kube.limiter import RateLimiter
from speaker_operator.kube.resources import CONFIG_MAP, SECRET
from speaker_operator.kube.transport import Transport
from speaker_operator.metrics import OperatorMetrics
from speaker_operator.tracing import NO_TRACING, Tracing

Answer = Callable[[web.Request], Awaitable[web.Response]]
MANIFEST = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "hello", "namespace": "speech"},
}
PATH = "/api/v1/namespaces/speech/configmaps"


@asynccontextmanager
async def client_of(
    answer: Answer,
    *,
    tokens: tuple[str, ...] = ("token",),
    metrics: OperatorMetrics | None = None,
    timeout_seconds: float = 5,
    tracing: Tracing = NO_TRACING,
    guard: Guard = unguarded,
) -> AsyncIterator[KubeClient]:
    """A client whose requests are answered by a function."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    left = list(tokens)
    async with TestServer(app) as server:
        transport = Transport(
            lambda: kopf.ConnectionInfo(server=str(server.make_url("")), token=left.pop(0)),
            metrics=metrics or OperatorMetrics(),
            limiter=RateLimiter(1000, 1000),
            timeout_seconds=timeout_seconds,
            tracing=tracing,
            guard=guard,
        )
        async with KubeClient(transport) as client:
            yield client


async def test_an_apply_says_who_applies_and_forces() -> None:
    async def answer(request: web.Request) -> web.Response:
        seen.append(request)
        assert await request.json() == MANIFEST
        return web.json_response({"applied": True})

    seen: list[web.Request] = []
    async with client_of(answer) as client:
        assert await client.apply(MANIFEST) == {"applied": True}
    (request,) = seen
    assert (request.method, request.path) == ("PATCH", f"{PATH}/hello")
    assert dict(request.query) == {"fieldManager": FIELD_MANAGER, "force": "true"}
    assert request.content_type == "application/apply-patch+yaml"
    assert request.headers["Authorization"] == "Bearer token"


async def test_making_an_object_leaves_one_of_its_name_alone() -> None:
    async def answer(request: web.Request) -> web.Response:
        sent = (await request.json())["metadata"]
        assert sent == {**MANIFEST["metadata"], "resourceVersion": "1"}  # type: ignore[dict-item]
        return web.json_response({"message": "there is one"}, status=409)

    async with client_of(answer) as client:
        with pytest.raises(ConflictError, match="there is one"):
            await client.make(MANIFEST)
    assert "resourceVersion" not in MANIFEST["metadata"]


async def test_what_is_not_there_is_none() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"message": "not found"}, status=404)

    async with client_of(answer) as client:
        assert await client.read(CONFIG_MAP, "speech", "hello") is None
        await client.delete(CONFIG_MAP, "speech", "hello", "uid", "7")


async def test_a_list_is_read_page_by_page() -> None:
    async def answer(request: web.Request) -> web.Response:
        following = {"continue": "more"} if "continue" not in request.query else {}
        return web.json_response({"items": [{"n": len(following)}], "metadata": following})

    async with client_of(answer) as client:
        listed = await client.list(CONFIG_MAP, "speech", "a=b")
    assert [item["n"] for item in listed] == [1, 0]
    assert {item["kind"] for item in listed} == {"ConfigMap"}


async def test_a_list_of_nothing_may_be_null() -> None:
    async def answer(request: web.Request) -> web.Response:
        assert "PartialObjectMetadataList" in request.headers["Accept"]
        return web.json_response({"items": None, "metadata": {"resourceVersion": "7"}})

    async with client_of(answer) as client:
        assert await anext(client.watch_versions(SECRET, "speech")) == Versions({}, is_all=True)


async def test_credentials_that_expired_are_read_anew() -> None:
    async def answer(request: web.Request) -> web.Response:
        fresh = request.headers["Authorization"] == "Bearer new"
        return web.json_response({"fresh": fresh}, status=200 if fresh else 401)

    async with client_of(answer, tokens=("old", "new")) as client:
        assert await client.apply(MANIFEST) == {"fresh": True}


async def test_credentials_that_stay_refused_are_an_error() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"message": "who are you?"}, status=401)

    async with client_of(answer, tokens=("old", "older")) as client:
        with pytest.raises(UnauthorizedError, match="who are you"):
            await client.apply(MANIFEST)


async def test_the_api_servers_words_are_in_the_error() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"message": "the object has been modified"}, status=409)

    async with client_of(answer) as client:
        with pytest.raises(ConflictError, match="has been modified"):
            await client.apply(MANIFEST)


async def test_an_answer_of_something_in_between_is_an_error() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="<html>Bad Gateway", status=502)

    async with client_of(answer) as client:
        with pytest.raises(UnavailableError, match="Bad Gateway"):
            await client.apply(MANIFEST)


async def test_no_answer_in_time_is_an_error() -> None:
    async def answer(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    async with client_of(answer, timeout_seconds=0.05) as client:
        with pytest.raises(UnavailableError, match="PATCH /api/v1/namespaces/speech"):
            await client.apply(MANIFEST)


async def test_no_api_server_is_an_error() -> None:
    transport = Transport(
        lambda: kopf.ConnectionInfo(server="http://127.0.0.1:1"),
        metrics=OperatorMetrics(),
        limiter=RateLimiter(1000, 1000),
        timeout_seconds=5,
    )
    async with KubeClient(transport) as client:
        with pytest.raises(UnavailableError):
            await client.list(CONFIG_MAP, None)


async def test_requests_are_counted_by_their_outcome() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({}, status=409)

    metrics = OperatorMetrics()
    async with client_of(answer, metrics=metrics) as client:
        with pytest.raises(ConflictError):
            await client.apply(MANIFEST)
    labels = {"verb": "PATCH", "kind": "ConfigMap", "code": "409"}
    assert metrics.registry.get_sample_value("speaker_operator_api_requests_total", labels) == 1


@pytest.mark.parametrize(("status", "held"), [(429, True), (503, True), (500, False)])
async def test_an_api_server_that_asks_to_wait_is_not_asked_meanwhile(
    status: int, held: bool
) -> None:
    async def answer(_: web.Request) -> web.Response:
        headers = {"Retry-After": "1"}
        return web.json_response({"message": "later"}, status=status, headers=headers)

    loop = asyncio.get_running_loop()
    async with client_of(answer) as client:
        began = loop.time()
        for _ in range(2):
            with pytest.raises(KubeError):
                await client.read(CONFIG_MAP, "speech", "hello")
        assert (loop.time() - began >= 1) is held


async def test_nothing_is_written_once_the_guard_refuses_however_far_the_request_is() -> None:
    """The guard agrees when the request is made, and no more when its body is to be sent."""
    bodies: list[bytes] = []

    async def answer(request: web.Request) -> web.Response:
        bodies.append(await request.read())
        return web.json_response({})

    asked = 0

    def guard() -> None:
        nonlocal asked
        asked += 1
        if asked > 1:
            raise NotLeadingError("no more")

    async with client_of(answer, guard=guard) as client:
        with pytest.raises(NotLeadingError):
            await client.apply(MANIFEST)
        assert await client.read(CONFIG_MAP, "speech", "hello") == {}
    assert bodies == [b""]
    assert asked >= 2


async def test_a_refused_write_is_not_even_begun() -> None:
    async def answer(request: web.Request) -> web.Response:
        raise AssertionError(f"{request.method} arrived")

    def guard() -> None:
        raise NotLeadingError("no more")

    async with client_of(answer, guard=guard) as client:
        for write in (client.apply, client.apply_status, client.create, client.replace):
            with pytest.raises(NotLeadingError):
                await write(MANIFEST)
        with pytest.raises(NotLeadingError):
            await client.delete(CONFIG_MAP, "speech", "hello", "uid", "7")

"""The gateway's way out: which connection a request takes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from speaker_runtime.contract import Upstream
from speaker_runtime.services.gateway.outward import (
    REQUESTS_PER_CONNECTION,
    OutOfReachError,
    Outward,
    address,
)

ANSWER_SECONDS = 10.0


class Pod:
    """A server that remembers over which connections it was asked."""

    def __init__(self) -> None:
        self.transports: list[asyncio.BaseTransport] = []

    async def answer(self, request: web.Request) -> web.Response:
        assert request.transport is not None
        self.transports.append(request.transport)
        return web.Response(body=await request.read())

    @property
    def connections(self) -> int:
        return len(set(self.transports))


@asynccontextmanager
async def asked() -> AsyncIterator[tuple[Pod, Upstream, Outward]]:
    pod, app = Pod(), web.Application()
    app.router.add_route("*", "/{path:.*}", pod.answer)
    async with TestServer(app) as server, Outward(ANSWER_SECONDS) as way:
        yield pod, Upstream(name="narrator", url=str(server.make_url("/"))), way


async def ask(way: Outward, upstream: Upstream) -> bytes:
    url = address(upstream, "/audio/speech")
    async with await way.open(upstream, "POST", url, headers={}, body=b"hello") as answer:
        return await answer.read()


async def test_requests_one_after_another_share_a_connection() -> None:
    async with asked() as (pod, upstream, way):
        for _ in range(REQUESTS_PER_CONNECTION):
            assert await ask(way, upstream) == b"hello"
        assert pod.connections == 1


async def test_no_connection_is_kept_for_good_so_that_new_pods_get_their_share() -> None:
    async with asked() as (pod, upstream, way):
        for _ in range(REQUESTS_PER_CONNECTION + 1):
            await ask(way, upstream)
        assert pod.connections == 2


async def test_what_gets_no_answer_on_a_kept_connection_is_asked_again_on_a_new_one() -> None:
    async with asked() as (pod, upstream, way):
        await ask(way, upstream)
        for transport in pod.transports:
            assert isinstance(transport, asyncio.Transport)
            transport.abort()
        assert await ask(way, upstream) == b"hello"


async def test_probes_take_new_connections_so_that_it_is_not_always_one_pod_that_tells() -> None:
    async with asked() as (pod, upstream, way):
        for _ in range(3):
            url = address(upstream, "/models")
            assert await way.read(upstream, url, seconds=ANSWER_SECONDS) == (200, b"")
        assert pod.connections == 3


async def test_who_is_not_there_is_out_of_reach() -> None:
    async with asked() as (_, upstream, _):
        pass
    async with Outward(ANSWER_SECONDS) as way:
        with pytest.raises(OutOfReachError, match="cannot be reached"):
            await ask(way, upstream)

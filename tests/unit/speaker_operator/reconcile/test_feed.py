"""The objects of a kind are listed once, and followed from there on, whatever breaks."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from speaker_operator.kube.resources import CONFIG_MAP, Key
from speaker_operator.metrics import OperatorMetrics
from speaker_operator.reconcile.cacheusers import CacheUsers
from speaker_operator.reconcile.feed import Feed
from speaker_operator.reconcile.observe import Observer
from speaker_operator.reconcile.store import Store
from tests.unit.speaker_operator.kube.test_client import client_of
from tests.unit.speaker_operator.reconcile.test_observe import Recorder

Json = dict[str, Any]
WAIT_SECONDS = 5


def config_map(name: str, version: int) -> Json:
    metadata = {
        "name": name,
        "namespace": "speech",
        "uid": f"uid-{name}",
        "resourceVersion": str(version),
        "labels": {"speaker-tts.dev/service": "hello"},
    }
    return {
        "apiVersion": CONFIG_MAP.api_version,
        "kind": CONFIG_MAP.kind,
        "metadata": metadata,
    }


class ApiServer:
    """Lists what it is told to, and watches as long as it is told to."""

    def __init__(self) -> None:
        self.items = [config_map("a", 5)]
        self.statuses = {"list": 200, "watch": 200}
        self.asked: list[str] = []
        self.events: asyncio.Queue[Json | None] = asyncio.Queue()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        verb = "watch" if "watch" in request.query else "list"
        self.asked.append(f"{verb} {request.query.get('resourceVersion', '')}".strip())
        if self.statuses[verb] != 200:
            return web.json_response({"message": "as told"}, status=self.statuses[verb])
        if verb == "list":
            return web.json_response({"metadata": {"resourceVersion": "9"}, "items": self.items})
        response = web.StreamResponse()
        await response.prepare(request)
        while (event := await self.events.get()) is not None:
            await response.write(json.dumps(event).encode() + b"\n")
        return response

    def happens(self, kind: str, manifest: Json) -> None:
        self.events.put_nowait({"type": kind, "object": manifest})

    def ends_the_watch(self) -> None:
        self.events.put_nowait(None)


class World:
    """What is known of the cluster."""

    def __init__(self, server: ApiServer) -> None:
        self.server = server
        self.store = Store(OperatorMetrics())

    @property
    def known(self) -> dict[str, int]:
        keys = self.store.keys(CONFIG_MAP.kind)
        return {key.name: self.store.version(key) for key in keys}

    async def knows(self, **versions: int) -> None:
        await self._until(lambda: self.known == versions)

    async def is_asked(self, *requests: str) -> None:
        """Wait until these were the last requests."""
        await self._until(lambda: self.server.asked[-len(requests) :] == [*requests])

    async def _until(self, check: Any) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            while not check():  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0.005)


@asynccontextmanager
async def followed() -> AsyncIterator[World]:
    server = ApiServer()
    world = World(server)
    observer = Observer(world.store, CacheUsers(), Recorder(), lambda: None)
    async with client_of(server.answer) as client:  # type: ignore[arg-type]  # it streams
        feed = Feed(CONFIG_MAP, None, client=client, store=world.store, observer=observer)
        running = asyncio.ensure_future(feed.run())
        try:
            await world.knows(a=5)
            yield world
        finally:
            running.cancel()
            for _ in range(3):  # watches that the operator has left
                server.ends_the_watch()
            await asyncio.gather(running, return_exceptions=True)


async def test_what_happens_is_taken_in() -> None:
    async with followed() as world:
        world.server.happens("ADDED", config_map("b", 10))
        await world.knows(a=5, b=10)
        world.server.happens("MODIFIED", config_map("a", 11))
        world.server.happens("DELETED", config_map("b", 12))
        await world.knows(a=11)
        assert world.server.asked == ["list", "watch 9"]


async def test_a_watch_that_ends_goes_on_where_it_ended() -> None:
    async with followed() as world:
        world.server.happens("MODIFIED", config_map("a", 11))
        world.server.ends_the_watch()
        await world.is_asked("list", "watch 9", "watch 11")
        bookmark = {"kind": CONFIG_MAP.kind, "metadata": {"resourceVersion": "20"}}
        world.server.happens("BOOKMARK", bookmark)
        world.server.ends_the_watch()
        await world.is_asked("watch 11", "watch 20")
        assert world.known == {"a": 11}


async def test_a_version_that_is_too_old_has_everything_listed_anew() -> None:
    async with followed() as world:
        world.server.items = [config_map("b", 30)]
        gone = {"code": 410, "reason": "Expired", "message": "too old resource version"}
        world.server.happens("ERROR", gone)
        await world.knows(b=30)


async def test_a_watch_that_cannot_begin_for_a_while_misses_nothing() -> None:
    async with followed() as world:
        world.server.statuses["watch"] = 503
        world.server.ends_the_watch()
        await world.is_asked("watch 9", "watch 9", "watch 9")
        world.server.statuses["watch"] = 200
        world.server.happens("DELETED", config_map("a", 12))
        await world.knows()
        assert world.server.asked.count("list") == 1


async def test_a_watch_that_is_refused_begins_with_a_list() -> None:
    async with followed() as world:
        world.server.statuses["watch"] = 403
        world.server.ends_the_watch()
        world.server.items = []
        await world.knows()


async def test_what_is_newer_than_the_list_is_kept() -> None:
    async with followed() as world:
        key = Key(CONFIG_MAP.kind, "speech", "a")
        world.server.items = [config_map("a", 4)]
        world.server.happens("MODIFIED", config_map("a", 11))
        world.server.happens("ERROR", {"code": 410, "message": "too old resource version"})
        await world.is_asked("list", "watch 9", "list", "watch 9")
        assert world.store.version(key) == 11

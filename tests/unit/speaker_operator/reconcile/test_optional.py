"""A kind that comes and goes: it is looked for while it is needed, followed while it is there."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from speaker_operator.kube.client import KubeClient
from speaker_operator.kube.resources import SCALED_OBJECT, TTS_SERVICE, Key
from speaker_operator.metrics import OperatorMetrics
from speaker_operator.reconcile.backoff import Backoff
from speaker_operator.reconcile.cacheusers import CacheUsers
from speaker_operator.reconcile.observe import Observer
from speaker_operator.reconcile.optional import SCALED_OBJECTS, Follower
from speaker_operator.reconcile.store import Store
from tests.unit.speaker_operator.factories import service_manifest
from tests.unit.speaker_operator.kube.test_client import client_of
from tests.unit.speaker_operator.reconcile.test_observe import Recorder

Json = dict[str, Any]
WAIT_SECONDS = 5
CHECK_SECONDS = 0.05
SERVICE = Key(TTS_SERVICE.kind, "speech", "hello")
CHILD = Key(SCALED_OBJECT.kind, "speech", "hello")
ON_KEDA = {"engine": "keda", "maxReplicas": 2, "targetCPUUtilization": 50}
MANIFEST: Json = {
    "apiVersion": SCALED_OBJECT.api_version,
    "kind": SCALED_OBJECT.kind,
    "metadata": {
        "name": "hello",
        "namespace": "speech",
        "uid": "uid",
        "resourceVersion": "5",
        "labels": {"speaker-tts.dev/service": "hello"},
    },
}


class Cluster:
    """An API server that has the kind, or lacks it, as told."""

    def __init__(self) -> None:
        self.status = 404
        self.items: list[Json] = []
        self.lists = 0
        self.events: asyncio.Queue[Json | None] = asyncio.Queue()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if "watch" in request.query:
            return await self._watch(request)
        self.lists += 1
        if self.status != 200:
            return web.json_response({"message": "as told"}, status=self.status)
        return web.json_response({"metadata": {"resourceVersion": "9"}, "items": self.items})

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        assert request.query["resourceVersion"] == "9"
        response = web.StreamResponse()
        await response.prepare(request)
        while (event := await self.events.get()) is not None:
            line = json.dumps(event).encode()
            await response.write(line[:10])  # a line may come in pieces
            await response.write(line[10:] + b"\n")
        return response


class World:
    """What the operator knows, and what it was told to look at."""

    def __init__(self, client: KubeClient, *services: Json) -> None:
        self.store, self.queue = Store(OperatorMetrics()), Recorder()
        observer = Observer(self.store, CacheUsers(), self.queue, self.queue.relisted)
        for service in services:
            observer.present(service)
        self.queue.taken()
        self.kind = Follower(
            SCALED_OBJECTS,
            client,
            self.store,
            observer,
            self.queue,
            namespaces=(),
            check_seconds=CHECK_SECONDS,
            backoff=Backoff(base_seconds=CHECK_SECONDS, cap_seconds=CHECK_SECONDS),
        )

    @property
    def version(self) -> str | None:
        """What is known of the child."""
        known = self.store.get(CHILD)
        return None if known is None else str(known["metadata"]["resourceVersion"])

    @property
    def reasons(self) -> list[str]:
        problem = self.kind.problem
        return [] if problem is None else [problem.reason]


@asynccontextmanager
async def watching(cluster: Cluster, *services: Json) -> AsyncIterator[World]:
    async with client_of(cluster.answer) as client:  # type: ignore[arg-type]  # it streams
        world = World(client, *services)
        running = asyncio.ensure_future(world.kind.run())
        try:
            await asyncio.wait_for(world.kind.looked.wait(), WAIT_SECONDS)
            yield world
        finally:
            running.cancel()
            for _ in range(3):  # watches that the operator has left
                cluster.events.put_nowait(None)
            await asyncio.gather(running, return_exceptions=True)


async def until(check: Any, what: str) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not check():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)
    assert check(), what


async def test_nobody_asks_for_what_nobody_needs() -> None:
    cluster = Cluster()
    async with watching(cluster, service_manifest()) as world:
        assert world.reasons == ["KedaMissing"]
        await asyncio.sleep(3 * CHECK_SECONDS)
        assert cluster.lists == 1
        world.kind.need()
        await until(lambda: cluster.lists == 2, "it is looked for when it is needed")


async def test_services_that_need_it_are_told_when_it_comes_and_when_it_goes() -> None:
    cluster = Cluster()
    async with watching(cluster, service_manifest(autoscaling=ON_KEDA)) as world:
        cluster.status, cluster.items = 200, [MANIFEST]
        await until(lambda: not world.reasons, "it is found")
        assert SERVICE in world.queue.taken()
        assert world.store.get(CHILD) is not None
        newer = {**MANIFEST, "metadata": {**MANIFEST["metadata"], "resourceVersion": "10"}}
        cluster.events.put_nowait({"type": "MODIFIED", "object": newer})
        await until(lambda: world.version == "10", "it is followed")
        world.queue.taken()
        cluster.status = 404
        cluster.events.put_nowait(None)
        await until(lambda: world.reasons == ["KedaMissing"], "its end is noticed")
        assert SERVICE in world.queue.taken()
        assert world.store.get(CHILD) is None


async def test_a_watch_that_is_too_old_begins_anew() -> None:
    cluster = Cluster()
    cluster.status, cluster.items = 200, [MANIFEST]
    async with watching(cluster, service_manifest(autoscaling=ON_KEDA)) as world:
        gone = {"code": 410, "reason": "Expired", "message": "too old resource version"}
        cluster.items = []
        cluster.events.put_nowait({"type": "ERROR", "object": gone})
        await until(lambda: world.store.get(CHILD) is None, "what went away meanwhile is noticed")
        assert not world.reasons


async def test_a_role_of_an_older_chart_is_told() -> None:
    cluster = Cluster()
    cluster.status = 403
    async with watching(cluster, service_manifest(autoscaling=ON_KEDA)) as world:
        assert world.reasons == ["Forbidden"]
        cluster.status = 200
        await until(lambda: not world.reasons, "it goes on once it may")


async def test_an_api_server_in_trouble_is_asked_again() -> None:
    cluster = Cluster()
    cluster.status = 503
    async with watching(cluster, service_manifest()) as world:
        assert world.reasons == ["KedaUnknown"]
        cluster.status = 200
        world.kind.need()
        await until(lambda: not world.reasons, "the next try succeeds")

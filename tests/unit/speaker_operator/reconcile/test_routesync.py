"""A gateway's pods are handed its routes, and asked how these fare."""

import time
from dataclasses import dataclass, field

from aiohttp import web

from speaker_operator.kube.resources import Key
from speaker_operator.metrics import OperatorMetrics
from speaker_operator.pods.client import PodClient
from speaker_operator.pods.signing import Signer, new_key, read_key
from speaker_operator.reconcile.store import Store
from speaker_operator.reconcile.voicesync import ROUTES_ASKED_SECONDS, VoiceSync
from speaker_operator.render.routes import route_manifest, routes
from speaker_runtime.contract import (
    ROUTE_SYNC_PATH,
    RouteManifest,
    SyncedVoice,
    SyncReport,
    digest_of,
)
from tests.unit.speaker_operator.factories import service
from tests.unit.speaker_operator.reconcile.cluster_state import Json, children, pod
from tests.unit.speaker_operator.reconcile.hearsay import Recordings

SERVERS = [{"name": "far", "url": "https://far.example/v1"}]
FRONT = service("front", backend="gateway", gateway={"servers": SERVERS})
SERVICE = Key("TTSService", "speech", "front")


@dataclass
class Recorder:
    """A queue that remembers what was put into it."""

    now: list[Key] = field(default_factory=list)
    later: list[tuple[Key, float]] = field(default_factory=list)

    def add(self, key: Key) -> None:
        self.now.append(key)

    def add_after(self, key: Key, seconds: float, **_: float) -> None:
        self.later.append((key, seconds))


class Gateway:
    """A pod's HTTP server that answers as a gateway does."""

    def __init__(self) -> None:
        self.asked = 0
        self.reason = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        body = await request.read()
        report = SyncReport(
            digest=digest_of(body),
            voices=tuple(
                SyncedVoice(
                    name=each.name,
                    state="failed" if self.reason else "ready",
                    message=self.reason,
                )
                for each in RouteManifest.model_validate_json(body).upstreams
            ),
        )
        return web.Response(text=report.to_json())


def ready_pod(port: int) -> Json:
    found = pod(FRONT)
    found["spec"]["containers"][0]["ports"] = [{"name": "http", "containerPort": port}]
    statuses = [{"name": "runtime", "ready": True, "restartCount": 0}]
    return {**found, "status": {"podIP": "127.0.0.1", "containerStatuses": statuses}}


async def test_a_gateway_is_asked_again_and_what_it_then_says_is_news() -> None:
    gateway, work, services = Gateway(), Recorder(), Recorder()
    app = web.Application()
    app.router.add_post(ROUTE_SYNC_PATH, gateway.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    store = Store(OperatorMetrics())
    for each in (*children(FRONT), ready_pod(runner.addresses[0][1])):
        store.put(each)
    manifest = route_manifest(routes(FRONT, ()))
    async with PodClient() as client:
        sync = VoiceSync(
            store=store,
            pods=client,
            signer=Signer(read_key(new_key()), time.time),
            references=Recordings(),
            work=work,
            services=services,
            metrics=OperatorMetrics(),
        )
        assert sync.offer(FRONT, manifest).settling
        (key,) = work.now
        await sync.sync(key)
        assert services.now == [SERVICE]
        assert sync.offer(FRONT, manifest).refusal("far") is None
        assert work.later == [(key, ROUTES_ASKED_SECONDS)]
        await sync.sync(key)
        assert services.now == [SERVICE], "the same answer is no news"
        gateway.reason = "it cannot be reached"
        await sync.sync(key)
        assert services.now == [SERVICE, SERVICE]
        refusal = sync.offer(FRONT, manifest).refusal("far")
        assert refusal is not None
        assert refusal.message == "it cannot be reached"
        assert gateway.asked == 3
        assert work.now == [key], "only what is changed is sent at once"
        sync.forget(("speech", "front"))
        await sync.sync(key)
        assert gateway.asked == 3, "nobody asks for a gateway that is gone"
    await runner.cleanup()

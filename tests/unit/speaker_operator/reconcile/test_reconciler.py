"""One reconciliation against an API server that answers as told."""

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial

import pytest
from aiohttp import web

from speaker_operator.kube.client import KubeClient
from speaker_operator.kube.errors import UnavailableError
from speaker_operator.kube.resources import TTS_SERVICE, Key
from speaker_operator.metrics import OperatorMetrics
from speaker_operator.pods.client import PodClient
from speaker_operator.pods.signing import Signer, new_key, read_key
from speaker_operator.reconcile.caches import CacheKeeper
from speaker_operator.reconcile.cacheusers import CacheUsers
from speaker_operator.reconcile.nodes import NodeInventory
from speaker_operator.reconcile.observe import Observer
from speaker_operator.reconcile.optional import OptionalKinds
from speaker_operator.reconcile.reconciler import Reconciler
from speaker_operator.reconcile.references import References
from speaker_operator.reconcile.secrets import SecretVersions
from speaker_operator.reconcile.store import Store
from speaker_operator.reconcile.surroundings import settings_for
from speaker_operator.reconcile.voicesync import VoiceSync
from tests.unit.speaker_operator.factories import SETTINGS, service_manifest
from tests.unit.speaker_operator.kube.test_client import client_of
from tests.unit.speaker_operator.reconcile.cluster_state import Json
from tests.unit.speaker_operator.reconcile.test_observe import Recorder

Answer = Callable[[web.Request], Awaitable[web.Response]]
KEY = Key(TTS_SERVICE.kind, "speech", "hello")
SERVICE_PATH = TTS_SERVICE.path("speech", "hello")
KNOWN = {"observedGeneration": 3}


def at_rest(**metadata: str) -> Json:
    """A service that was reconciled before."""
    manifest = service_manifest()
    return {**manifest, "metadata": {**manifest["metadata"], **metadata}, "status": KNOWN}


def _now() -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC)


async def reconcile(client: KubeClient, service: Json) -> None:
    """Reconcile a service all of whose children are gone, as far as anybody has heard."""
    metrics, queue = OperatorMetrics(), Recorder()
    store = Store(metrics)
    users = CacheUsers()
    observer = Observer(store, users, queue, queue.relisted)
    observer.present(service)
    nodes = NodeInventory(client, store, queue, interval_seconds=30)
    references = References(client, queue)
    sync = VoiceSync(
        store=store,
        pods=PodClient(),
        signer=Signer(read_key(new_key()), time.time),
        references=references,
        work=queue,
        services=queue,
        metrics=metrics,
    )
    reconciler = Reconciler(
        client=client,
        store=store,
        observer=observer,
        queue=queue,
        settings=SETTINGS,
        nodes=nodes,
        optional=OptionalKinds(()),
        sync=sync,
        caches=CacheKeeper(
            client=client,
            store=store,
            users=users,
            pods=PodClient(),
            secrets=SecretVersions(client, queue, enabled=False),
            queue=queue,
            polls=queue,
            observe=observer.present,
            settings_for=partial(settings_for, settings=SETTINGS, nodes=nodes),
            settings=SETTINGS,
            retry_seconds=10,
            clock=_now,
            metrics=metrics,
        ),
        references=references,
        instance="test",
        clock=_now,
        metrics=metrics,
    )
    await reconciler.reconcile(KEY)


def api_server(requests: list[str], owner: Json | None, refusal: Json | None = None) -> Answer:
    """Holds the owner and nothing else; refuses to make anything."""

    async def answer(request: web.Request) -> web.Response:
        requests.append(request.method)
        if request.method == "GET" and request.path == SERVICE_PATH and owner is not None:
            return web.json_response(owner)
        if request.method == "GET":
            return web.json_response({"message": "not found"}, status=404)
        status = 503 if refusal is None else 403
        return web.json_response(refusal or {"message": "try later"}, status=status)

    return answer


ENDING = at_rest(resourceVersion="9", deletionTimestamp="2026-01-01T00:00:00Z")
ANOTHER = at_rest(resourceVersion="9", uid="of-another")


@pytest.mark.parametrize("owner", [None, ENDING, ANOTHER], ids=["gone", "ending", "another"])
async def test_children_that_are_gone_because_their_owner_is_are_not_put_back(
    owner: Json | None,
) -> None:
    requests: list[str] = []
    async with client_of(api_server(requests, owner)) as client:
        await reconcile(client, at_rest())
    assert requests == ["GET"]


async def test_children_that_are_gone_for_another_reason_are_put_back() -> None:
    requests: list[str] = []
    async with client_of(api_server(requests, at_rest())) as client:
        with pytest.raises(UnavailableError, match="try later"):
            await reconcile(client, at_rest())
    assert "PATCH" in requests


NAMESPACE_ENDS = {
    "message": "unable to create new content in namespace speech because it is being terminated",
    "details": {"causes": [{"reason": "NamespaceTerminating", "message": "is being terminated"}]},
}


async def test_a_namespace_that_ends_is_an_end_to_it() -> None:
    requests: list[str] = []
    async with client_of(api_server(requests, at_rest(), NAMESPACE_ENDS)) as client:
        await reconcile(client, at_rest())
    assert requests.count("PATCH") == 1, "neither the other children nor a status"

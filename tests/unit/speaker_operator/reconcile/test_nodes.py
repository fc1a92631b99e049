"""What the operator knows of nodes, and when it asks."""

from aiohttp import web

from speaker_operator.kube.client import KubeClient
from speaker_operator.metrics import OperatorMetrics
from speaker_operator.reconcile.nodes import NodeInventory
from speaker_operator.reconcile.store import Store
from speaker_operator.render.gpu import Node, Taint
from tests.unit.speaker_operator.kube.test_client import client_of
from tests.unit.speaker_operator.reconcile.test_observe import Recorder

LISTED = {
    "metadata": {},
    "items": [
        {
            "metadata": {"name": "node-2", "labels": {"zone": "a"}},
            "status": {
                "allocatable": {"cpu": "4", "nvidia.com/gpu": "2"},
                "conditions": [{"type": "Ready", "lastHeartbeatTime": "2026-01-01T00:00:00Z"}],
            },
        },
        {
            "metadata": {"name": "node-1"},
            "spec": {
                "taints": [
                    {"key": "dedicated", "value": "speech", "effect": "NoSchedule"},
                    {"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"},
                ]
            },
        },
    ],
}


def inventory(client: KubeClient) -> NodeInventory:
    return NodeInventory(client, Store(OperatorMetrics()), Recorder(), interval_seconds=30)


async def test_only_what_placement_looks_at_is_kept() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(LISTED)

    async with client_of(answer) as client:
        assert await inventory(client).current() == (
            Node("node-1", {}, {}, (Taint("dedicated", "speech", "NoSchedule"),)),
            Node("node-2", {"zone": "a"}, {"nvidia.com/gpu": "2"}),
        )


async def test_many_services_ask_once() -> None:
    async def answer(request: web.Request) -> web.Response:
        requests.append(request.path)
        return web.json_response(LISTED)

    requests: list[str] = []
    async with client_of(answer) as client:
        nodes = inventory(client)
        first = await nodes.current()
        assert await nodes.current() is first
    assert requests == ["/api/v1/nodes"]


async def test_who_may_not_list_nodes_knows_none() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"message": "nodes is forbidden"}, status=403)

    async with client_of(answer) as client:
        assert await inventory(client).current() is None

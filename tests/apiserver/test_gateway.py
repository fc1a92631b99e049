"""Gateways follow the services of their namespace; somebody else's server is served like ours."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from speaker_operator.kube.resources import (
    CONFIG_MAP,
    DEPLOYMENT,
    NETWORK_POLICY,
    POD,
    TTS_SERVICE,
    VOICE,
)
from speaker_runtime.contract import CONFIG_FILE, ROUTES_FILE, RouteManifest
from tests.apiserver.api import Api, Json, eventually, service, voice
from tests.apiserver.kubelet import HERE, SERVING, container_status, create_pod, report_deployment
from tests.apiserver.operator_process import OperatorProcess
from tests.support.figures import RecordFigure
from tests.support.foreign import foreign
from tests.support.kubernetes import condition, is_ready
from tests.support.runtime import RuntimeProcess, start

pytestmark = pytest.mark.apiserver

TIMEOUT = 15
REACHED_GOAL = 2.0
NOTICED_WITHIN = 25.0
"""The operator asks gateways every ten seconds."""


def routes_of(api: Api, name: str = "front") -> list[str]:
    """The routes that are written down."""
    found = api.get(CONFIG_MAP, f"{name}-config") or {"data": {}}
    written = found["data"].get(ROUTES_FILE)
    if written is None:
        return []
    return [each.name for each in RouteManifest.model_validate_json(written).upstreams]


def route_states(api: Api, name: str = "front") -> dict[str, Json]:
    status = api.require(TTS_SERVICE, name).get("status", {})
    return {each["name"]: each for each in status.get("gateway", {}).get("routes", ())}


def upstreams(process: RuntimeProcess) -> set[str]:
    return {each["name"] for each in httpx2.get(f"{process.url}/status").json()["upstreams"]}


def serve(api: Api, name: str, port: int) -> None:
    """Report the pods of a Deployment as serving, one of them on this machine's port."""
    pod = create_pod(api, name, port=port)
    api.patch_status(POD, pod, containerStatuses=[container_status("runtime", SERVING)], **HERE)
    numbers = dict.fromkeys(
        ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 1
    )
    report_deployment(api, name, **numbers)


@contextmanager
def running_gateway(api: Api, directory: Path, name: str = "front") -> Iterator[RuntimeProcess]:
    """The pod of a gateway, as a process, with the documents that the operator wrote."""
    documents = api.require(CONFIG_MAP, f"{name}-config")["data"]
    for file in (CONFIG_FILE, ROUTES_FILE):
        (directory / file).write_text(documents[file], "utf-8")
    with start(directory) as process:
        process.wait_ready()
        serve(api, name, process.port)
        yield process


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """A server outside the cluster."""
    with foreign() as url:
        yield url


@pytest.fixture
def front(
    api: Api, operator: OperatorProcess, elsewhere: str, tmp_path: Path
) -> Iterator[RuntimeProcess]:
    """A gateway in front of one service and one server elsewhere, serving."""
    servers = [{"name": "moon", "url": f"{elsewhere}/v1"}]
    api.declare(
        service("narrator"), service("front", backend="gateway", gateway={"servers": servers})
    )
    eventually(
        lambda: api.get(DEPLOYMENT, "front") and routes_of(api) == ["narrator", "moon"],
        within=TIMEOUT,
        what="a gateway in front of the service",
    )
    with running_gateway(api, tmp_path) as process:
        yield process


def test_services_come_go_and_are_renamed_and_the_running_gateway_follows(
    api: Api, front: RuntimeProcess, record_figure: RecordFigure
) -> None:
    eventually(lambda: route_states(api), within=TIMEOUT, what="the gateway's status")
    before = api.require(DEPLOYMENT, "front")["metadata"]["generation"]
    began = time.monotonic()
    api.declare(service("late"))
    eventually(lambda: "late" in upstreams(front), within=TIMEOUT, what="the new route")
    took = time.monotonic() - began
    record_figure("service applied to routed by a running gateway", took, "s", goal="<= 2")
    assert took <= REACHED_GOAL
    began = time.monotonic()
    api.delete(TTS_SERVICE, "late")
    eventually(lambda: "late" not in upstreams(front), within=TIMEOUT, what="the route's end")
    assert time.monotonic() - began <= REACHED_GOAL
    assert upstreams(front) == {"narrator", "moon"}
    assert api.require(DEPLOYMENT, "front")["metadata"]["generation"] == before, (
        "no pod is replaced"
    )


def test_the_status_lists_what_can_be_reached_and_why_the_rest_cannot(
    api: Api, front: RuntimeProcess
) -> None:
    eventually(
        lambda: (
            {name: each["state"] for name, each in route_states(api).items()}
            == {"moon": "Ready", "narrator": "Unreachable"}
        ),
        within=NOTICED_WITHIN,
        what="the server elsewhere is reached, and the one that no DNS knows here is not",
    )
    states = route_states(api)
    assert "TTSService narrator: " in states["narrator"]["message"]
    told = api.require(TTS_SERVICE, "front")
    assert condition(told, "RoutesReady")["reason"] == "RouteUnreachable"
    assert is_ready(told), "it hands requests on to the other one"
    assert "1 of 2 routes (not narrator)" in condition(told, "Ready")["message"]
    assert "VoicesReady" not in json.dumps(told["status"]["conditions"])
    spoken = httpx2.post(
        f"{front.url}/v1/audio/speech", json={"model": "moon", "voice": "luna", "input": "Hello."}
    )
    assert spoken.status_code == 200


def test_a_name_that_is_none_is_told_and_a_gateway_alone_waits(
    api: Api, operator: OperatorProcess
) -> None:
    names = {"services": {"names": ["ghost"]}}
    api.declare(service("front", backend="gateway", gateway=names))
    told = eventually(
        lambda: route_states(api).get("ghost"), within=TIMEOUT, what="the route in the status"
    )
    assert told["state"] == "Unknown"
    assert "no TTSService named ghost" in told["message"]
    api.declare(service("ghost"))
    eventually(lambda: routes_of(api) == ["ghost"], within=TIMEOUT, what="the route")


def test_a_service_that_lists_who_may_come_lets_in_the_gateway_in_front(
    api: Api, operator: OperatorProcess
) -> None:
    api.declare(service("shy", networkPolicy={"enabled": True, "allowFrom": []}))

    def admitted() -> str:
        policy = api.get(NETWORK_POLICY, "shy") or {}
        return json.dumps(policy.get("spec", {}).get("ingress", []))

    eventually(lambda: api.get(NETWORK_POLICY, "shy"), within=TIMEOUT, what="a policy")
    assert "front" not in admitted()
    api.declare(service("front", backend="gateway"))
    eventually(lambda: "front" in admitted(), within=TIMEOUT, what="the gateway is let in")
    api.delete(TTS_SERVICE, "front")
    eventually(lambda: "front" not in admitted(), within=TIMEOUT, what="it is shut out again")


def test_somebody_elses_server_has_a_status_like_ours_and_its_own_voices(
    api: Api, operator: OperatorProcess, elsewhere: str
) -> None:
    custom = {"port": 8880, "readyPath": "/healthz", "voices": ["luna", "sol"]}
    api.declare(
        service("moon", backend="custom", image="example.com/moon:1", custom=custom), voice("ana")
    )
    eventually(lambda: api.get(DEPLOYMENT, "moon"), within=TIMEOUT, what="a Deployment")
    assert api.get(CONFIG_MAP, "moon-config") is None, "nothing reads it"
    serve(api, "moon", int(elsewhere.rpartition(":")[2]))
    eventually(
        lambda: is_ready(api.require(TTS_SERVICE, "moon")), within=TIMEOUT, what="it is Ready"
    )
    told = api.require(TTS_SERVICE, "moon")
    voices = condition(told, "VoicesReady")
    assert voices["reason"] == "OwnVoices"
    assert "luna, sol; Voice objects do not apply to it" in voices["message"]
    assert "model" not in told["status"], "it fetches none"
    assert condition(api.require(VOICE, "ana"), "Ready")["reason"] == "NotSelected"


def test_a_custom_server_that_does_not_begin_says_why(api: Api, operator: OperatorProcess) -> None:
    api.declare(service("moon", backend="custom", image="example.com/moon:none"))
    eventually(lambda: api.get(DEPLOYMENT, "moon"), within=TIMEOUT, what="a Deployment")
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    pod = create_pod(api, "moon")
    status = container_status("runtime", {"state": waiting})
    api.patch_status(POD, pod, containerStatuses=[status])
    eventually(
        lambda: (
            condition(api.require(TTS_SERVICE, "moon"), "Ready").get("reason") == "ImagePullBackOff"
        ),
        within=TIMEOUT,
        what="the cause in the status",
    )

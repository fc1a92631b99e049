"""Where a service's pods may run, on a real API server, as nodes come and go."""

import json
import time
from typing import Any

import pytest

from speaker_operator.kube.resources import CONFIG_MAP, DEPLOYMENT, NODE, TTS_SERVICE
from tests.apiserver.api import Api, Json, eventually, service, unique_name
from tests.apiserver.children import SETTLE_TIMEOUT, quiesce, settle
from tests.apiserver.kubelet import roll_out
from tests.apiserver.operator_process import OperatorProcess
from tests.support.figures import RecordFigure
from tests.support.kubernetes import condition

pytestmark = pytest.mark.apiserver

OWN = {"backend": "kokoro", "image": "registry.example.com/own:cuda"}


def template(api: Api) -> Json:
    spec: Json = api.require(DEPLOYMENT, "hello")["spec"]["template"]["spec"]
    return spec


def limits(api: Api) -> Json:
    found: Json = template(api)["containers"][0]["resources"]["limits"]
    return found


def spoken_on(api: Api) -> str:
    documents = api.require(CONFIG_MAP, "hello-config")["data"]
    return str(json.loads(documents["config.json"])["devices"]["kind"])


def make_node(api: Api, **resources: str) -> str:
    """A node that offers these resources, as its kubelet would register it."""
    cluster, name = api.in_namespace(""), unique_name("node")
    cluster.create_of(
        NODE, {"apiVersion": NODE.api_version, "kind": NODE.kind, "metadata": {"name": name}}
    )
    cluster.patch_status(NODE, name, allocatable=resources, capacity=resources)
    return name


@pytest.fixture
def resource() -> str:
    """A part of a GPU that no other test knows of."""
    return f"nvidia.com/{unique_name('mig')}"


def test_the_whole_of_gpu_and_placement_is_kept_as_rendered(
    api: Api, operator: OperatorProcess
) -> None:
    requirement = {"key": "zone", "operator": "In", "values": ["a"]}
    terms = {"nodeSelectorTerms": [{"matchExpressions": [requirement]}]}
    near = {"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "db"}}}
    declared = service(
        **OWN,
        gpu={"count": 2, "product": "NVIDIA-L4", "memory": "20Gi", "runtimeClassName": "nvidia"},
        placement={
            "nodeSelector": {"pool": "speech"},
            "tolerations": [{"key": "dedicated", "operator": "Exists"}],
            "priorityClassName": "speech",
            "topologySpreadConstraints": [
                {"topologyKey": "zone"},
                {
                    "topologyKey": "host",
                    "whenUnsatisfiable": "DoNotSchedule",
                    "minDomains": 2,
                    "matchLabelKeys": ["pod-template-hash"],
                    "nodeAffinityPolicy": "Ignore",
                    "nodeTaintsPolicy": "Honor",
                },
            ],
            "affinity": {
                "nodeAffinity": {
                    "requiredDuringSchedulingIgnoredDuringExecution": terms,
                    "preferredDuringSchedulingIgnoredDuringExecution": [
                        {"weight": 1, "preference": {"matchExpressions": [requirement]}}
                    ],
                },
                "podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [near]},
                "podAntiAffinity": {
                    "preferredDuringSchedulingIgnoredDuringExecution": [
                        {"weight": 9, "podAffinityTerm": {**near, "namespaceSelector": {}}}
                    ]
                },
            },
        },
        cache={"size": "1Gi", "retain": False},
    )
    api.create(declared, fieldValidation="Strict")
    settle(api)
    quiesce(operator)
    assert api.require(DEPLOYMENT, "hello")["metadata"]["generation"] == 1, "applied once"
    assert limits(api)["nvidia.com/gpu"] == "2"
    spec = template(api)
    assert (spec["runtimeClassName"], spec["priorityClassName"]) == ("nvidia", "speech")
    required = spec["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert len(required) == 2
    writes = operator.total("speaker_operator_child_writes_total")
    api.patch(TTS_SERVICE, "hello", {"metadata": {"annotations": {"turn": "1"}}})
    quiesce(operator)
    assert operator.total("speaker_operator_child_writes_total") == writes


def test_claims_of_devices_are_passed_through(api: Api, operator: OperatorProcess) -> None:
    claims = [{"name": "big", "resourceClaimTemplateName": "h100", "request": "gpu"}]
    api.create(service(**OWN, gpu={"resourceClaims": claims}), fieldValidation="Strict")
    settle(api)
    quiesce(operator)
    spec = template(api)
    assert spec["resourceClaims"] == [{"name": "big", "resourceClaimTemplateName": "h100"}]
    assert spec["containers"][0]["resources"]["claims"] == [{"name": "big", "request": "gpu"}]
    assert api.require(DEPLOYMENT, "hello")["metadata"]["generation"] == 1, "applied once"


def reason(api: Api, kind: str) -> Any:
    return condition(api.require(TTS_SERVICE, "hello"), kind).get("reason")


def test_a_service_that_falls_back_is_available_on_a_cluster_without_gpus_and_says_so(
    api: Api, operator: OperatorProcess, resource: str
) -> None:
    api.declare(service(**OWN, gpu={"resource": resource, "fallbackToCPU": True}))
    settle(api)
    assert resource not in str(template(api)), "any node fits"
    assert spoken_on(api) == "cpu"
    roll_out(api)
    eventually(
        lambda: reason(api, "Available") == "ServingOnCPU" and reason(api, "Ready") == "ReadyOnCPU",
        within=SETTLE_TIMEOUT,
        what="Ready, on the CPU",
    )
    message = condition(api.require(TTS_SERVICE, "hello"), "Ready")["message"]
    assert f"no node offers 1 {resource}: the pods run on CPUs until one does" in message


def test_it_moves_to_a_gpu_when_a_node_offers_one_and_back_when_none_does(
    api: Api, operator: OperatorProcess, resource: str, record_figure: RecordFigure
) -> None:
    api.declare(service(**OWN, gpu={"resource": resource, "fallbackToCPU": True}))
    settle(api)
    assert spoken_on(api) == "cpu"
    node = make_node(api, **{resource: "1"})
    started = time.monotonic()
    eventually(
        lambda: limits(api).get(resource) == "1" and spoken_on(api) == "gpu",
        within=SETTLE_TIMEOUT,
        what="it asks for a GPU",
    )
    record_figure("node with a GPU to pods that ask for it", time.monotonic() - started, "s")
    api.in_namespace("").delete(NODE, node)
    eventually(
        lambda: resource not in limits(api) and spoken_on(api) == "cpu",
        within=SETTLE_TIMEOUT,
        what="it does without",
    )


def test_without_a_fallback_it_asks_for_a_gpu_that_there_is_not(
    api: Api, operator: OperatorProcess, resource: str
) -> None:
    api.declare(service(**OWN, gpu={"resource": resource}))
    settle(api)
    assert limits(api)[resource] == "1"

"""Where the pods of a service find their GPUs, and when they do without."""

import json
from dataclasses import replace
from typing import Any

import pytest

from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.render.children import render
from speaker_operator.render.gpu import Node, Taint, devices
from speaker_operator.render.settings import RenderSettings
from speaker_runtime.contract import DevicesConfig
from tests.unit.speaker_operator.factories import SETTINGS, service

Json = dict[str, Any]
OWN = {"backend": "kokoro", "image": "registry.example.com/own:cuda"}


def on_gpus(**gpu: Any) -> TTSService:
    return service(**OWN, gpu=gpu)


def node(*, resource: str = "nvidia.com/gpu", count: int = 1, **labels: str) -> Node:
    """A node with GPUs; labels without a prefix are those of feature discovery."""
    named = {f"{resource}.{name}": value for name, value in labels.items()}
    return Node("node-1", named, {resource: str(count)})


def pod(of: TTSService, settings: RenderSettings = SETTINGS) -> Json:
    deployment = next(each for each in render(of, (), settings) if each["kind"] == "Deployment")
    spec: Json = deployment["spec"]["template"]["spec"]
    return spec


def config(of: TTSService, settings: RenderSettings = SETTINGS) -> DevicesConfig:
    documents = next(each for each in render(of, (), settings) if each["kind"] == "ConfigMap")
    found = json.loads(documents["data"]["config.json"])["devices"]
    return DevicesConfig.model_validate(found)


def on_cluster(*nodes: Node) -> RenderSettings:
    return replace(SETTINGS, nodes=nodes)


def test_the_container_that_speaks_asks_for_the_gpus_and_no_other_does() -> None:
    spec = pod(on_gpus(count=2))
    (runtime,), (fetch,) = spec["containers"], spec["initContainers"]
    assert runtime["resources"]["requests"]["nvidia.com/gpu"] == "2"
    assert runtime["resources"]["limits"]["nvidia.com/gpu"] == "2"
    assert "nvidia.com/gpu" not in str(fetch)


def test_the_cpu_and_memory_are_asked_for_all_the_same() -> None:
    resources = pod(on_gpus())["containers"][0]["resources"]
    assert resources["requests"] == {"cpu": "1", "memory": "1Gi", "nvidia.com/gpu": "1"}
    assert resources["limits"] == {"memory": "2Gi", "nvidia.com/gpu": "1"}


def test_a_part_of_a_gpu_is_asked_for_by_its_name() -> None:
    spec = pod(on_gpus(resource="nvidia.com/mig-1g.10gb"))
    assert spec["containers"][0]["resources"]["limits"]["nvidia.com/mig-1g.10gb"] == "1"


def test_the_taint_of_nodes_with_gpus_is_tolerated() -> None:
    own = {"key": "dedicated", "operator": "Equal", "value": "speech"}
    of = service(**OWN, gpu={}, placement={"tolerations": [own]})
    taint = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
    assert pod(of)["tolerations"] == [own, taint]


def test_the_runtime_class_is_the_pods() -> None:
    assert pod(on_gpus(runtimeClassName="nvidia"))["runtimeClassName"] == "nvidia"


def terms(of: TTSService) -> list[Json]:
    affinity = pod(of)["affinity"]["nodeAffinity"]
    found: list[Json] = affinity["requiredDuringSchedulingIgnoredDuringExecution"][
        "nodeSelectorTerms"
    ]
    return found


def test_product_and_memory_choose_nodes_by_the_labels_of_feature_discovery() -> None:
    (term,) = terms(on_gpus(product="NVIDIA-L4", memory="20Gi"))
    assert term["matchExpressions"] == [
        {
            "key": "nvidia.com/gpu.product",
            "operator": "In",
            "values": ["NVIDIA-L4", "NVIDIA-L4-SHARED"],
        },
        {"key": "nvidia.com/gpu.memory", "operator": "Gt", "values": ["20479"]},
    ]


def test_every_choice_of_nodes_that_the_spec_leaves_open_is_narrowed() -> None:
    zones = [{"matchExpressions": [{"key": "zone", "operator": "In", "values": [zone]}]}
             for zone in "ab"]  # fmt: skip
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": zones}}
    of = service(**OWN, gpu={"product": "L4"}, placement={"affinity": {"nodeAffinity": required}})
    assert [[each["key"] for each in term["matchExpressions"]] for term in terms(of)] == [
        ["zone", "nvidia.com/gpu.product"],
        ["zone", "nvidia.com/gpu.product"],
    ]


def test_claims_of_devices_are_the_pods_and_used_by_the_container_that_speaks() -> None:
    claims = [
        {"name": "big", "resourceClaimTemplateName": "h100", "request": "gpu"},
        {"name": "shared", "resourceClaimName": "one"},
    ]
    spec = pod(on_gpus(resourceClaims=claims))
    assert spec["resourceClaims"] == [
        {"name": "big", "resourceClaimTemplateName": "h100"},
        {"name": "shared", "resourceClaimName": "one"},
    ]
    resources = spec["containers"][0]["resources"]
    assert resources["claims"] == [{"name": "big", "request": "gpu"}, {"name": "shared"}]
    assert "nvidia.com/gpu" not in str(spec)


def test_the_runtime_is_told_what_to_speak_on() -> None:
    assert config(on_gpus()) == DevicesConfig(kind="gpu")
    assert config(on_gpus(fallbackToCPU=True)).fallback_to_cpu is True
    assert config(service()) == DevicesConfig(kind="cpu"), "not even on a GPU that it can see"


FALLBACK = {"fallbackToCPU": True, "runtimeClassName": "nvidia", "product": "NVIDIA-L4"}


def test_without_gpus_in_the_cluster_a_pod_that_may_fall_back_fits_on_any_node() -> None:
    settings = on_cluster(Node("node-1", {}, {}))
    spec = pod(on_gpus(**FALLBACK), settings)
    assert "nvidia" not in str(spec).replace("nvidia.com/gpu.product", "")
    assert spec.keys().isdisjoint({"runtimeClassName", "affinity", "tolerations"})
    assert config(on_gpus(**FALLBACK), settings) == DevicesConfig(kind="cpu", fallback_to_cpu=True)


def test_with_gpus_in_the_cluster_it_asks_for_them() -> None:
    settings = on_cluster(Node("node-0", {}, {}), node(product="NVIDIA-L4"))
    spec = pod(on_gpus(**FALLBACK), settings)
    assert spec["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert config(on_gpus(**FALLBACK), settings).kind == "gpu"


@pytest.mark.parametrize(
    ("gpu", "nodes", "kind"),
    [
        ({}, [], "cpu"),
        ({}, [node()], "gpu"),
        ({}, [node(count=0)], "cpu"),
        ({"count": 2}, [node()], "cpu"),
        ({"count": 2}, [node(count=2)], "gpu"),
        ({"resource": "nvidia.com/mig-1g.10gb"}, [node()], "cpu"),
        ({"product": "NVIDIA-L4"}, [node()], "cpu"),
        ({"product": "NVIDIA-L4"}, [node(product="NVIDIA-A100-SXM4-80GB")], "cpu"),
        ({"product": "NVIDIA-L4"}, [node(product="NVIDIA-L4-SHARED")], "gpu"),
        ({"memory": "20Gi"}, [node(memory="20480")], "gpu"),
        ({"memory": "20Gi"}, [node(memory="20479")], "cpu"),
        ({"memory": "20Gi"}, [node(memory="plenty")], "cpu"),
        ({"memory": "20Gi"}, [node()], "cpu"),
    ],
)
def test_what_counts_as_a_node_with_such_a_gpu(gpu: Json, nodes: list[Node], kind: str) -> None:
    assert devices(on_gpus(**gpu, fallbackToCPU=True), nodes).kind == kind


def test_a_node_that_the_selector_excludes_does_not_count() -> None:
    of = service(**OWN, gpu={"fallbackToCPU": True}, placement={"nodeSelector": {"pool": "speech"}})
    assert devices(of, [node()]).kind == "cpu"


DEDICATED = Taint("dedicated", "speech", "NoSchedule")


@pytest.mark.parametrize(
    ("taint", "tolerations", "kind"),
    [
        (DEDICATED, [], "cpu"),
        (DEDICATED, [{"key": "dedicated", "value": "speech"}], "gpu"),
        (DEDICATED, [{"key": "dedicated", "value": "other"}], "cpu"),
        (DEDICATED, [{"key": "dedicated", "operator": "Exists", "effect": "NoExecute"}], "cpu"),
        (DEDICATED, [{"operator": "Exists"}], "gpu"),
        (replace(DEDICATED, effect="PreferNoSchedule"), [], "gpu"),
        (Taint("nvidia.com/gpu", "present", "NoSchedule"), [], "gpu"),
        (Taint("nvidia.com/gpu", "present", "NoExecute"), [], "cpu"),
    ],
)
def test_a_node_whose_taints_are_not_tolerated_does_not_count(
    taint: Taint, tolerations: list[Json], kind: str
) -> None:
    of = service(**OWN, gpu={"fallbackToCPU": True}, placement={"tolerations": tolerations})
    assert devices(of, [replace(node(), taints=(taint,))]).kind == kind


def test_it_says_what_no_node_offers() -> None:
    wanted = {"count": 2, "product": "NVIDIA-L4", "memory": "20Gi"}
    message = devices(on_gpus(**wanted, fallbackToCPU=True), []).message
    assert "no node offers 2 nvidia.com/gpu of product NVIDIA-L4 with 20Gi of memory" in message


def test_who_may_not_look_at_nodes_asks_for_a_gpu_and_says_why() -> None:
    found = devices(on_gpus(fallbackToCPU=True), None)
    assert (found.kind, found.reason) == ("gpu", "NodesUnknown")
    assert "nodeAccess" in found.message


def test_without_a_fallback_the_nodes_do_not_matter() -> None:
    assert devices(on_gpus(), []).kind == "gpu"


def test_pods_are_spread_among_themselves_unless_the_spec_says_whom_to_count() -> None:
    of = service(
        placement={
            "topologySpreadConstraints": [
                {"topologyKey": "zone"},
                {"topologyKey": "rack", "maxSkew": 2, "whenUnsatisfiable": "DoNotSchedule",
                 "labelSelector": {"matchLabels": {"a": "b"}}},
            ]
        }
    )  # fmt: skip
    first, second = pod(of)["topologySpreadConstraints"]
    assert first == {
        "topologyKey": "zone",
        "maxSkew": 1,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {"speaker-tts.dev/service": "hello"}},
    }
    assert (second["maxSkew"], second["whenUnsatisfiable"]) == (2, "DoNotSchedule")
    assert second["labelSelector"] == {"matchLabels": {"a": "b"}}


def test_affinity_is_kept_beside_what_a_cache_needs() -> None:
    term = {"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "db"}}}
    affinity = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    spec = pod(service(cache={"size": "1Gi"}, placement={"affinity": affinity}))
    required = spec["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert [each["topologyKey"] for each in required] == ["zone", "kubernetes.io/hostname"]

"""How many pods there are, and how they are replaced."""

from typing import Any

import pytest

from speaker_operator.api.v1alpha1 import TTSService, Voice
from speaker_operator.render.autoscaler import QUEUE_METRIC
from speaker_operator.render.labels import CONFIG_HASH
from speaker_runtime.services.metrics import RuntimeMetrics
from tests.unit.speaker_operator.factories import service, voice
from tests.unit.speaker_operator.render.rendering import ON_GPU, children, pod


def test_an_autoscaler_decides_the_replicas_alone() -> None:
    scaled = children(service(autoscaling={"maxReplicas": 3, "scaleDownDelay": "90s"}))
    assert "replicas" not in scaled["Deployment"]["spec"]
    autoscaler = scaled["HorizontalPodAutoscaler"]["spec"]
    assert (autoscaler["minReplicas"], autoscaler["maxReplicas"]) == (1, 3)
    assert autoscaler["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 90
    assert autoscaler["scaleTargetRef"]["name"] == scaled["Deployment"]["metadata"]["name"]


CPU_70 = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}


CPU_50 = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}


def queued(seconds: int) -> dict[str, Any]:
    return {
        "metric": {"name": "tts_queued_audio_seconds"},
        "target": {"type": "AverageValue", "averageValue": str(seconds)},
    }


@pytest.mark.parametrize(
    ("spec", "targets", "metrics"),
    [
        ({}, {}, [CPU_70]),
        (ON_GPU, {}, [queued(10)]),
        ({}, {"targetQueuedSeconds": 5}, [queued(5)]),
        (ON_GPU, {"targetCPUUtilization": 50}, [CPU_50]),
        ({}, {"targetQueuedSeconds": 5, "targetCPUUtilization": 50}, [queued(5), CPU_50]),
    ],
)
def test_the_load_is_the_speech_that_waits_for_gpus_and_the_cpu_use_without(
    spec: dict[str, Any], targets: dict[str, Any], metrics: list[dict[str, Any]]
) -> None:
    scaled = children(service(**spec, autoscaling={"maxReplicas": 3, **targets}))
    found = scaled["HorizontalPodAutoscaler"]["spec"]["metrics"]
    assert [each[each["type"].lower()] for each in found] == metrics


def test_the_runtime_has_the_metric_that_autoscalers_are_given() -> None:
    names = {family.name for family in RuntimeMetrics("hello").registry.collect()}
    assert QUEUE_METRIC in names


@pytest.mark.parametrize(
    ("spec", "replicas"), [({}, 1), ({"replicas": 0}, 0), ({"replicas": 4}, 4)]
)
def test_without_an_autoscaler_the_spec_decides_the_replicas(
    spec: dict[str, Any], replicas: int
) -> None:
    of = children(service(**spec))
    assert of["Deployment"]["spec"]["replicas"] == replicas
    assert "HorizontalPodAutoscaler" not in of


def test_pods_are_replaced_when_their_configuration_changes() -> None:
    def config_hash(of: TTSService, *voices: Voice) -> str:
        annotations = children(of, *voices)["Deployment"]["spec"]["template"]["metadata"][
            "annotations"
        ]
        return str(annotations[CONFIG_HASH])

    before = config_hash(service(), voice("ana"))
    assert config_hash(service(), voice("ana")) == before
    assert config_hash(service(), voice("ana", aliases=["nova"])) == before, "pods are told"
    assert config_hash(service()) == before
    assert config_hash(service(serving={"maxQueueSeconds": 5}), voice("ana")) != before
    assert config_hash(service(expose={"port": 81}), voice("ana")) == before


IN_PLACE = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}


SURGE = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


RECREATE = {"type": "Recreate"}


@pytest.mark.parametrize(
    ("spec", "strategy"),
    [
        ({}, SURGE),
        ({"cache": {"size": "1Gi"}}, SURGE),
        (ON_GPU, IN_PLACE),
        ({"cache": {"accessMode": "ReadWriteOncePod"}}, RECREATE),
        ({"cache": {"accessMode": "ReadWriteOncePod"}, **ON_GPU}, RECREATE),
        ({**ON_GPU, "rollout": {"strategy": "surge"}}, SURGE),
        ({"rollout": {"strategy": "inPlace"}}, IN_PLACE),
        ({"rollout": {"strategy": "recreate"}}, RECREATE),
    ],
)
def test_pods_are_replaced_by_what_room_there_is(
    spec: dict[str, Any], strategy: dict[str, Any]
) -> None:
    assert children(service(**spec))["Deployment"]["spec"]["strategy"] == strategy


def test_a_pod_has_time_to_drain_before_it_is_killed() -> None:
    spec = pod(service(serving={"drainSeconds": 100}))
    stop = spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert spec["terminationGracePeriodSeconds"] > 100 + stop

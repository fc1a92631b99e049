"""What KEDA is told."""

import re
from typing import Any

from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.render.children import render
from tests.unit.speaker_operator.factories import SETTINGS, service

Json = dict[str, Any]
PROMETHEUS = "http://prometheus.monitoring:9090"
CRON = {"timezone": "Europe/Berlin", "start": "0 8 * * 1-5", "end": "0 18 * * 1-5"}


def scaled(of: TTSService) -> Json:
    """The spec of the ScaledObject of a service."""
    kinds = {each["kind"]: each for each in render(of, (), SETTINGS)}
    assert "HorizontalPodAutoscaler" not in kinds, "KEDA makes its own"
    assert "replicas" not in kinds["Deployment"]["spec"]
    spec: Json = kinds["ScaledObject"]["spec"]
    return spec


def on_keda(**settings: Any) -> TTSService:
    return service(autoscaling={"engine": "keda", "maxReplicas": 4, **settings})


def test_the_bounds_and_delays_are_those_of_the_spec() -> None:
    spec = scaled(
        on_keda(
            minReplicas=0,
            scaleDownDelay="2m",
            keda={
                "serverAddress": PROMETHEUS,
                "waitingQuery": "sum(waiting)",
                "pollingInterval": "5s",
            },
        )
    )
    assert spec["scaleTargetRef"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": "hello",
    }
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (0, 4)
    assert (spec["pollingInterval"], spec["cooldownPeriod"]) == (5, 120)
    behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    assert behavior["scaleDown"]["stabilizationWindowSeconds"] == 120


def test_speech_that_waits_is_asked_of_prometheus() -> None:
    settings = {"serverAddress": PROMETHEUS, "waitingQuery": "sum(waiting)"}
    queued, waiting = scaled(on_keda(targetQueuedSeconds=5, keda=settings))["triggers"]
    assert (queued["type"], queued["name"]) == ("prometheus", "queued")
    assert queued["metadata"]["serverAddress"] == PROMETHEUS
    assert queued["metadata"]["threshold"] == "5"
    assert queued["metadata"]["activationThreshold"] == "0"
    assert (waiting["name"], waiting["metadata"]["query"]) == ("waiting", "sum(waiting)")
    assert "authenticationRef" not in queued


def test_the_query_sees_the_pods_of_this_service_and_no_others() -> None:
    (queued,) = scaled(on_keda(keda={"serverAddress": PROMETHEUS}))["triggers"]
    query = queued["metadata"]["query"]
    assert query.startswith('sum(tts_queued_audio_seconds{namespace="speech",pod=~"')
    pods = re.compile(query.partition('pod=~"')[2].partition('"')[0])
    assert pods.fullmatch("hello-5f9cdb66c9-x2x8q")
    assert not pods.fullmatch("hello-world-5f9cdb66c9-x2x8q")
    assert not pods.fullmatch("othello-5f9cdb66c9-x2x8q")


def test_a_query_of_ones_own_takes_the_place_of_the_default() -> None:
    settings = {"serverAddress": PROMETHEUS, "query": "max(mine)", "triggerAuthentication": "login"}
    (queued,) = scaled(on_keda(keda=settings))["triggers"]
    assert queued["metadata"]["query"] == "max(mine)"
    assert queued["metadata"]["threshold"] == "10"
    assert queued["authenticationRef"] == {"name": "login"}


def test_cpu_use_and_further_triggers_are_handed_on() -> None:
    cron = {"type": "cron", "metadata": {**CRON, "desiredReplicas": "2"}}
    spec = scaled(on_keda(targetCPUUtilization=60, keda={"triggers": [cron]}))
    assert spec["triggers"] == [
        {"type": "cpu", "metricType": "Utilization", "metadata": {"value": "60"}},
        cron,
    ]


def test_a_suspended_service_has_none() -> None:
    of = service(
        suspend=True,
        autoscaling={"engine": "keda", "maxReplicas": 4, "targetCPUUtilization": 60},
    )
    kinds = {each["kind"]: each for each in render(of, (), SETTINGS)}
    assert "ScaledObject" not in kinds
    assert kinds["Deployment"]["spec"]["replicas"] == 0

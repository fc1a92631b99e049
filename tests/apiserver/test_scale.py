"""Who decides how many pods there are, and that nobody is fought over it."""

import pytest

from cluster.envtest import ControlPlane
from cluster.errors import CommandFailed
from speaker_operator.kube.resources import AUTOSCALER, DEPLOYMENT, TTS_SERVICE
from tests.apiserver.api import Api, Json, eventually, service
from tests.apiserver.children import REPAIR_GOAL, SETTLE_TIMEOUT, quiesce, settle
from tests.apiserver.kubelet import report_deployment, roll_out
from tests.apiserver.operator_process import OperatorProcess
from tests.support.figures import RecordFigure
from tests.support.kubernetes import condition

pytestmark = pytest.mark.apiserver

MOVES = 100
ON_GPUS: Json = {"backend": "kokoro", "image": "registry.example.com/own:cuda", "gpu": {}}


def replicas(api: Api) -> int:
    return int(api.require(DEPLOYMENT, "hello")["spec"]["replicas"])


def test_an_autoscaler_that_moves_the_replicas_100_times_is_never_written_over(
    complete: Api, operator: OperatorProcess, record_figure: RecordFigure
) -> None:
    def writes() -> float:
        return operator.total("speaker_operator_child_writes_total")

    before = writes()
    for move in range(MOVES):
        wanted = 2 + move % 3
        scale = {"spec": {"replicas": wanted}}
        complete.patch(DEPLOYMENT, "hello", scale, subresource="scale")
        report_deployment(complete, replicas=wanted)
        eventually(
            lambda: complete.require(TTS_SERVICE, "hello")["status"]["replicas"] == wanted,  # noqa: B023
            within=SETTLE_TIMEOUT,
            what="the operator has seen the move",
        )
        assert replicas(complete) == wanted
    record_figure(f"writes over {MOVES} moves of an autoscaler", writes() - before, "", goal="0")
    assert writes() == before


def test_turning_autoscaling_on_keeps_the_pods_that_there_are(
    api: Api, operator: OperatorProcess
) -> None:
    api.declare(service(replicas=5))
    settle(api)
    generation = api.require(DEPLOYMENT, "hello")["metadata"]["generation"]
    patch = {"spec": {"replicas": None, "autoscaling": {"maxReplicas": 8}}}
    api.patch(TTS_SERVICE, "hello", patch)
    settle(api)
    deployment = api.require(DEPLOYMENT, "hello")
    assert deployment["spec"]["replicas"] == 5
    assert deployment["metadata"]["generation"] == generation, "it was never anything else"
    api.patch(TTS_SERVICE, "hello", {"spec": {"replicas": 2, "autoscaling": None}})
    settle(api)
    assert api.require(DEPLOYMENT, "hello")["spec"]["replicas"] == 2
    assert api.get(AUTOSCALER, "hello") is None


def test_a_fixed_number_of_pods_is_kept(api: Api, operator: OperatorProcess) -> None:
    api.declare(service(replicas=2))
    settle(api)
    api.patch(DEPLOYMENT, "hello", {"spec": {"replicas": 7}}, subresource="scale")
    eventually(
        lambda: api.require(DEPLOYMENT, "hello")["spec"]["replicas"] == 2,
        within=REPAIR_GOAL,
        what="the replicas are as declared",
    )


def test_kubectl_scale_scales_the_pods(
    api: Api, apiserver: ControlPlane, operator: OperatorProcess
) -> None:
    api.declare(service())
    settle(api)
    apiserver.kubectl("scale", "tts/hello", "--replicas=3", "-n", api.namespace)
    eventually(lambda: replicas(api) == 3, within=REPAIR_GOAL, what="three pods are wanted")
    roll_out(api)
    eventually(
        lambda: api.require(TTS_SERVICE, "hello")["status"]["replicas"] == 3,
        within=SETTLE_TIMEOUT,
        what="the status counts them",
    )
    scale = api.read_scale(TTS_SERVICE, "hello")
    assert scale["spec"]["replicas"] == scale["status"]["replicas"] == 3
    assert scale["status"]["selector"] == "speaker-tts.dev/service=hello"


def test_kubectl_scale_is_told_when_an_autoscaler_decides(
    api: Api, apiserver: ControlPlane
) -> None:
    api.declare(service(autoscaling={"maxReplicas": 3}))
    with pytest.raises(CommandFailed) as refused:
        apiserver.kubectl("scale", "tts/hello", "--replicas=3", "-n", api.namespace)
    assert "replicas and autoscaling exclude each other" in str(refused.value.stderr)


def test_services_with_gpus_scale_by_the_speech_that_waits(
    api: Api, operator: OperatorProcess
) -> None:
    api.create(service(**ON_GPUS, autoscaling={"maxReplicas": 4}), fieldValidation="Strict")
    settle(api)
    quiesce(operator)
    found = api.require(AUTOSCALER, "hello")
    (metric,) = found["spec"]["metrics"]
    assert metric["pods"]["metric"]["name"] == "tts_queued_audio_seconds"
    assert metric["pods"]["target"] == {"type": "AverageValue", "averageValue": "10"}
    writes = operator.total("speaker_operator_child_writes_total")
    api.patch(TTS_SERVICE, "hello", {"metadata": {"annotations": {"turn": "1"}}})
    quiesce(operator)
    assert operator.total("speaker_operator_child_writes_total") == writes


def test_an_autoscaler_without_metrics_is_told_in_the_status(
    api: Api, operator: OperatorProcess
) -> None:
    api.declare(service(**ON_GPUS, autoscaling={"maxReplicas": 4}))
    settle(api)
    roll_out(api)
    blind = {
        "type": "ScalingActive",
        "status": "False",
        "reason": "FailedGetPodsMetric",
        "message": "no custom metrics API (custom.metrics.k8s.io) registered",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    api.patch_status(AUTOSCALER, "hello", desiredReplicas=1, conditions=[blind])

    def told() -> bool:
        ready = condition(api.require(TTS_SERVICE, "hello"), "Ready")
        return ready["status"] == "True" and "no custom metrics API" in ready["message"]

    eventually(told, within=SETTLE_TIMEOUT, what="the status says why nothing is scaled")

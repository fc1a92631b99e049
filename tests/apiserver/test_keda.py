"""KEDA as the autoscaler: its kind comes and goes, and nobody is fought over the pods.

The kind is KEDA's own, so that what is written is what KEDA accepts. Nothing scales here; the
tests do what KEDA does.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cluster.binaries import Binaries
from cluster.config import Config
from cluster.envtest import ControlPlane
from speaker_operator.kube.resources import AUTOSCALER, DEPLOYMENT, SCALED_OBJECT, TTS_SERVICE
from tests.apiserver.api import Api, Json, Refused, eventually, service
from tests.apiserver.children import REPAIR_GOAL, SETTLE_TIMEOUT, quiesce, settle
from tests.apiserver.kubelet import report_deployment, roll_out
from tests.apiserver.operator_process import OperatorProcess
from tests.support.figures import RecordFigure
from tests.support.kubernetes import condition, is_ready

pytestmark = pytest.mark.apiserver

MOVES = 100
COMING_TIMEOUT = 10
ON_KEDA: Json = {
    "autoscaling": {
        "engine": "keda",
        "minReplicas": 0,
        "maxReplicas": 3,
        "scaleDownDelay": "30s",
        "keda": {"serverAddress": "http://prometheus:9090", "waitingQuery": "sum(waiting)"},
    }
}


@contextmanager
def installed(control_plane: ControlPlane, api: Api) -> Iterator[None]:
    """The cluster has the kind while the context is open."""

    def served() -> bool:
        try:
            api.list(SCALED_OBJECT)
        except Refused:  # there is none, or it is not ready to be asked
            return False
        return True

    (file,) = Binaries.of_user(Config.load()).assets("keda")
    crd = str(file)
    control_plane.kubectl("apply", "--server-side", "-f", crd)
    eventually(served, within=COMING_TIMEOUT, what="ScaledObjects are served")
    try:
        yield
    finally:
        control_plane.kubectl("delete", "-f", crd)
        eventually(lambda: not served(), within=COMING_TIMEOUT, what="they are no more")


@pytest.fixture(scope="module")
def keda(apiserver: ControlPlane, admin: Api) -> Iterator[None]:
    with installed(apiserver, admin):
        yield


def progressing(api: Api) -> Json:
    return condition(api.require(TTS_SERVICE, "hello"), "Progressing")


def child_writes(operator: OperatorProcess) -> float:
    return operator.total("speaker_operator_child_writes_total")


def scaled_object(api: Api) -> Json | None:
    return api.get(SCALED_OBJECT, "hello")


def scale(api: Api, replicas: int) -> None:
    """What KEDA and its autoscaler do, and the Deployment's controller."""
    api.patch(DEPLOYMENT, "hello", {"spec": {"replicas": replicas}}, subresource="scale")
    report_deployment(
        api,
        replicas=replicas,
        updatedReplicas=replicas,
        readyReplicas=replicas,
        availableReplicas=replicas,
    )


def test_without_keda_a_service_says_what_it_lacks_and_waits_in_peace(
    api: Api, apiserver: ControlPlane, operator: OperatorProcess, record_figure: RecordFigure
) -> None:
    errors = operator.total("speaker_operator_reconcile_errors_total")
    api.declare(service(**ON_KEDA))
    settle(api)
    assert progressing(api)["reason"] == "KedaMissing"
    assert "install KEDA, or write engine: hpa" in progressing(api)["message"]
    assert api.require(DEPLOYMENT, "hello")["spec"]["replicas"] == 1, "it can serve all the same"
    quiesce(operator)
    assert operator.total("speaker_operator_reconcile_errors_total") == errors, "nothing to retry"

    with installed(apiserver, api):
        eventually(
            lambda: scaled_object(api),
            within=COMING_TIMEOUT,
            what="KEDA is made use of, once there",
        )
        eventually(
            lambda: progressing(api)["reason"] != "KedaMissing",
            within=SETTLE_TIMEOUT,
            what="the status has forgotten it",
        )
    eventually(
        lambda: progressing(api)["reason"] == "KedaMissing",
        within=COMING_TIMEOUT,
        what="it is missed again",
    )
    quiesce(operator)
    assert operator.is_ready(), "the watches of everything else are as they were"
    api.patch(TTS_SERVICE, "hello", {"spec": {"autoscaling": None, "replicas": 2}})
    eventually(
        lambda: api.require(DEPLOYMENT, "hello")["spec"]["replicas"] == 2,
        within=SETTLE_TIMEOUT,
        what="a service that needs no KEDA goes on",
    )
    with installed(apiserver, api):
        quiesce(operator)
        assert scaled_object(api) is None


def test_keda_that_moves_the_replicas_100_times_is_never_written_over(
    keda: None, api: Api, operator: OperatorProcess, record_figure: RecordFigure
) -> None:
    api.declare(service(**ON_KEDA))
    settle(api)
    roll_out(api)
    quiesce(operator)
    before = child_writes(operator)
    for move in range(MOVES):
        wanted = move % 4
        scale(api, wanted)
        eventually(
            lambda: api.require(TTS_SERVICE, "hello")["status"]["replicas"] == wanted,  # noqa: B023
            within=SETTLE_TIMEOUT,
            what="the operator has seen the move",
        )
        assert api.require(DEPLOYMENT, "hello")["spec"]["replicas"] == wanted
    writes = child_writes(operator) - before
    record_figure(f"writes over {MOVES} moves of KEDA, from none to 3", writes, "", goal="0")
    assert writes == 0


def test_a_service_that_keda_lets_rest_is_idle_until_it_is_woken(
    keda: None, api: Api, operator: OperatorProcess
) -> None:
    api.declare(service(**ON_KEDA))
    settle(api)
    roll_out(api)
    eventually(
        lambda: is_ready(api.require(TTS_SERVICE, "hello")),
        within=SETTLE_TIMEOUT,
        what="hello is Ready",
    )
    scale(api, 0)

    def idle() -> bool:
        found = api.require(TTS_SERVICE, "hello")
        return bool(condition(found, "Ready")["reason"] == "Idle")

    eventually(idle, within=SETTLE_TIMEOUT, what="it rests")
    found = api.require(TTS_SERVICE, "hello")
    assert condition(found, "Ready")["status"] == "True"
    assert condition(found, "Available")["reason"] == "ScaledToZero"
    scale(api, 1)
    eventually(lambda: not idle(), within=SETTLE_TIMEOUT, what="it is awake")


def test_a_scaled_object_that_is_edited_or_deleted_is_put_back(
    keda: None, api: Api, operator: OperatorProcess
) -> None:
    api.declare(service(**ON_KEDA))
    before = eventually(lambda: scaled_object(api), within=SETTLE_TIMEOUT, what="it is made")
    settle(api)
    api.patch(SCALED_OBJECT, "hello", {"spec": {"maxReplicaCount": 50}})
    eventually(
        lambda: (scaled_object(api) or {}).get("spec") == before["spec"],
        within=REPAIR_GOAL,
        what="the edited one is as it was",
    )
    api.delete(SCALED_OBJECT, "hello")
    eventually(lambda: scaled_object(api), within=REPAIR_GOAL, what="the deleted one is back")
    quiesce(operator)
    writes = child_writes(operator)
    api.patch(
        SCALED_OBJECT, "hello", {"status": {"hpaName": "keda-hpa-hello"}}, subresource="status"
    )
    api.patch(SCALED_OBJECT, "hello", {"metadata": {"finalizers": ["finalizer.keda.sh"]}})
    quiesce(operator)
    assert child_writes(operator) == writes, "what KEDA writes into it is KEDA's"
    api.patch(SCALED_OBJECT, "hello", {"metadata": {"finalizers": None}})


def test_the_engine_can_be_changed_and_the_pods_stay(
    keda: None, api: Api, operator: OperatorProcess
) -> None:
    api.declare(service(autoscaling={"maxReplicas": 8}))
    settle(api)
    api.patch(DEPLOYMENT, "hello", {"spec": {"replicas": 5}}, subresource="scale")
    generation = api.require(DEPLOYMENT, "hello")["metadata"]["generation"]
    api.patch(TTS_SERVICE, "hello", {"spec": ON_KEDA})
    eventually(lambda: scaled_object(api), within=SETTLE_TIMEOUT, what="KEDA decides")
    assert api.get(AUTOSCALER, "hello") is None
    back = dict.fromkeys(("engine", "minReplicas", "scaleDownDelay", "keda"))
    api.patch(TTS_SERVICE, "hello", {"spec": {"autoscaling": back}})
    eventually(
        lambda: api.get(AUTOSCALER, "hello") and scaled_object(api) is None,
        within=SETTLE_TIMEOUT,
        what="the autoscaler is back",
    )
    settle(api)
    deployment = api.require(DEPLOYMENT, "hello")
    assert deployment["spec"]["replicas"] == 5
    assert deployment["metadata"]["generation"] == generation, "it was never anything else"

"""The cluster's own autoscaler follows the speech that waits in real runtimes."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from cluster.envtest import ControlPlane
from speaker_operator.kube.resources import AUTOSCALER, DEPLOYMENT, TTS_SERVICE
from tests.apiserver.api import Api, connect, eventually, service
from tests.apiserver.controllers import run_controllers
from tests.apiserver.custom_metrics import serve_custom_metrics
from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.serving import (
    ServingKubelet,
    addresses,
    serving_kubelet,
    speak_at_length,
)
from tests.support.figures import RecordFigure
from tests.support.kubernetes import condition, is_ready

pytestmark = pytest.mark.apiserver

TIMEOUT = 90
LISTENERS = 8


@pytest.fixture(scope="module")
def cluster(
    plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ControlPlane]:
    """An API server with controllers, an autoscaler, and metrics for it."""
    folder = tmp_path_factory.mktemp("metrics")
    with run_controllers(plane, folder, autoscaling=True), serve_custom_metrics(plane, folder):
        yield plane


@pytest.fixture(scope="module")
def node(cluster: ControlPlane) -> Iterator[ServingKubelet]:
    with serving_kubelet(cluster) as kubelet:
        yield kubelet


@pytest.fixture
def speech(cluster: ControlPlane) -> Iterator[Api]:
    with connect(cluster) as api:
        own = api.in_namespace("speech")
        own.create_namespace(own.namespace, {})
        yield own


def replicas(api: Api) -> int:
    return int(api.require(DEPLOYMENT, "hello")["spec"]["replicas"])


def test_pods_are_added_while_speech_waits_and_taken_away_afterwards(
    speech: Api, node: ServingKubelet, its_operator: OperatorProcess, record_figure: RecordFigure
) -> None:
    autoscaling = {"maxReplicas": 3, "targetQueuedSeconds": 1, "scaleDownDelay": "2s"}
    speech.declare(service(autoscaling=autoscaling))
    eventually(
        lambda: is_ready(speech.require(TTS_SERVICE, "hello")),
        within=TIMEOUT,
        what="hello is Ready",
    )

    def sees() -> bool:
        found = speech.get(AUTOSCALER, "hello")
        return found is not None and condition(found, "ScalingActive").get("status") == "True"

    eventually(sees, within=TIMEOUT, what="the autoscaler sees what waits")
    assert replicas(speech) == 1
    writes = its_operator.total("speaker_operator_child_writes_total")
    (address,) = addresses(speech, "hello")
    (backend,) = node.backends()
    backend.hold()
    with ThreadPoolExecutor(LISTENERS) as pool:
        orders = [pool.submit(speak_at_length, address, number) for number in range(LISTENERS)]
        started = time.monotonic()
        eventually(lambda: replicas(speech) == 3, within=TIMEOUT, what="three pods are wanted")
        record_figure("speech that waits to three pods wanted", time.monotonic() - started, "s")
        backend.release()
        assert {order.result() for order in orders} == {200}
    eventually(lambda: replicas(speech) == 1, within=TIMEOUT, what="one pod is enough again")
    assert its_operator.total("speaker_operator_child_writes_total") == writes
    ready = condition(speech.require(TTS_SERVICE, "hello"), "Ready")
    assert "its autoscaler cannot scale it" not in ready["message"]

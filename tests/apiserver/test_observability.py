"""What people see of the operator's work: its log, its metrics, and kubectl's columns."""

import json
from typing import Any

import pytest

from cluster.envtest import ControlPlane
from speaker_operator.kube.resources import TTS_SERVICE
from tests.apiserver.api import Api, eventually, service, voice
from tests.apiserver.operator_process import OperatorProcess
from tests.support.kubernetes import condition

pytestmark = pytest.mark.apiserver

TIMEOUT = 10
WORKERS = tuple(f"speaker_operator.reconcile.{name}" for name in ("apply", "reconciler", "telling"))


@pytest.fixture
def declared(api: Api, operator: OperatorProcess) -> Api:
    """A namespace with a service and its voice, which no pod serves yet."""
    api.declare(service(), voice("ana"))
    eventually(
        lambda: condition(api.require(TTS_SERVICE, "hello"), "Ready").get("reason") == "RollingOut",
        within=TIMEOUT,
        what="hello is rolling out",
    )
    return api


def lines(operator: OperatorProcess) -> list[dict[str, Any]]:
    return [json.loads(line) for line in operator.log().splitlines()]


def test_every_line_of_a_reconciliation_names_its_object(
    declared: Api, operator: OperatorProcess
) -> None:
    metadata = declared.require(TTS_SERVICE, "hello")["metadata"]
    about = {
        "kind": "TTSService",
        "namespace": declared.namespace,
        "name": "hello",
        "uid": metadata["uid"],
    }
    of_workers = [line for line in lines(operator) if line["logger"] in WORKERS]
    # one that is gone, or no object of Kubernetes, has no uid to tell
    assert all({"kind", "namespace", "name"} <= line["object"].keys() for line in of_workers)
    ours = [line for line in of_workers if line["object"] == about]
    applied = {line["child"]["kind"] for line in ours if "child" in line}
    assert {"ConfigMap", "Service", "Deployment"} <= applied
    assert any(line["message"].startswith("RollingOut: ") for line in ours)


def test_the_metrics_tell_how_each_service_fares_and_forget_those_that_are_gone(
    declared: Api, operator: OperatorProcess
) -> None:
    where = {"service_namespace": declared.namespace, "service_name": "hello"}

    def states(**labels: str) -> float:
        return operator.total("speaker_operator_service_state", **where, **labels)

    assert states(reason="RollingOut", standing="passing") == 1
    declared.patch(TTS_SERVICE, "hello", {"spec": {"suspend": True}})
    eventually(
        lambda: states(reason="Suspended", standing="at_rest") == 1 and states() == 1,
        within=TIMEOUT,
        what="the metrics tell that hello is suspended, and nothing else",
    )
    declared.delete(TTS_SERVICE, "hello")
    eventually(lambda: states() == 0, within=TIMEOUT, what="the metrics forget hello")


def test_kubectl_shows_what_one_looks_for(declared: Api, apiserver: ControlPlane) -> None:
    shown = apiserver.kubectl("get", "tts", "-o", "wide", "-n", declared.namespace)
    header, row = shown.splitlines()
    columns = ["NAME", "READY", "BACKEND", "VOICES", "SERVING", "REPLICAS", "URL", "MODEL"]
    assert header.split()[:8] == columns
    assert f"http://hello.{declared.namespace}.svc" in row
    assert "RollingOut" in row

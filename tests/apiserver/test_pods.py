"""The last word over pods, suspension, and the guards around them, on a real API server."""

import pytest

from speaker_operator.kube.resources import (
    AUTOSCALER,
    BUDGET,
    DEPLOYMENT,
    NETWORK_POLICY,
    SERVICE,
    TTS_SERVICE,
)
from tests.apiserver.api import Api, Json, eventually, service
from tests.apiserver.children import REPAIR_GOAL, SETTLE_TIMEOUT, quiesce, settle
from tests.apiserver.kubelet import report_deployment
from tests.apiserver.operator_process import OperatorProcess
from tests.support.kubernetes import condition

pytestmark = pytest.mark.apiserver

SAFE = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
EVERY_KIND_OF_FIELD: Json = {
    "metadata": {"labels": {"team": "media"}, "annotations": {"example.com/mesh": "on"}},
    "spec": {
        "dnsPolicy": "ClusterFirst",
        "imagePullSecrets": [{"name": "registry"}],
        "hostAliases": [{"ip": "192.0.2.1", "hostnames": ["models"]}],
        "tolerations": [{"key": "speech", "operator": "Exists"}],
        "containers": [
            {
                "name": "runtime",
                "env": [{"name": "TZ", "value": "UTC"}],
                "resources": {"limits": {"cpu": "1500m"}},
                "livenessProbe": {"timeoutSeconds": 9},
            },
            {
                "name": "proxy",
                "image": "proxy:1",
                "ports": [{"containerPort": 9000}],
                "securityContext": SAFE,
                "readinessProbe": {"tcpSocket": {"port": 9000}},
                "env": [{"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
            },
        ],
        "volumes": [
            {"name": "tmp", "emptyDir": {"sizeLimit": "512Mi"}},
            {
                "name": "token",
                "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]},
            },
        ],
    },
}


def template(api: Api) -> Json:
    found: Json = api.require(DEPLOYMENT, "hello")["spec"]["template"]
    return found


def test_the_last_word_over_the_pods_is_applied_once_and_kept(
    api: Api, operator: OperatorProcess
) -> None:
    api.create(service(podTemplate=EVERY_KIND_OF_FIELD), fieldValidation="Strict")
    settle(api)
    quiesce(operator)
    deployment = api.require(DEPLOYMENT, "hello")
    assert deployment["metadata"]["generation"] == 1, "applied once"
    spec = template(api)["spec"]
    runtime, proxy = spec["containers"]
    assert (runtime["livenessProbe"]["timeoutSeconds"], runtime["args"][0]) == (9, "serve")
    assert proxy["ports"] == [{"containerPort": 9000, "protocol": "TCP"}]
    writes = operator.total("speaker_operator_child_writes_total")
    api.patch(TTS_SERVICE, "hello", {"metadata": {"annotations": {"turn": "1"}}})
    quiesce(operator)
    assert operator.total("speaker_operator_child_writes_total") == writes
    assert operator.total("speaker_operator_reconcile_errors_total", reason="Unenforced") == 0


def test_what_it_takes_back_is_taken_back(api: Api, operator: OperatorProcess) -> None:
    api.declare(service())
    settle(api)
    before = template(api)
    api.patch(TTS_SERVICE, "hello", {"spec": {"podTemplate": EVERY_KIND_OF_FIELD}})
    settle(api)
    assert template(api) != before
    api.patch(TTS_SERVICE, "hello", {"spec": {"podTemplate": None}})
    settle(api)
    assert template(api) == before


def test_a_last_word_that_kubernetes_refuses_reaches_the_status(
    api: Api, operator: OperatorProcess
) -> None:
    api.declare(service(podTemplate={"spec": {"dnsPolicy": "Psychic"}}))

    def told() -> bool:
        ready = condition(api.require(TTS_SERVICE, "hello"), "Ready")
        return ready.get("reason") == "Invalid" and "dnsPolicy" in ready["message"]

    eventually(told, within=SETTLE_TIMEOUT, what="the status says what is invalid")


def test_a_suspended_service_has_no_pods_and_nobody_who_makes_any(
    complete: Api, operator: OperatorProcess
) -> None:
    complete.patch(DEPLOYMENT, "hello", {"spec": {"replicas": 3}}, subresource="scale")
    complete.patch(TTS_SERVICE, "hello", {"spec": {"suspend": True}})
    settle(complete)
    eventually(
        lambda: complete.get(AUTOSCALER, "hello") is None,
        within=REPAIR_GOAL,
        what="the autoscaler is gone",
    )
    assert complete.require(DEPLOYMENT, "hello")["spec"]["replicas"] == 0
    assert complete.get(BUDGET, "hello") is None
    assert complete.get(SERVICE, "hello") is not None
    report_deployment(complete, replicas=0)
    eventually(
        lambda: condition(complete.require(TTS_SERVICE, "hello"), "Ready")["reason"] == "Suspended",
        within=SETTLE_TIMEOUT,
        what="the status says that it is suspended",
    )


def test_a_service_that_goes_on_gets_its_autoscaler_back_with_pods_to_scale(
    api: Api, operator: OperatorProcess
) -> None:
    bounds = {"minReplicas": 2, "maxReplicas": 4}
    api.declare(service(suspend=True, autoscaling=bounds))
    settle(api)
    assert api.require(DEPLOYMENT, "hello")["spec"]["replicas"] == 0
    api.patch(TTS_SERVICE, "hello", {"spec": {"suspend": None}})
    settle(api)
    assert api.require(DEPLOYMENT, "hello")["spec"]["replicas"] == 2
    assert api.require(AUTOSCALER, "hello")["spec"]["minReplicas"] == 2
    api.patch(DEPLOYMENT, "hello", {"spec": {"replicas": 4}}, subresource="scale")
    quiesce(operator)
    assert api.require(DEPLOYMENT, "hello")["spec"]["replicas"] == 4, "it is the autoscaler's"


def test_the_guards_come_and_go_with_the_spec(api: Api, operator: OperatorProcess) -> None:
    peers = [
        {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "shop"}}},
        {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}},
    ]
    policy = {"enabled": True, "allowFrom": peers, "allowTo": peers}
    api.create(service(replicas=2, networkPolicy=policy), fieldValidation="Strict")
    settle(api)
    quiesce(operator)
    found = api.require(NETWORK_POLICY, "hello")
    assert found["metadata"]["generation"] == 1, "applied once"
    assert found["spec"]["ingress"][0]["from"] == peers
    assert api.require(BUDGET, "hello")["spec"]["maxUnavailable"] == 1
    api.patch(TTS_SERVICE, "hello", {"spec": {"replicas": 1, "networkPolicy": None}})
    settle(api)
    eventually(
        lambda: api.get(NETWORK_POLICY, "hello") is None and api.get(BUDGET, "hello") is None,
        within=REPAIR_GOAL,
        what="the guards are gone",
    )

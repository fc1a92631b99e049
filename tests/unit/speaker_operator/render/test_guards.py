"""What keeps a service safe from its neighbours: the disruption budget and the network policy."""

from dataclasses import replace
from typing import Any

import pytest

from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.render.children import render
from tests.unit.speaker_operator.factories import SETTINGS, service

Json = dict[str, Any]


def child(of: TTSService, kind: str) -> Json | None:
    return next((each for each in render(of, (), SETTINGS) if each["kind"] == kind), None)


def spec_of(of: TTSService, kind: str) -> Json:
    found = child(of, kind)
    assert found is not None
    spec: Json = found["spec"]
    return spec


@pytest.mark.parametrize(
    ("spec", "budget"),
    [
        ({}, False),
        ({"replicas": 1}, False),
        ({"replicas": 2}, True),
        ({"autoscaling": {"maxReplicas": 5}}, False),
        ({"autoscaling": {"maxReplicas": 5, "minReplicas": 2}}, True),
        ({"replicas": 2, "suspend": True}, False),
        ({"replicas": 2, "disruptionBudget": {"enabled": False}}, False),
    ],
)
def test_a_budget_guards_services_that_always_have_several_pods(spec: Json, budget: bool) -> None:
    assert (child(service(**spec), "PodDisruptionBudget") is not None) is budget


def test_a_budget_always_lets_a_pod_go() -> None:
    budget = spec_of(service(replicas=2), "PodDisruptionBudget")
    assert budget["maxUnavailable"] == 1
    assert "minAvailable" not in budget
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    assert budget["selector"] == {"matchLabels": {"speaker-tts.dev/service": "hello"}}


def test_several_pods_may_be_let_go_at_once() -> None:
    of = service(replicas=9, disruptionBudget={"maxUnavailable": 3})
    assert spec_of(of, "PodDisruptionBudget")["maxUnavailable"] == 3


def policy(**spec: Any) -> Json:
    return spec_of(service(networkPolicy={"enabled": True, **spec}), "NetworkPolicy")


def test_there_is_no_policy_unless_one_is_asked_for() -> None:
    assert child(service(), "NetworkPolicy") is None
    assert child(service(networkPolicy={"allowFrom": []}), "NetworkPolicy") is None


def test_the_namespace_is_let_in_and_nobody_else_unless_the_spec_says_who() -> None:
    assert policy() == {
        "podSelector": {"matchLabels": {"speaker-tts.dev/service": "hello"}},
        "policyTypes": ["Ingress"],
        "ingress": [
            {
                "from": [{"podSelector": {}}],
                "ports": [{"port": "http", "protocol": "TCP"}],
            }
        ],
    }


def test_only_those_who_are_listed_are_let_in() -> None:
    shop = {"namespaceSelector": {"matchLabels": {"team": "shop"}}}
    outside = {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}
    (rule,) = policy(allowFrom=[shop, outside, {"podSelector": {}}])["ingress"]
    assert rule["from"] == [shop, outside, {"podSelector": {}}]


def test_an_empty_list_lets_nobody_in() -> None:
    assert "ingress" not in policy(allowFrom=[])


def test_the_operator_is_let_in_even_where_nobody_else_is() -> None:
    settings = replace(SETTINGS, operator_namespace="speaker-system")
    of = service(networkPolicy={"enabled": True, "allowFrom": []})
    found = next(each for each in render(of, (), settings) if each["kind"] == "NetworkPolicy")
    (rule,) = found["spec"]["ingress"]
    assert rule["from"] == [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "speaker-system"}},
            "podSelector": {"matchLabels": {"app.kubernetes.io/name": "speaker-tts-operator"}},
        }
    ]


def test_pods_fetch_their_model_from_anywhere_unless_the_spec_says_where() -> None:
    assert "egress" not in policy()
    mirror = {"ipBlock": {"cidr": "192.0.2.0/24"}}
    found = policy(allowTo=[mirror])
    assert found["policyTypes"] == ["Ingress", "Egress"]
    dns, listed = found["egress"]
    assert {each["protocol"] for each in dns["ports"]} == {"UDP", "TCP"}
    assert {each["port"] for each in dns["ports"]} == {53}
    assert listed == {"to": [mirror]}


def test_to_nobody_leaves_the_names() -> None:
    (dns,) = policy(allowTo=[])["egress"]
    assert "to" not in dns


def test_a_suspended_service_keeps_all_but_its_pods_and_its_autoscaler() -> None:
    of = service(
        suspend=True, autoscaling={"maxReplicas": 3, "minReplicas": 2}, cache={"size": "1Gi"}
    )
    kinds = {each["kind"] for each in render(of, (), SETTINGS)}
    assert kinds == {"ConfigMap", "PersistentVolumeClaim", "Service", "Deployment"}
    assert spec_of(of, "Deployment")["replicas"] == 0


def test_a_service_that_goes_on_has_as_many_pods_as_before() -> None:
    assert spec_of(service(replicas=3, suspend=True), "Deployment")["replicas"] == 0
    assert spec_of(service(replicas=3), "Deployment")["replicas"] == 3

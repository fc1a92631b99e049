"""The rules that stand in for a network plugin in the end-to-end tests."""

from typing import Any

from tests.support.netpolicy import Cluster, ruleset, selects

Json = dict[str, Any]


def pod(name: str, address: str, namespace: str = "speech", **labels: str) -> Json:
    ports = [{"name": "http", "containerPort": 8080}]
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"containers": [{"ports": ports}]},
        "status": {"phase": "Running", "podIP": address},
    }


def rules(*policies: Json) -> str:
    pods = [
        pod("server", "198.18.0.2", app="server"),
        pod("client", "198.18.0.3", role="client"),
        pod("stranger", "198.18.0.4"),
        pod("visitor", "198.18.0.5", namespace="other", role="client"),
    ]
    namespaces = [
        {"metadata": {"name": name, "labels": {"name": name}}} for name in ("speech", "other")
    ]
    return ruleset(Cluster.read(pods, namespaces, policies), "policies", "bridge0")


def policy(**spec: Any) -> Json:
    selector = {"podSelector": {"matchLabels": {"app": "server"}}}
    return {"metadata": {"namespace": "speech"}, "spec": {**selector, **spec}}


def ingress(*peers: Json) -> str:
    rule = {"from": peers, "ports": [{"port": "http", "protocol": "TCP"}]}
    return rules(policy(policyTypes=["Ingress"], ingress=[rule] if peers else []))


def test_pods_that_no_policy_selects_are_open() -> None:
    assert "drop" not in rules()
    assert "198.18.0.3 : jump" not in ingress()


def test_a_policy_without_a_rule_lets_nobody_in() -> None:
    text = ingress()
    assert "chain ingress0 {\ncounter drop\n}" in text
    assert "elements = { 198.18.0.2 : jump ingress0 }" in text


def test_peers_are_found_by_labels_in_the_policys_namespace_or_in_those_that_are_named() -> None:
    clients = {"podSelector": {"matchLabels": {"role": "client"}}}
    assert "ip saddr { 198.18.0.3 } tcp dport 8080 return" in ingress(clients)
    elsewhere = {"namespaceSelector": {"matchLabels": {"name": "other"}}, **clients}
    assert "ip saddr { 198.18.0.5 } tcp dport 8080 return" in ingress(elsewhere)
    assert "return" not in ingress({"podSelector": {"matchLabels": {"role": "nobody"}}})


def test_ranges_of_addresses_may_leave_some_out() -> None:
    block = {"ipBlock": {"cidr": "198.18.0.0/24", "except": ["198.18.0.4/32"]}}
    assert "ip saddr 198.18.0.0/24 ip saddr != 198.18.0.4/32 tcp dport 8080 return" in ingress(
        block
    )


def test_a_rule_without_peers_is_about_everybody() -> None:
    dns = {"ports": [{"port": 53, "protocol": "UDP"}]}
    text = rules(policy(policyTypes=["Egress"], egress=[dns]))
    assert "chain egress0 {\nudp dport 53 return\ncounter drop\n}" in text


def test_selectors_with_expressions() -> None:
    expression = {"key": "role", "operator": "NotIn", "values": ["client"]}
    assert selects({"matchExpressions": [expression]}, {})
    assert not selects({"matchExpressions": [expression]}, {"role": "client"})
    assert selects({"matchExpressions": [{"key": "role", "operator": "Exists"}]}, {"role": "x"})

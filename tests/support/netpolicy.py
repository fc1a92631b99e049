"""NetworkPolicies as nftables rules, for a test cluster whose network plugin enforces none. Pure.

Every pod that a policy isolates gets one chain per direction: what an allowing rule matches returns
from it, the rest is dropped. ``return`` and not ``accept``, so that both ends of a connection are
judged. Numbers and names of ports, peers by labels and by address ranges are understood; ranges of
ports (``endPort``) are not used by the project and raise.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Json = Mapping[str, Any]
Direction = Literal["Ingress", "Egress"]
ANYBODY = ""
"""Stands for a match of all addresses."""


@dataclass(frozen=True)
class Cluster:
    """What policies are about."""

    pods: tuple[Json, ...]
    namespaces: Mapping[str, Mapping[str, str]]
    """The labels of each, by name."""
    policies: tuple[Json, ...]

    @classmethod
    def read(
        cls, pods: Iterable[Json], namespaces: Iterable[Json], policies: Iterable[Json]
    ) -> "Cluster":
        """Make it of what the API server lists."""
        labels = {each["metadata"]["name"]: _labels(each) for each in namespaces}
        return cls(tuple(filter(_is_networked, pods)), labels, tuple(policies))


def ruleset(cluster: Cluster, table: str, bridge: str) -> str:
    """The table that enforces the cluster's policies, in place of the one that there is."""
    chains: list[str] = []
    jumps: dict[Direction, list[str]] = {"Ingress": [], "Egress": []}
    for number, pod in enumerate(cluster.pods):
        for direction, elements in jumps.items():
            policies = [each for each in cluster.policies if _isolates(each, pod, direction)]
            if policies:
                name = f"{direction.lower()}{number}"
                rules = [
                    rule for each in policies for rule in _rules(cluster, each, pod, direction)
                ]
                chains.append("\n".join([f"chain {name} {{", *rules, "counter drop", "}"]))
                elements.append(f"{pod['status']['podIP']} : jump {name}")
    text = [f"table ip {table}", f"delete table ip {table}", f"table ip {table} {{", *chains]
    for name, elements in (("ingress", jumps["Ingress"]), ("egress", jumps["Egress"])):
        listed = f"elements = {{ {', '.join(elements)} }}" if elements else ""
        text.append(f"map {name} {{ type ipv4_addr : verdict\n{listed}\n}}")
    text += [
        "chain forward {",
        "type filter hook forward priority -5",
        "ct state established,related accept",
        "ip saddr vmap @egress",
        "ip daddr vmap @ingress",
        "}",
        "chain input {",  # from pods to the node, and to the API server on it
        "type filter hook input priority -5",
        "ct state established,related accept",
        f'iifname "{bridge}" ip saddr vmap @egress',
        "}",
        "}",
    ]
    return "\n".join(text) + "\n"


def selects(selector: Json, labels: Mapping[str, str]) -> bool:
    """Whether a label selector chooses an object with these labels."""
    wanted = selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _meets(each, labels) for each in selector.get("matchExpressions") or ()
    )


def _meets(requirement: Json, labels: Mapping[str, str]) -> bool:
    key, values = requirement["key"], requirement.get("values") or ()
    return {
        "In": labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }[requirement["operator"]]


def _isolates(policy: Json, pod: Json, direction: Direction) -> bool:
    spec = policy["spec"]
    return (
        policy["metadata"]["namespace"] == pod["metadata"]["namespace"]
        and direction in spec["policyTypes"]
        and selects(spec.get("podSelector") or {}, _labels(pod))
    )


def _rules(cluster: Cluster, policy: Json, pod: Json, direction: Direction) -> Iterator[str]:
    ingress = direction == "Ingress"
    field, key = ("saddr", "from") if ingress else ("daddr", "to")
    for rule in policy["spec"].get(direction.lower()) or ():
        peers = rule.get(key)
        if peers:
            namespace = policy["metadata"]["namespace"]
            found = [each for peer in peers for each in _addresses(cluster, peer, namespace, field)]
        else:
            found = [ANYBODY]
        ports = list(_ports(rule, pod)) if rule.get("ports") else [""]
        yield from (f"{who} {port} return".strip() for who in found for port in ports)


def _addresses(cluster: Cluster, peer: Json, namespace: str, field: str) -> Iterator[str]:
    """Matches of the addresses of a peer; none where it is nobody."""
    if "ipBlock" in peer:
        block = peer["ipBlock"]
        left_out = "".join(f" ip {field} != {each}" for each in block.get("except") or ())
        yield f"ip {field} {block['cidr']}{left_out}"
        return
    found = [
        pod["status"]["podIP"]
        for pod in cluster.pods
        if _is_in(cluster, pod, peer.get("namespaceSelector"), namespace)
        and selects(peer.get("podSelector") or {}, _labels(pod))
    ]
    if found:
        yield f"ip {field} {{ {', '.join(sorted(found))} }}"


def _is_in(cluster: Cluster, pod: Json, selector: Json | None, namespace: str) -> bool:
    where = pod["metadata"]["namespace"]
    if selector is None:
        return bool(where == namespace)
    return selects(selector, cluster.namespaces.get(where, {}))


def _ports(rule: Json, pod: Json) -> Iterator[str]:
    for entry in rule["ports"]:
        assert "endPort" not in entry, "ranges of ports are not understood"
        protocol = entry.get("protocol", "TCP").lower()
        port = entry.get("port")
        if port is None:
            yield f"meta l4proto {protocol}"
        elif isinstance(port, int):
            yield f"{protocol} dport {port}"
        else:
            yield from (f"{protocol} dport {each}" for each in _named(pod, port))


def _named(pod: Json, name: str) -> list[int]:
    return [
        port["containerPort"]
        for container in pod["spec"]["containers"]
        for port in container.get("ports") or ()
        if port.get("name") == name
    ]


def _labels(manifest: Json) -> Mapping[str, str]:
    return manifest["metadata"].get("labels") or {}


def _is_networked(pod: Json) -> bool:
    """Whether the pod has an address of its own now."""
    status = pod.get("status", {})
    alive = status.get("phase") not in {"Succeeded", "Failed"}
    return alive and "podIP" in status and not pod["spec"].get("hostNetwork", False)

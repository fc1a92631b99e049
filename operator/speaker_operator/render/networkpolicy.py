"""The NetworkPolicy of a service that asks for one."""

from collections.abc import Iterable
from typing import Any, Final

from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.api.v1alpha1.network import Peer
from speaker_operator.render import metadata, names
from speaker_operator.render.caches import ModelCache
from speaker_operator.render.labels import OPERATOR_LABELS, cache_labels, selector_labels
from speaker_operator.render.routes import selects
from speaker_operator.render.settings import RenderSettings

_DNS: Final = 53
NAMESPACE_NAME: Final = "kubernetes.io/metadata.name"
"""Label that every namespace has: its own name."""


def network_policy(service: TTSService, settings: RenderSettings) -> metadata.Manifest:
    """Render the policy; where nothing is said about a direction of traffic, it stays open."""
    policy = service.spec.network_policy
    spec: dict[str, Any] = {
        "podSelector": {"matchLabels": selector_labels(service.metadata.name)},
        "policyTypes": ["Ingress"],
        **_ingress(policy.allow_from, [*_operator(settings), *_gateways(service, settings)]),
    }
    if policy.allow_to is not None:
        spec["policyTypes"].append("Egress")
        spec["egress"] = _egress(policy.allow_to, _services_behind(service, settings))
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata.owned(service, names.deployment(service.metadata.name)),
        "spec": spec,
    }


def fetch_policy(cache: ModelCache, settings: RenderSettings) -> metadata.Manifest | None:
    """Render the policy of the pod that fills a cache, if any service that uses it has one.

    Nobody but the operator has to reach it. It may connect to where the services' pods may.
    """
    policies = [each.spec.network_policy for each in cache.users]
    policies = [each for each in policies if each.enabled]
    if not policies:
        return None
    spec: dict[str, Any] = {
        "podSelector": {"matchLabels": cache_labels(cache.place.key)},
        "policyTypes": ["Ingress"],
        **_ingress((), _operator(settings)),
    }
    allowed = [each.allow_to for each in policies if each.allow_to is not None]
    if len(allowed) == len(policies):
        spec["policyTypes"].append("Egress")
        spec["egress"] = _egress([peer for peers in allowed for peer in peers], ())
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": names.shared_cache(cache.place.source, cache.place.key),
            "namespace": cache.lead.metadata.namespace,
            "labels": cache_labels(cache.place.key),
        },
        "spec": spec,
    }


def _operator(settings: RenderSettings) -> list[dict[str, Any]]:
    """The operator itself, which tells running pods of changed voices."""
    if settings.operator_namespace is None:
        return []
    namespace = {NAMESPACE_NAME: settings.operator_namespace}
    return [
        {
            "namespaceSelector": {"matchLabels": namespace},
            "podSelector": {"matchLabels": dict(OPERATOR_LABELS)},
        }
    ]


def _gateways(service: TTSService, settings: RenderSettings) -> list[dict[str, Any]]:
    """The gateways in front of the service, where only those may come who are listed."""
    if service.spec.network_policy.allow_from is None:
        return []  # they are of the namespace, like everybody who may
    return [_pods(each) for each in settings.services if selects(each, service)]


def _services_behind(service: TTSService, settings: RenderSettings) -> list[dict[str, Any]]:
    """The services behind a gateway; whoever else is behind it has to be listed."""
    return [_pods(each) for each in settings.services if selects(service, each)]


def _pods(service: TTSService) -> dict[str, Any]:
    return {"podSelector": {"matchLabels": selector_labels(service.metadata.name)}}


def _ingress(allowed: Iterable[Peer] | None, always: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """A rule with no peers would let everybody in: nobody is no rule at all."""
    listed = [{"podSelector": {}}] if allowed is None else _peers(allowed)
    peers = [*listed, *always]
    port = {"port": names.HTTP_PORT_NAME, "protocol": "TCP"}
    return {"ingress": [{"from": peers, "ports": [port]}]} if peers else {}


def _egress(allowed: Iterable[Peer], always: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    peers = [*_peers(allowed), *always]
    dns = {"ports": [{"port": _DNS, "protocol": protocol} for protocol in ("UDP", "TCP")]}
    return [dns, {"to": peers}] if peers else [dns]


def _peers(peers: Iterable[Peer]) -> list[dict[str, Any]]:
    return [peer.model_dump(mode="json", by_alias=True, exclude_defaults=True) for peer in peers]

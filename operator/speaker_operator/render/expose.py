"""The ways to a speech service from outside of the cluster."""

from typing import Any

from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.api.v1alpha1.expose import HTTPRouteSpec, IngressSpec
from speaker_operator.render import metadata, names


def http_route(service: TTSService, route: HTTPRouteSpec) -> metadata.Manifest:
    """Render the HTTPRoute."""
    backend = {
        "name": names.kubernetes_service(service.metadata.name),
        "port": service.spec.expose.port,
    }
    rule: dict[str, Any] = {"backendRefs": [backend]}
    if route.timeout is not None:
        rule["timeouts"] = {"request": route.timeout}
    spec: dict[str, Any] = {
        "parentRefs": [
            each.model_dump(mode="json", by_alias=True, exclude_none=True)
            for each in route.parent_refs
        ],
        "rules": [rule],
    }
    if route.hostnames:
        spec["hostnames"] = list(route.hostnames)
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": _annotated(service, route.annotations),
        "spec": spec,
    }


def ingress(service: TTSService, wanted: IngressSpec) -> metadata.Manifest:
    """Render the Ingress."""
    backend = {
        "service": {
            "name": names.kubernetes_service(service.metadata.name),
            "port": {"name": names.HTTP_PORT_NAME},
        }
    }
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    spec: dict[str, Any] = {"rules": [{"host": wanted.host, "http": {"paths": [path]}}]}
    if wanted.class_name is not None:
        spec["ingressClassName"] = wanted.class_name
    if wanted.tls_secret is not None:
        spec["tls"] = [{"hosts": [wanted.host], "secretName": wanted.tls_secret}]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": _annotated(service, wanted.annotations),
        "spec": spec,
    }


def _annotated(service: TTSService, annotations: dict[str, str]) -> dict[str, Any]:
    owned = metadata.owned(service, names.kubernetes_service(service.metadata.name))
    return owned | ({"annotations": dict(annotations)} if annotations else {})

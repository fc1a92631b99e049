"""Where the pods of a service run: what the spec says, and what its volumes and GPUs need."""

import copy
from typing import Any, Final

from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.render import gpu
from speaker_operator.render.caches import ModelCache, place_of
from speaker_operator.render.labels import CACHE, selector_labels

_REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED: Final = "preferredDuringSchedulingIgnoredDuringExecution"


def placement(service: TTSService, on: gpu.Devices, cache: ModelCache | None) -> dict[str, Any]:
    """Render the fields of a pod that decide its node."""
    spread = _spread(service)
    fields = _node_fields(service, on, _together(service, cache))
    return fields | ({"topologySpreadConstraints": spread} if spread else {})


def fetch_placement(cache: ModelCache, on: gpu.Devices) -> dict[str, Any]:
    """Render the same for the pod that fills a cache: it asks for no GPU.

    A volume of one node is made where its pod runs, so that has to be where the service can run.
    """
    if not cache.on_one_node:
        on = gpu.Devices("cpu")
    fields = _node_fields(cache.lead, on, _together(cache.lead, cache))
    if cache.place.kind == "existing":  # whose access mode nobody told
        pods = fields.setdefault("affinity", {}).setdefault("podAffinity", {})
        near = {"weight": 100, "podAffinityTerm": _beside({CACHE: cache.place.key})}
        pods[_PREFERRED] = [*pods.get(_PREFERRED, ()), near]
    return fields


def _node_fields(
    service: TTSService, on: gpu.Devices, together: list[dict[str, Any]]
) -> dict[str, Any]:
    given = service.spec.placement
    fields: dict[str, Any] = {
        "nodeSelector": given.node_selector,
        "tolerations": [
            *(each.model_dump(by_alias=True, exclude_none=True) for each in given.tolerations),
            *gpu.tolerations(service, on),
        ],
        "priorityClassName": given.priority_class_name,
        "affinity": _affinity(service, on, together),
    }
    return {name: value for name, value in fields.items() if value}


def _spread(service: TTSService) -> list[dict[str, Any]]:
    own = {"labelSelector": {"matchLabels": selector_labels(service.metadata.name)}}
    return [
        own
        | {"maxSkew": each.max_skew, "whenUnsatisfiable": each.when_unsatisfiable}
        | each.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        for each in service.spec.placement.topology_spread_constraints
    ]


def _affinity(
    service: TTSService, on: gpu.Devices, together: list[dict[str, Any]]
) -> dict[str, Any]:
    given = service.spec.placement.affinity
    affinity = (
        {} if given is None else given.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    )
    requirements = gpu.node_requirements(service, on)
    if requirements:
        affinity["nodeAffinity"] = _narrowed(affinity.get("nodeAffinity", {}), requirements)
    if together:
        pods = affinity.setdefault("podAffinity", {})
        pods[_REQUIRED] = [*pods.get(_REQUIRED, ()), *together]
    return affinity


def _narrowed(affinity: dict[str, Any], requirements: list[dict[str, Any]]) -> dict[str, Any]:
    """The affinity with requirements added to each of its terms: any one of them is enough."""
    narrowed = copy.deepcopy(affinity)
    selector = narrowed.setdefault(_REQUIRED, {})
    terms = selector.get("nodeSelectorTerms", [{}])
    selector["nodeSelectorTerms"] = [
        {**term, "matchExpressions": [*term.get("matchExpressions", ()), *requirements]}
        for term in terms
    ]
    return narrowed


def _together(service: TTSService, cache: ModelCache | None) -> list[dict[str, Any]]:
    """Keep all pods on the node of a ReadWriteOnce cache: elsewhere they could never mount it."""
    if cache is not None:
        return [_beside({CACHE: cache.place.key})] if cache.on_one_node else []
    place, spec = place_of(service), service.spec.cache
    if place is None or spec is None or place.kind != "private":
        return []
    if spec.access_mode not in (None, "ReadWriteOnce"):
        return []
    return [_beside(selector_labels(service.metadata.name))]


def _beside(labels: dict[str, str]) -> dict[str, Any]:
    return {"labelSelector": {"matchLabels": labels}, "topologyKey": "kubernetes.io/hostname"}

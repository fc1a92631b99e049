"""Where the pods of a service run: what the spec says, and what its volumes and GPUs need."""

import copy
from typing import Any, Final

from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.render import claim, gpu
from speaker_operator.render.labels import selector_labels

_REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"


def placement(service: TTSService, on: gpu.Devices) -> dict[str, Any]:
    """Render the fields of a pod that decide its node."""
    given = service.spec.placement
    fields: dict[str, Any] = {
        "nodeSelector": given.node_selector,
        "tolerations": [
            *(each.model_dump(by_alias=True, exclude_none=True) for each in given.tolerations),
            *gpu.tolerations(service, on),
        ],
        "priorityClassName": given.priority_class_name,
        "affinity": _affinity(service, on),
        "topologySpreadConstraints": _spread(service),
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


def _affinity(service: TTSService, on: gpu.Devices) -> dict[str, Any]:
    given = service.spec.placement.affinity
    affinity = (
        {} if given is None else given.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    )
    requirements = gpu.node_requirements(service, on)
    if requirements:
        affinity["nodeAffinity"] = _narrowed(affinity.get("nodeAffinity", {}), requirements)
    together = _together(service)
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


def _together(service: TTSService) -> list[dict[str, Any]]:
    """Keep all pods on the node of a ReadWriteOnce cache: elsewhere they could never mount it."""
    cache = claim.own_cache(service)
    if cache is None or cache.access_mode not in (None, "ReadWriteOnce"):
        return []
    labels = {"matchLabels": selector_labels(service.metadata.name)}
    return [{"labelSelector": labels, "topologyKey": "kubernetes.io/hostname"}]

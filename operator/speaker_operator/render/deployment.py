"""The Deployment that runs a service's pods."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final, Literal

from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.render import metadata, names
from speaker_operator.render.caches import ModelCache, place_of
from speaker_operator.render.guest import scrape_annotations
from speaker_operator.render.labels import (
    CACHE,
    CONFIG_HASH,
    RELEASED,
    TEMPLATE_HASH,
    child_labels,
    selector_labels,
)
from speaker_operator.render.overrides import with_overrides
from speaker_operator.render.pod import pod_spec
from speaker_operator.render.settings import RenderSettings

_STRATEGIES: Final[Mapping[str, dict[str, Any]]] = {
    "surge": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
    "inPlace": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
    "recreate": {"type": "Recreate"},
}


IN_POD: Final = "in-pod"
"""In place of a cache's content where every pod fetches the model for itself."""
Stage = Literal["waiting", "released"]
"""Whether the pods still wait for their model: until it is there they would hold GPUs in vain."""


def deployment(
    service: TTSService,
    settings: RenderSettings,
    config_hash: str,
    cache: ModelCache | None = None,
    stage: Stage = "released",
) -> metadata.Manifest:
    """Render the Deployment; pods are replaced when ``config_hash`` changes."""
    described = metadata.owned(service, names.deployment(service.metadata.name))
    described["labels"] = {**described["labels"], **_cache_label(service)}
    spec: dict[str, Any] = {
        "progressDeadlineSeconds": 600,
        "revisionHistoryLimit": 3,
        "selector": {"matchLabels": selector_labels(service.metadata.name)},
        "strategy": _STRATEGIES[strategy(service)],
        "template": _template(service, settings, config_hash, cache),
    }
    if stage == "waiting":
        spec["replicas"] = 0
    else:
        described["annotations"] = {RELEASED: IN_POD if cache is None else cache.content}
        if service.autoscaling is None:
            spec["replicas"] = service.least_replicas
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": described,
        "spec": spec,
    }


def _cache_label(service: TTSService) -> dict[str, str]:
    place = place_of(service)
    return {} if place is None else {CACHE: place.key}


def _template(
    service: TTSService, settings: RenderSettings, config_hash: str, cache: ModelCache | None
) -> dict[str, Any]:
    """The pods, with a digest of all that they are: it tells the present ones from older ones."""
    rendered = {
        "metadata": {
            "labels": {**child_labels(service), **_cache_label(service)},
            "annotations": {CONFIG_HASH: config_hash, **scrape_annotations(service)},
        },
        "spec": pod_spec(service, settings, cache),
    }
    template = with_overrides(rendered, service.spec.pod_template)
    digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:16]
    template["metadata"]["annotations"][TEMPLATE_HASH] = digest
    return template


def strategy(service: TTSService) -> Literal["surge", "inPlace", "recreate"]:
    """How pods are replaced; a pod that fell back to the CPU will want its GPU again."""
    chosen = service.spec.rollout.strategy
    if chosen != "auto":
        return chosen
    cache = service.spec.cache
    if cache is not None and cache.access_mode == "ReadWriteOncePod":
        return "recreate"
    return "surge" if service.spec.gpu is None else "inPlace"

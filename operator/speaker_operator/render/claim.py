"""The PersistentVolumeClaims of model caches."""

from dataclasses import dataclass
from typing import Any

from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.render import labels, metadata
from speaker_operator.render.caches import ModelCache, place_of, retention


@dataclass(frozen=True)
class Filling:
    """What a claim holds, as it is written on it."""

    content: str
    at: str
    report: str


def private_claim(service: TTSService) -> metadata.Manifest | None:
    """Render the claim that the service shares with nobody, if it has one.

    One that is retained has no owner, so it outlives the service.
    """
    place, cache = place_of(service), service.spec.cache
    if cache is None or place is None or place.kind != "private":
        return None
    kept = retention([cache])
    described = (metadata.owned if kept == "false" else metadata.unowned)(service, place.claim)
    described["labels"] = {**described["labels"], labels.CACHE: place.key}
    described["annotations"] = {labels.SOURCE: place.source, labels.RETAIN: kept}
    size = str(cache.size or service.backend.cache_size)
    return _claim(described, cache.access_mode or "ReadWriteOnce", size, cache.storage_class_name)


def shared_claim(cache: ModelCache, filling: Filling | None) -> metadata.Manifest | None:
    """Render the claim of a cache, if it is the operator's; nobody owns it."""
    place = cache.place
    if place.kind != "shared":
        return None
    annotations = {labels.SOURCE: place.source, labels.RETAIN: cache.retain}
    if filling is not None:
        annotations[labels.CONTENT] = filling.content
        annotations[labels.FILLED_AT] = filling.at
        annotations[labels.REPORT] = filling.report
    described = {
        "name": place.claim,
        "namespace": cache.lead.metadata.namespace,
        "labels": labels.cache_labels(place.key),
        "annotations": annotations,
    }
    return _claim(described, cache.access_mode, cache.size, cache.storage_class)


def _claim(
    described: dict[str, Any], access_mode: str, size: str, storage_class: str | None
) -> metadata.Manifest:
    spec: dict[str, Any] = {
        "accessModes": [access_mode],
        "resources": {"requests": {"storage": size}},
    }
    if storage_class is not None:
        spec["storageClassName"] = storage_class
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": described,
        "spec": spec,
    }

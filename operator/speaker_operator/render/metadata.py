"""The metadata that all children share."""

from typing import Any

from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.render.labels import child_labels

Manifest = dict[str, Any]


def owner_reference(service: TTSService) -> dict[str, Any]:
    """The reference by which a child is collected together with its service."""
    return {
        "apiVersion": service.definition.api_version,
        "kind": service.definition.kind,
        "name": service.metadata.name,
        "uid": service.metadata.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def unowned(service: TTSService, name: str) -> dict[str, Any]:
    """Metadata of a child that outlives its service."""
    return {
        "name": name,
        "namespace": service.metadata.namespace,
        "labels": child_labels(service),
    }


def owned(service: TTSService, name: str) -> dict[str, Any]:
    """Metadata of a child that ends with its service."""
    return {**unowned(service, name), "ownerReferences": [owner_reference(service)]}

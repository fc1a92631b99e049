"""Objects as a cluster would show them, made from what is rendered."""

import copy
from collections.abc import Iterable
from typing import Any

from speaker_operator.api.v1alpha1 import TTSService, Voice
from speaker_operator.kube.client import FIELD_MANAGER
from speaker_operator.render.children import render
from speaker_operator.render.labels import child_labels
from speaker_operator.render.metadata import Manifest
from speaker_operator.render.pod import pod_spec
from tests.unit.speaker_operator.factories import SETTINGS

Json = dict[str, Any]


def as_applied(manifest: Manifest) -> Json:
    """A manifest as the API server would keep it, owned field by field."""
    live = copy.deepcopy(manifest)
    live["metadata"] |= {
        "uid": f"uid-of-{manifest['kind']}",
        "resourceVersion": "1",
        "generation": 1,
        "managedFields": [
            {
                "manager": FIELD_MANAGER,
                "operation": "Apply",
                "fieldsV1": {
                    name: fields
                    for name, fields in _fields(_owned(manifest)).items()
                    if name not in ("f:apiVersion", "f:kind")
                },
            }
        ],
    }
    return live


def _owned(manifest: Manifest) -> Json:
    metadata = {
        name: value
        for name, value in manifest["metadata"].items()
        if name not in ("name", "namespace")
    }
    return {**manifest, "metadata": metadata}


def _fields(value: Any) -> Json:
    """Ownership in which every map is granular and every list is one value."""
    if not isinstance(value, dict):
        return {}
    return {f"f:{name}": _fields(each) for name, each in value.items()}


def children(service: TTSService, *voices: Voice) -> list[Json]:
    """All children of a service, just applied."""
    return [as_applied(manifest) for manifest in render(service, voices, SETTINGS)]


def rolled_out(objects: Iterable[Json], replicas: int = 1) -> list[Json]:
    """The same objects, with a Deployment whose pods all serve."""
    return [with_status(each, **deployment_numbers(replicas)) for each in objects]


def deployment_numbers(replicas: int) -> Json:
    """The numbers of a Deployment whose pods all serve."""
    return {
        "observedGeneration": 1,
        "replicas": replicas,
        "updatedReplicas": replicas,
        "readyReplicas": replicas,
        "availableReplicas": replicas,
    }


def with_status(manifest: Json, **status: Any) -> Json:
    """The object with this status, if it is a Deployment; else the object."""
    return {**manifest, "status": status} if manifest["kind"] == "Deployment" else manifest


def pod(
    service: TTSService,
    name: str = "hello-1",
    *,
    fetch: Json | None = None,
    runtime: Json | None = None,
    conditions: Iterable[Json] = (),
    created: str = "2026-01-01T00:00:00Z",
    template: str = "one",
) -> Json:
    """A pod; ``fetch`` and ``runtime`` are its containers' statuses, serving unless given."""
    fetched = {"state": {"terminated": {"exitCode": 0}}}
    serving = {"ready": True, "state": {"running": {}}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "speech",
            "uid": f"uid-of-{name}",
            "resourceVersion": "1",
            "creationTimestamp": created,
            "labels": {**child_labels(service), "pod-template-hash": template},
        },
        "spec": pod_spec(service, SETTINGS, None),
        "status": {
            "podIP": "10.0.0.7",
            "conditions": list(conditions),
            "initContainerStatuses": [{"name": "model-fetch", "ready": True, **(fetch or fetched)}],
            "containerStatuses": [{"name": "runtime", **(runtime or serving)}],
        },
    }


def ended(code: int, message: str = "", **fields: Any) -> Json:
    """A container's status after the process ended with a code."""
    terminated = {"exitCode": code, "message": message, "finishedAt": "2026-01-01T00:01:00Z"}
    return {"ready": False, "state": {"terminated": {**terminated, **fields}}}


def crash_looping(code: int, message: str = "", **fields: Any) -> Json:
    """A container's status while the kubelet waits before it starts it again."""
    last = ended(code, message, **fields)["state"]
    waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}
    return {"ready": False, "state": waiting, "lastState": last}


def waiting(reason: str, message: str = "") -> Json:
    """A container's status while something keeps it from starting."""
    return {"ready": False, "state": {"waiting": {"reason": reason, "message": message}}}

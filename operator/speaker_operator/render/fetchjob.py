"""The Job that fills a model cache: one pod, one attempt; the operator decides about the next.

A Job's pod template never changes, so a Job is replaced where it is not what it should be: all that
it was made from is in the digest that it carries.
"""

import hashlib
import json
from typing import Any, Final

from speaker_operator.api.quantity import parse_quantity
from speaker_operator.render import gpu, names, source
from speaker_operator.render.caches import ModelCache
from speaker_operator.render.containers import (
    container_security,
    http_port,
    model_mount,
    pod_security,
    temporary_mount,
    temporary_volume,
)
from speaker_operator.render.labels import (
    ATTEMPT,
    CLAIM_UID,
    CONTENT,
    JOB_HASH,
    RETRY,
    SOURCE,
    cache_labels,
)
from speaker_operator.render.metadata import Manifest
from speaker_operator.render.overrides import with_fetch_overrides
from speaker_operator.render.placement import fetch_placement
from speaker_operator.render.runtime_config import model_key
from speaker_operator.render.settings import RenderSettings
from speaker_runtime import contract

_DEADLINE_SECONDS: Final = 6 * 3600
"""A fetch that lasts longer is begun anew, and goes on where it was."""
_TTL_SECONDS: Final = 3600
_GRACE_SECONDS: Final = 10
_RESOURCES: Final = {
    "requests": {"cpu": "100m", "memory": "256Mi"},
    "limits": {"memory": "1Gi"},
}


def fetch_job(
    cache: ModelCache, settings: RenderSettings, *, claim_uid: str, secret: str
) -> Manifest:
    """Render the Job as it is first tried.

    Args:
        cache: What it fills.
        settings: What is the same for all caches.
        claim_uid: The very claim; empty where it is not the operator's.
        secret: Version of the Secret with the credentials, as far as it is known.
    """
    place = cache.place
    template = _template(cache, settings)
    retries = [
        each.metadata.annotations[RETRY]
        for each in cache.users
        if RETRY in each.metadata.annotations
    ]
    made_from = json.dumps([template, secret, retries], sort_keys=True)
    annotations = {
        SOURCE: place.source,
        CONTENT: cache.content,
        JOB_HASH: hashlib.sha256(made_from.encode()).hexdigest()[:16],
        ATTEMPT: "1",
    }
    if claim_uid:
        annotations[CLAIM_UID] = claim_uid
    spec: dict[str, Any] = {
        "parallelism": 1,
        "completions": 1,
        "backoffLimit": 0,
        "activeDeadlineSeconds": _DEADLINE_SECONDS,
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": {
            "rules": [{"action": "Ignore", "onPodConditions": [_disruption()]}],
        },
        "suspend": cache.suspended,
        "template": template,
    }
    if place.kind == "shared":  # on whose claim it is written that it is filled
        spec["ttlSecondsAfterFinished"] = _TTL_SECONDS
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job_name(cache),
            "namespace": cache.lead.metadata.namespace,
            "labels": cache_labels(place.key),
            "annotations": annotations,
        },
        "spec": spec,
    }


def job_name(cache: ModelCache) -> str:
    """Name of the Job."""
    return names.shared_cache(cache.place.source, cache.place.key)


def _disruption() -> dict[str, str]:
    """What Kubernetes says of a pod that made room for others, or whose node went."""
    return {"type": "DisruptionTarget", "status": "True"}


def _template(cache: ModelCache, settings: RenderSettings) -> dict[str, Any]:
    lead, place = cache.lead, cache.place
    spec: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": _GRACE_SECONDS,
        "securityContext": pod_security(),
        "containers": [_container(cache, settings)],
        "volumes": [
            {"name": names.MODEL_VOLUME, "persistentVolumeClaim": {"claimName": place.claim}},
            temporary_volume(),
            *source.volumes(lead),
        ],
        **settings.images.pod_fields(),
        **fetch_placement(cache, gpu.devices(lead, settings.nodes)),
    }
    template = {"metadata": {"labels": cache_labels(place.key)}, "spec": spec}
    return with_fetch_overrides(template, lead.spec.pod_template)


def _container(cache: ModelCache, settings: RenderSettings) -> dict[str, Any]:
    return {
        "name": names.FETCH_CONTAINER,
        "image": settings.images.fetch_image(cache.lead),
        "imagePullPolicy": settings.images.pull_policy,
        **settings.fetch.fields(cache.credentials),
        "args": ["model", "fill", *_arguments(cache)],
        "ports": [http_port(contract.HTTP_PORT)],
        "resources": _RESOURCES,
        "securityContext": container_security(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [temporary_mount(), model_mount(), *source.mounts(cache.lead)],
    }


def _arguments(cache: ModelCache) -> list[str]:
    lead = cache.lead
    arguments = [
        cache.place.source,
        str(contract.MODEL_DIRECTORY / model_key(lead.model_identity)),
        f"--status=0.0.0.0:{contract.HTTP_PORT}",
    ]
    if lead.backend.converts:  # then all users of the cache have the same one
        arguments.append(f"--backend={lead.backend.name}")
    if cache.place.kind == "shared":  # it holds nothing else
        arguments.append(f"--capacity={int(parse_quantity(cache.size))}")
    if cache.accept_license is not None:
        arguments.append(f"--accept-license={cache.accept_license}")
    return arguments

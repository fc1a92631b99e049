"""The pod of a service: fetch the model, then serve it."""

from typing import Any, Final

from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.render import audiocache, gpu, guest, names, source, voicevolumes
from speaker_operator.render.caches import ModelCache, place_of
from speaker_operator.render.containers import (
    container_security,
    http_port,
    model_mount,
    pod_security,
    temporary_mount,
    temporary_volume,
)
from speaker_operator.render.images import ImageSettings
from speaker_operator.render.placement import placement
from speaker_operator.render.probes import http_probe
from speaker_operator.render.resources import container_resources, runtime_resources
from speaker_operator.render.settings import RenderSettings
from speaker_runtime import contract

_ENDPOINT_REMOVAL_SECONDS: Final = 3
"""A stopping pod serves on this long, while the cluster stops sending it requests."""
_STOP_MARGIN_SECONDS: Final = 10
"""Beyond draining, for the process to end before it is killed."""


def pod_spec(
    service: TTSService, settings: RenderSettings, cache: ModelCache | None
) -> dict[str, Any]:
    """Render the pod's spec; it meets the restricted pod security standard.

    Args:
        service: Whose pod it is.
        settings: What is the same for all services.
        cache: The cache that a Job fills for it; the pod fetches the model itself if None.
    """
    drain = service.spec.serving.drain_seconds
    on = gpu.devices(service, settings.nodes)
    spec: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": _ENDPOINT_REMOVAL_SECONDS + drain + _STOP_MARGIN_SECONDS,
        "securityContext": pod_security(),
        "containers": [_serving_container(service, settings.images, on)],
        "volumes": _volumes(service, cache),
    }
    if cache is None and service.has_model:
        spec["initContainers"] = [_fetch_container(service, settings)]
    pull = settings.images.pod_fields()
    return spec | pull | placement(service, on, cache) | gpu.pod_fields(service, on)


def _container(service: TTSService, image: str, images: ImageSettings) -> dict[str, Any]:
    return {
        "image": image,
        "imagePullPolicy": images.pull_policy,
        "resources": container_resources(service),
        "securityContext": container_security()
        | {"readOnlyRootFilesystem": service.custom is None},  # others write where they like
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def _fetch_container(service: TTSService, settings: RenderSettings) -> dict[str, Any]:
    return {
        "name": names.FETCH_CONTAINER,
        **_container(service, settings.images.fetch_image(service), settings.images),
        **settings.fetch.fields(service.spec.model.credentials_secret),
        "args": ["model", "fetch", "--config", str(contract.CONFIG_DIRECTORY)],
        "volumeMounts": [*_read_mounts(), model_mount(), *source.mounts(service)],
    }


def _serving_container(
    service: TTSService, images: ImageSettings, on: gpu.Devices
) -> dict[str, Any]:
    custom = service.custom
    if custom is None:
        return _runtime_container(service, images, on)
    return {
        "name": names.RUNTIME_CONTAINER,
        **_container(service, images.runtime_image(service), images),
        "resources": runtime_resources(service, on),
        **guest.custom_fields(service, custom),
        "lifecycle": {"preStop": {"sleep": {"seconds": _ENDPOINT_REMOVAL_SECONDS}}},
    }


def _runtime_container(
    service: TTSService, images: ImageSettings, on: gpu.Devices
) -> dict[str, Any]:
    environment = audiocache.environment(service)
    return {
        "name": names.RUNTIME_CONTAINER,
        **_container(service, images.runtime_image(service), images),
        "resources": runtime_resources(service, on),
        "args": [
            "serve",
            f"--config={contract.CONFIG_DIRECTORY}",
            "--host=0.0.0.0",
            f"--port={contract.HTTP_PORT}",
        ],
        **({"env": environment} if environment else {}),
        "ports": [http_port(contract.HTTP_PORT)],
        "startupProbe": http_probe(contract.LIVE_PATH, period=1, timeout=2, failures=120),
        "livenessProbe": http_probe(contract.LIVE_PATH, period=10, timeout=5, failures=6),
        "readinessProbe": http_probe(contract.READY_PATH, period=2, timeout=2, failures=2),
        "lifecycle": {"preStop": {"sleep": {"seconds": _ENDPOINT_REMOVAL_SECONDS}}},
        "volumeMounts": [
            *_read_mounts(),
            *([model_mount() | {"readOnly": True}] if service.has_model else []),
            *audiocache.mounts(service),
            *guest.key_mounts(service),
            *voicevolumes.mounts(service),
        ],
    }


def _read_mounts() -> list[dict[str, Any]]:
    return [
        {
            "name": names.CONFIG_VOLUME,
            "mountPath": str(contract.CONFIG_DIRECTORY),
            "readOnly": True,
        },
        temporary_mount(),
    ]


def _volumes(service: TTSService, cache: ModelCache | None) -> list[dict[str, Any]]:
    config = {"configMap": {"name": names.config_map(service.metadata.name)}}
    return [
        *([{"name": names.CONFIG_VOLUME, **config}] if service.is_configured else []),
        *_model_volumes(service),
        temporary_volume(),
        *(source.volumes(service) if cache is None else ()),
        *audiocache.volumes(service),
        *guest.key_volumes(service),
        *voicevolumes.volumes(service),
    ]


def _model_volumes(service: TTSService) -> list[dict[str, Any]]:
    if not service.has_model:
        return []
    place = place_of(service)
    model = (
        {"emptyDir": {"sizeLimit": service.backend.cache_size}}
        if place is None
        else {"persistentVolumeClaim": {"claimName": place.claim}}
    )
    return [{"name": names.MODEL_VOLUME, **model}]

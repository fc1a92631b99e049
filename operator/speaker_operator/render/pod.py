"""The pod of a service: fetch the model, then serve it."""

from typing import Any, Final

from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.render import audiocache, claim, gpu, guest, names, source
from speaker_operator.render.images import ImageSettings
from speaker_operator.render.placement import placement
from speaker_operator.render.probes import http_probe
from speaker_operator.render.resources import container_resources, runtime_resources
from speaker_operator.render.settings import RenderSettings
from speaker_runtime import contract

USER_ID: Final = 65532
"""The unprivileged user of the runtime's images."""

_ENDPOINT_REMOVAL_SECONDS: Final = 3
"""A stopping pod serves on this long, while the cluster stops sending it requests."""
_STOP_MARGIN_SECONDS: Final = 10
"""Beyond draining, for the process to end before it is killed."""


def pod_spec(service: TTSService, settings: RenderSettings) -> dict[str, Any]:
    """Render the pod's spec; it meets the restricted pod security standard."""
    drain = service.spec.serving.drain_seconds
    on = gpu.devices(service, settings.nodes)
    spec: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": _ENDPOINT_REMOVAL_SECONDS + drain + _STOP_MARGIN_SECONDS,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER_ID,
            "runAsGroup": USER_ID,
            "fsGroup": USER_ID,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        **({"initContainers": [_fetch_container(service, settings)]} if service.has_model else {}),
        "containers": [_serving_container(service, settings.images, on)],
        "volumes": _volumes(service),
    }
    pull = settings.images.pod_fields()
    return spec | pull | placement(service, on) | gpu.pod_fields(service, on)


def _container(service: TTSService, image: str, images: ImageSettings) -> dict[str, Any]:
    return {
        "image": image,
        "imagePullPolicy": images.pull_policy,
        "resources": container_resources(service),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": service.custom is None,  # others write where they like
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def _fetch_container(service: TTSService, settings: RenderSettings) -> dict[str, Any]:
    return {
        "name": names.FETCH_CONTAINER,
        **_container(service, settings.images.fetch_image(service), settings.images),
        **settings.fetch.fields(service.spec.model.credentials_secret),
        "args": ["model", "fetch", "--config", str(contract.CONFIG_DIRECTORY)],
        "volumeMounts": [*_read_mounts(), _model_mount(), *source.mounts(service)],
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
        "ports": [
            {
                "name": names.HTTP_PORT_NAME,
                "containerPort": contract.HTTP_PORT,
                "protocol": "TCP",
            }
        ],
        "startupProbe": http_probe(contract.LIVE_PATH, period=1, timeout=2, failures=120),
        "livenessProbe": http_probe(contract.LIVE_PATH, period=10, timeout=5, failures=6),
        "readinessProbe": http_probe(contract.READY_PATH, period=2, timeout=2, failures=2),
        "lifecycle": {"preStop": {"sleep": {"seconds": _ENDPOINT_REMOVAL_SECONDS}}},
        "volumeMounts": [
            *_read_mounts(),
            *([_model_mount() | {"readOnly": True}] if service.has_model else []),
            *audiocache.mounts(service),
            *guest.key_mounts(service),
        ],
    }


def _read_mounts() -> list[dict[str, Any]]:
    return [
        {
            "name": names.CONFIG_VOLUME,
            "mountPath": str(contract.CONFIG_DIRECTORY),
            "readOnly": True,
        },
        {"name": names.TEMPORARY_VOLUME, "mountPath": "/tmp"},  # noqa: S108 - inside the pod
    ]


def _model_mount() -> dict[str, Any]:
    return {"name": names.MODEL_VOLUME, "mountPath": str(contract.MODEL_DIRECTORY)}


def _volumes(service: TTSService) -> list[dict[str, Any]]:
    config = {"configMap": {"name": names.config_map(service.metadata.name)}}
    return [
        *([{"name": names.CONFIG_VOLUME, **config}] if service.is_configured else []),
        *_model_volumes(service),
        {"name": names.TEMPORARY_VOLUME, "emptyDir": {"sizeLimit": "256Mi"}},
        *source.volumes(service),
        *audiocache.volumes(service),
        *guest.key_volumes(service),
    ]


def _model_volumes(service: TTSService) -> list[dict[str, Any]]:
    if not service.has_model:
        return []
    claim_name = claim.claim_name(service)
    model = (
        {"emptyDir": {"sizeLimit": service.backend.cache_size}}
        if claim_name is None
        else {"persistentVolumeClaim": {"claimName": claim_name}}
    )
    return [{"name": names.MODEL_VOLUME, **model}]

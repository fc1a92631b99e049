"""The pod of a service: fetch the model, then serve it."""

from typing import Any, Final

from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.render import audiocache, claim, gpu, names, source
from speaker_operator.render.images import ImageSettings
from speaker_operator.render.placement import placement
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
        "initContainers": [_fetch_container(service, settings)],
        "containers": [_runtime_container(service, settings.images, on)],
        "volumes": _volumes(service),
    }
    pull = settings.images.pod_fields()
    return spec | pull | placement(service, on) | gpu.pod_fields(service, on)


def _container(service: TTSService, images: ImageSettings) -> dict[str, Any]:
    return {
        "image": images.runtime_image(service),
        "imagePullPolicy": images.pull_policy,
        "resources": container_resources(service),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def _fetch_container(service: TTSService, settings: RenderSettings) -> dict[str, Any]:
    return {
        "name": names.FETCH_CONTAINER,
        **_container(service, settings.images),
        **settings.fetch.fields(service.spec.model.credentials_secret),
        "args": ["model", "fetch", "--config", str(contract.CONFIG_DIRECTORY)],
        "volumeMounts": [*_read_mounts(), _model_mount(), *source.mounts(service)],
    }


def _runtime_container(
    service: TTSService, images: ImageSettings, on: gpu.Devices
) -> dict[str, Any]:
    environment = audiocache.environment(service)
    return {
        "name": names.RUNTIME_CONTAINER,
        **_container(service, images),
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
        "startupProbe": _probe(contract.LIVE_PATH, period=1, timeout=2, failures=120),
        "livenessProbe": _probe(contract.LIVE_PATH, period=10, timeout=5, failures=6),
        "readinessProbe": _probe(contract.READY_PATH, period=2, timeout=2, failures=2),
        "lifecycle": {"preStop": {"sleep": {"seconds": _ENDPOINT_REMOVAL_SECONDS}}},
        "volumeMounts": [
            *_read_mounts(),
            _model_mount() | {"readOnly": True},
            *audiocache.mounts(service),
        ],
    }


def _probe(path: str, *, period: int, timeout: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": names.HTTP_PORT_NAME},
        "periodSeconds": period,
        "timeoutSeconds": timeout,
        "failureThreshold": failures,
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
    claim_name = claim.claim_name(service)
    model = (
        {"emptyDir": {"sizeLimit": service.backend.cache_size}}
        if claim_name is None
        else {"persistentVolumeClaim": {"claimName": claim_name}}
    )
    config = {"configMap": {"name": names.config_map(service.metadata.name)}}
    return [
        {"name": names.CONFIG_VOLUME, **config},
        {"name": names.MODEL_VOLUME, **model},
        {"name": names.TEMPORARY_VOLUME, "emptyDir": {"sizeLimit": "256Mi"}},
        *source.volumes(service),
        *audiocache.volumes(service),
    ]

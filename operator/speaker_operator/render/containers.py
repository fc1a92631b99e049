"""What the pods that serve and the pods that fetch have in common, whatever they run. Pure."""

from typing import Any, Final

from speaker_operator.render import names
from speaker_runtime import contract

USER_ID: Final = 65532
"""The unprivileged user of the runtime's images."""


def pod_security() -> dict[str, Any]:
    """Who a pod runs as, and whose group its volumes get."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER_ID,
        "runAsGroup": USER_ID,
        "fsGroup": USER_ID,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security() -> dict[str, Any]:
    """What a container may not do."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }


def http_port(number: int) -> dict[str, Any]:
    """The one port that a container answers on."""
    return {"name": names.HTTP_PORT_NAME, "containerPort": number, "protocol": "TCP"}


def temporary_mount() -> dict[str, Any]:
    """Where a container may write."""
    return {"name": names.TEMPORARY_VOLUME, "mountPath": "/tmp"}  # noqa: S108 - inside the pod


def temporary_volume() -> dict[str, Any]:
    """What it writes to."""
    return {"name": names.TEMPORARY_VOLUME, "emptyDir": {"sizeLimit": "256Mi"}}


def model_mount() -> dict[str, Any]:
    """Where a container finds the model's volume."""
    return {"name": names.MODEL_VOLUME, "mountPath": str(contract.MODEL_DIRECTORY)}

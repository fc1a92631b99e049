"""What is different in the pods of a gateway, and of somebody else's server. Pure."""

from collections.abc import Mapping
from typing import Any

from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.api.v1alpha1.custom import CustomSpec
from speaker_operator.api.v1alpha1.gateway import ServerSpec
from speaker_operator.render import names
from speaker_operator.render.containers import http_port, temporary_mount
from speaker_operator.render.probes import http_probe, port_probe
from speaker_operator.render.runtime_config import model_key
from speaker_runtime import contract


def key_volumes(service: TTSService) -> list[dict[str, Any]]:
    """A volume for each API key of a gateway.

    A Secret that is not there yet does not keep the gateway from serving the other routes: the
    route that lacks its key says so, and the kubelet mounts it once it is there.
    """
    return [
        {
            "name": names.KEY_VOLUME_PREFIX + server.name,
            "secret": {
                "secretName": key.name,
                "items": [{"key": key.key, "path": "key"}],
                "optional": True,
            },
        }
        for server in _keyed(service)
        if (key := server.api_key_secret) is not None
    ]


def key_mounts(service: TTSService) -> list[dict[str, Any]]:
    """The mounts of the volumes."""
    return [
        {
            "name": names.KEY_VOLUME_PREFIX + server.name,
            "mountPath": str(contract.KEYS_DIRECTORY / server.name),
            "readOnly": True,
        }
        for server in _keyed(service)
    ]


def custom_fields(service: TTSService, custom: CustomSpec) -> dict[str, Any]:
    """The fields of a container that runs somebody else's server."""
    environment = custom.environment()
    if service.has_model:
        at = f"{custom.model_path}/{model_key(service.model_identity)}"
        environment = [{"name": contract.MODEL_VARIABLE, "value": at}, *environment]
    fields = {
        "command": list(custom.command),
        "args": list(custom.args),
        "env": environment,
    }
    return {
        **{name: value for name, value in fields.items() if value},
        "ports": [http_port(custom.port)],
        "startupProbe": http_probe(
            custom.startup_path or custom.ready_path, period=2, timeout=2, failures=300
        ),
        "livenessProbe": port_probe(period=10, timeout=5, failures=6)
        if custom.live_path is None
        else http_probe(custom.live_path, period=10, timeout=5, failures=6),
        "readinessProbe": http_probe(custom.ready_path, period=2, timeout=2, failures=2),
        "volumeMounts": [temporary_mount(), *_model_mount(service, custom)],
    }


def scrape_annotations(service: TTSService) -> Mapping[str, str]:
    """Where Prometheus finds the metrics of somebody else's server."""
    custom = service.custom
    if custom is None or custom.metrics_path is None:
        return {}
    return {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(custom.port),
        "prometheus.io/path": custom.metrics_path,
    }


def _keyed(service: TTSService) -> list[ServerSpec]:
    spec = service.gateway
    servers = () if spec is None else spec.servers
    return [server for server in servers if server.api_key_secret is not None]


def _model_mount(service: TTSService, custom: CustomSpec) -> list[dict[str, Any]]:
    if not service.has_model:
        return []
    return [{"name": names.MODEL_VOLUME, "mountPath": custom.model_path, "readOnly": True}]

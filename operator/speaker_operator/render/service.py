"""The Kubernetes Service in front of a speech service's pods."""

from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.render import metadata, names
from speaker_operator.render.labels import selector_labels


def kubernetes_service(service: TTSService) -> metadata.Manifest:
    """Render the Service."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata.owned(service, names.kubernetes_service(service.metadata.name)),
        "spec": {
            "type": "ClusterIP",
            "selector": selector_labels(service.metadata.name),
            "ports": [
                {
                    "name": names.HTTP_PORT_NAME,
                    "port": service.spec.expose.port,
                    "protocol": "TCP",
                    "targetPort": names.HTTP_PORT_NAME,
                }
            ],
        },
    }


def url(service: TTSService) -> str:
    """Where the service is reached from inside the cluster."""
    port = service.spec.expose.port
    host = f"{names.kubernetes_service(service.metadata.name)}.{service.metadata.namespace}.svc"
    return f"http://{host}" if port == 80 else f"http://{host}:{port}"  # noqa: PLR2004 - HTTP's own

"""What the kubelet asks of a service's containers."""

from typing import Any

from speaker_operator.render import names


def http_probe(path: str, *, period: int, timeout: int, failures: int) -> dict[str, Any]:
    """A path that has to answer 2xx or 3xx."""
    asked = {"httpGet": {"path": path, "port": names.HTTP_PORT_NAME}}
    return asked | _patience(period, timeout, failures)


def port_probe(*, period: int, timeout: int, failures: int) -> dict[str, Any]:
    """A port that has to be open."""
    return {"tcpSocket": {"port": names.HTTP_PORT_NAME}} | _patience(period, timeout, failures)


def _patience(period: int, timeout: int, failures: int) -> dict[str, Any]:
    return {"periodSeconds": period, "timeoutSeconds": timeout, "failureThreshold": failures}

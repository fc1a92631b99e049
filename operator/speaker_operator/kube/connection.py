"""Where the API server is, and who the operator is to it: a service account, or a kubeconfig."""

import dataclasses
import os
from collections.abc import Mapping

import kopf


class NoClusterError(Exception):
    """There is neither a service account nor a usable kubeconfig; the message says what to do."""


def connection_info(environment: Mapping[str, str] = os.environ) -> kopf.ConnectionInfo:
    """Read the connection anew, as tokens are renewed; raises :class:`NoClusterError`."""
    settings = kopf.OperatorSettings()
    in_cluster = kopf.login_with_service_account(settings=settings)
    if in_cluster is not None:
        return dataclasses.replace(in_cluster, server=_in_cluster_server(environment))
    try:
        from_file = kopf.login_with_kubeconfig(settings=settings)
    except (OSError, ValueError, KeyError, kopf.LoginError) as error:
        raise NoClusterError(f"the kubeconfig cannot be used: {error}") from error
    if from_file is None:
        raise NoClusterError(
            "no cluster to talk to: run inside a pod with a service account, or set KUBECONFIG to "
            "a kubeconfig file"
        )
    return from_file


def _in_cluster_server(environment: Mapping[str, str]) -> str:
    """The API server's address as the kubelet gives it: it works without cluster DNS."""
    host = environment.get("KUBERNETES_SERVICE_HOST")
    if not host:
        return "https://kubernetes.default.svc"
    port = environment.get("KUBERNETES_SERVICE_PORT", "443")
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"

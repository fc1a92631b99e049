"""Servers of the tests' own behind their API server, as parts of its API."""

import json

from cluster.envtest import ControlPlane
from tests.apiserver.api import eventually
from tests.support.aggregation import Certified

TIMEOUT = 60


def register(control_plane: ControlPlane, served: Certified, port: int) -> None:
    """Put a server behind the API server, and wait until it is asked."""
    for manifest in served.manifests(port):
        control_plane.kubectl("apply", "-f", "-", input=json.dumps(manifest))
    available = "jsonpath={.status.conditions[?(@.type=='Available')].status}"
    words = ["get", "apiservice", served.extension.name, "-o", available]
    eventually(
        lambda: control_plane.kubectl(*words) == "True",
        within=TIMEOUT,
        what=f"{served.extension.group} is served",
    )

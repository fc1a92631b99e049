"""A custom metrics API in the place of prometheus-adapter: it asks the pods themselves.

It follows the shape of ``custom.metrics.k8s.io/v1beta2`` as far as the autoscaler uses it: the
metric of all pods that a label selector chooses.
"""

import datetime
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import httpx2

from cluster.envtest import ADDRESS, ControlPlane
from speaker_operator.kube.resources import POD
from speaker_operator.render.labels import SERVICE
from tests.apiserver.api import Api, Json, connect
from tests.apiserver.extensions import register
from tests.apiserver.operator_process import value_of
from tests.apiserver.serving import PORT
from tests.support.aggregation import Extension

API = Extension("custom.metrics.k8s.io", "v1beta2")
METRIC = "tts_queued_audio_seconds"


@contextmanager
def serve_custom_metrics(control_plane: ControlPlane, folder: Path) -> Iterator[None]:
    """Serve while the context is open, behind the API server."""
    certified = API.certify(folder)
    pair = certified.pair
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    with connect(control_plane) as api:
        handler = type("Handler", (_Handler,), {"api": api})
        server = ThreadingHTTPServer((ADDRESS, 0), handler)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            register(control_plane, certified, server.server_port)
            yield
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


class _Handler(BaseHTTPRequestHandler):
    api: Api

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        steps = unquote(address.path).strip("/").split("/")
        if steps == ["apis", API.group, API.version]:
            self._answer(_resources())
        elif steps[3:4] == ["namespaces"] and steps[5:] == ["pods", "*", METRIC]:
            selector = parse_qs(address.query)["labelSelector"][0]
            self._answer(_values(self.api.in_namespace(steps[4]), selector))
        else:
            self._answer({"kind": "Status", "code": 404}, 404)

    def _answer(self, body: Json, status: int = 200) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def _resources() -> Json:
    metric = {
        "name": f"pods/{METRIC}",
        "singularName": "",
        "namespaced": True,
        "kind": "MetricValueList",
        "verbs": ["get"],
    }
    version = f"{API.group}/{API.version}"
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": version,
        "resources": [metric],
    }


def _values(api: Api, selector: str) -> Json:
    """What each of the service's pods that answer says of itself."""
    key, _, service = selector.partition("=")
    assert key == SERVICE, selector
    pods = [pod for pod in api.list(POD) if pod["metadata"]["labels"].get(SERVICE) == service]
    items = [_value(api.namespace, pod) for pod in pods if "podIP" in pod["status"]]
    return {
        "kind": "MetricValueList",
        "apiVersion": f"{API.group}/{API.version}",
        "metadata": {},
        "items": [each for each in items if each is not None],
    }


def _value(namespace: str, pod: Json) -> Json | None:
    try:
        value = value_of(_url(pod), METRIC)
    except httpx2.ConnectError:  # it has just ended
        return None
    about = {"kind": "Pod", "namespace": namespace, "apiVersion": "/v1"}
    return {
        "describedObject": {**about, "name": pod["metadata"]["name"]},
        "metric": {"name": METRIC},
        "timestamp": datetime.datetime.now(tz=datetime.UTC).isoformat(timespec="seconds"),
        "value": f"{round(value * 1000)}m",
    }


def _url(pod: Json) -> str:
    return f"http://{pod['status']['podIP']}:{PORT}"

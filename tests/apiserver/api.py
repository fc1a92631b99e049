"""Speak to the test's API server directly: a request takes milliseconds, a kubectl a second."""

import json
import ssl
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import httpx2

from cluster.envtest import ControlPlane
from speaker_operator.kube.resources import TTS_SERVICE, VOICE, Resource, resource_of
from tests.support.kubernetes import NeverTrue

T = TypeVar("T")
Json = dict[str, Any]

POLL_SECONDS = 0.01
NAMESPACE = Resource("v1", "Namespace", "namespaces")
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
"""Labels of a namespace whose pods have to meet the strictest standard."""


class Refused(Exception):
    """The API server refused a request; the message has its words."""


def eventually(check: Callable[[], T | None], *, within: float, what: str) -> T:
    """The check's first truthy value, looked for every 10 ms; ``NeverTrue`` names the wait."""
    deadline = time.monotonic() + within
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > deadline:
            raise NeverTrue(f"not within {within:g} s: {what} (last seen: {value!r})")
        time.sleep(POLL_SECONDS)


class Api:
    """The API server, as its admin, in one namespace."""

    def __init__(self, client: httpx2.Client, namespace: str) -> None:
        self._client = client
        self.namespace = namespace
        self.machines = ExitStack()
        """What runs in the namespace's name, until the test ends."""

    def in_namespace(self, namespace: str) -> "Api":
        return Api(self._client, namespace)

    def create(self, manifest: Json, **parameters: str) -> Json:
        return self.create_of(resource_of(manifest), manifest, **parameters)

    def create_of(self, resource: Resource, manifest: Json, **parameters: str) -> Json:
        """Create an object of a resource that the operator does not know."""
        return self._send("POST", resource.path(self.namespace), manifest, parameters)

    def declare(self, *manifests: Json) -> None:
        """Create services and voices."""
        for manifest in manifests:
            self.create(manifest)

    def apply(self, manifest: Json, manager: str, **parameters: str) -> Json:
        """Apply a manifest on the server's side, as kubectl and Argo CD do."""
        path = resource_of(manifest).path(self.namespace, manifest["metadata"]["name"])
        named = {"fieldManager": manager, **parameters}
        return self._send("PATCH", path, manifest, named, kind="application/apply-patch+yaml")

    def get(self, resource: Resource, name: str) -> Json | None:
        try:
            return self._send("GET", resource.path(self.namespace, name))
        except Missing:
            return None

    def require(self, resource: Resource, name: str) -> Json:
        return self._send("GET", resource.path(self.namespace, name))

    def list(self, resource: Resource) -> list[Json]:
        items: list[Json] = self._send("GET", resource.path(self.namespace))["items"]
        return items

    def replace(self, resource: Resource, name: str, manifest: Json) -> Json:
        """Write an object as a whole, as an editor does."""
        return self._send("PUT", resource.path(self.namespace, name), manifest)

    def delete(self, resource: Resource, name: str, **parameters: str) -> None:
        self._send("DELETE", resource.path(self.namespace, name), parameters=parameters)

    def delete_all(self, resource: Resource) -> None:
        self._send("DELETE", resource.path(self.namespace))

    def patch(
        self,
        resource: Resource,
        name: str,
        patch: Json,
        *,
        subresource: str = "",
        manager: str | None = None,
    ) -> Json:
        """Merge-patch an object, as kubectl edit and other controllers do."""
        path = resource.path(self.namespace, name, subresource)
        parameters = None if manager is None else {"fieldManager": manager}
        return self._send("PATCH", path, patch, parameters, kind="application/merge-patch+json")

    def patch_status(self, resource: Resource, name: str, **status: Any) -> Json:
        """Write a status as the controller or kubelet in charge would."""
        return self.patch(resource, name, {"status": status}, subresource="status")

    def read_scale(self, resource: Resource, name: str) -> Json:
        return self._send("GET", resource.path(self.namespace, name, "scale"))

    def create_namespace(self, name: str, labels: dict[str, str]) -> None:
        manifest = {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "labels": labels},
        }
        self._send("POST", NAMESPACE.path(), manifest)

    def _send(
        self,
        verb: str,
        path: str,
        body: Json | None = None,
        parameters: dict[str, str] | None = None,
        *,
        kind: str = "application/json",
    ) -> Json:
        content = None if body is None else json.dumps(body)
        headers = {"Content-Type": kind}
        answer = self._client.request(
            verb, path, content=content, params=parameters, headers=headers
        )
        if answer.status_code == 404:
            raise Missing(path)
        if not answer.is_success:
            raise Refused(answer.json()["message"])
        result: Json = answer.json()
        return result


class Missing(Refused):
    """The object does not exist."""


@contextmanager
def connect(control_plane: ControlPlane) -> Iterator[Api]:
    context = ssl.create_default_context(cafile=str(control_plane.ca_file))
    context.load_cert_chain(control_plane.client_cert_file, control_plane.client_key_file)
    with httpx2.Client(base_url=control_plane.url, verify=context, timeout=30) as client:
        yield Api(client, "default")


def is_observed(manifest: Json) -> bool:
    """Whether the status tells of the present spec; one that nobody wrote yet says -1."""
    return bool(manifest["status"]["observedGeneration"] == manifest["metadata"]["generation"])


def service(name: str = "hello", /, **spec: Any) -> Json:
    """A TTSService to declare."""
    return {
        "apiVersion": TTS_SERVICE.api_version,
        "kind": TTS_SERVICE.kind,
        "metadata": {"name": name},
        "spec": {"backend": "hibari", **spec},
    }


def voice(name: str = "ana", /, labels: dict[str, str] | None = None, **spec: Any) -> Json:
    """A Voice to declare."""
    return {
        "apiVersion": VOICE.api_version,
        "kind": VOICE.kind,
        "metadata": {"name": name, "labels": labels or {}},
        "spec": {"languages": ["en"], "preset": "heart", **spec},
    }


def unique_name(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"

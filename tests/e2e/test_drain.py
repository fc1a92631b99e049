"""Nodes are drained under services that speak: one pod at a time, and nothing is cut off."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.client_pod import PYTHON, Client
from tests.support.kubernetes import Kubectl, eventually, is_ready

pytestmark = pytest.mark.e2e

READY_TIMEOUT = 120
STREAM_TIMEOUT = 90
DRAIN_SECONDS = 10
SELECTOR = "speaker-tts.dev/service=drained"
TEXT = (
    "The lighthouse keeper counted every ship that passed the cape before the storm came in. " * 12
)
STREAM = """
import hashlib, json, sys, time, urllib.request
headers = {"Content-Type": "application/json"}
request = urllib.request.Request(sys.argv[1], sys.argv[2].encode(), headers)
digest, size = hashlib.sha256(), 0
with urllib.request.urlopen(request, timeout=60) as response:
    while chunk := response.read(65536):
        digest.update(chunk)
        if not size:
            print("begun", flush=True)
        size += len(chunk)
        time.sleep(0.3)  # a listener who is not in a hurry
print(json.dumps([size, digest.hexdigest()]))
"""
ORDER = {"model": "tts-1", "voice": "alloy", "input": TEXT, "response_format": "pcm", "seed": 7}


@pytest.fixture
def node(kubectl: Kubectl) -> Iterator[str]:
    """The only node; it takes pods again afterwards."""
    (found,) = kubectl.list("node")
    name = str(found["metadata"]["name"])
    yield name
    kubectl("uncordon", name)


def pods(kubectl: Kubectl) -> list[dict[str, Any]]:
    """The service's pods that are not on their way out."""
    found = kubectl.list("pod", SELECTOR)
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def is_serving(pod: dict[str, Any]) -> bool:
    return any(each["ready"] for each in pod["status"].get("containerStatuses", ()))


class Listener:
    """Hears one long answer of one pod."""

    def __init__(self, kubectl: Kubectl, client: str, address: str) -> None:
        url = f"http://{address}:8080/v1/audio/speech"
        words = ["exec", client, "--", PYTHON, "-c", STREAM, url, json.dumps(ORDER)]
        where = ["--kubeconfig", str(kubectl.kubeconfig), "--namespace", kubectl.namespace]
        self._process = subprocess.Popen(
            [kubectl.binary, *where, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def begun(self) -> None:
        """Wait until the first bytes are heard."""
        assert self._process.stdout is not None
        assert self._process.stdout.readline().strip() == "begun", self._process.communicate()

    def is_listening(self) -> bool:
        return self._process.poll() is None

    def heard(self) -> tuple[int, str]:
        """Size and digest of all that was heard, at its end."""
        told, trouble = self._process.communicate(timeout=STREAM_TIMEOUT)
        assert self._process.returncode == 0, trouble
        size, digest = json.loads(told.splitlines()[-1])
        return size, digest


def test_a_drain_cuts_no_stream_off_and_leaves_a_pod_serving(kubectl: Kubectl, node: str) -> None:
    kubectl.apply(
        {
            "apiVersion": "speaker-tts.dev/v1alpha1",
            "kind": "TTSService",
            "metadata": {"name": "drained"},
            "spec": {"backend": "hibari", "replicas": 2},
        }
    )
    Client(kubectl, "listener").await_running()
    eventually(
        lambda: is_ready(kubectl.get("ttsservice", "drained")),
        within=READY_TIMEOUT,
        what="drained is Ready",
    )
    before = {pod["metadata"]["name"]: pod["status"]["podIP"] for pod in pods(kubectl)}
    assert len(before) == 2
    listeners = {name: Listener(kubectl, "listener", address) for name, address in before.items()}
    for listener in listeners.values():
        listener.begun()
    assert all(listener.is_listening() for listener in listeners.values())
    drain = kubectl.try_run(
        *("drain", node, f"--pod-selector={SELECTOR}", "--delete-emptydir-data"),
        f"--timeout={DRAIN_SECONDS}s",
        timeout=4 * DRAIN_SECONDS,
    )
    assert drain.returncode != 0, "the last pod that serves may not go"
    assert "violate the pod's disruption budget" in drain.stderr
    (kept,) = (pod["metadata"]["name"] for pod in pods(kubectl) if is_serving(pod))
    assert kept in before
    heard = {name: listener.heard() for name, listener in listeners.items()}
    assert len(set(heard.values())) == 1, "the pod that was evicted spoke to the end"

    kubectl("uncordon", node)
    eventually(
        lambda: sum(map(is_serving, pods(kubectl))) == 2,
        within=READY_TIMEOUT,
        what="another pod has taken its place",
    )

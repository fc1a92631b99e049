"""A pod that calls a service from inside the cluster, as an application would."""

import base64
import json
from dataclasses import dataclass
from typing import Any

from tests.support.kubernetes import Kubectl, eventually

POD_TIMEOUT = 60
IMAGE = "localhost/speaker-tts-runtime:cpu-dev"
PROGRAM = """
import base64, json, sys, urllib.error, urllib.request
url, body = sys.argv[1], sys.argv[2].encode()
request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
try:
    with urllib.request.urlopen(request, timeout=30) as response:
        status, headers, data = response.status, response.headers, response.read()
except urllib.error.HTTPError as error:
    status, headers, data = error.code, error.headers, error.read()
body = base64.b64encode(data).decode()
print(json.dumps({"status": status, "headers": dict(headers), "body": body}))
"""

GUARDED_PROGRAM = f"""
import socket, sys, urllib.parse
address = urllib.parse.urlsplit(sys.argv[1])
try:
    socket.create_connection((address.hostname, address.port or 80), timeout=4).close()
except OSError:
    print("null")
    sys.exit()
{PROGRAM}
"""
PYTHON = "/opt/venv/bin/python"


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    headers: dict[str, str]
    """By name in small letters."""
    body: bytes


def ask(kubectl: Kubectl, name: str, url: str, body: dict[str, Any]) -> Answer:
    """POST JSON from a pod of its own."""
    log = run(kubectl, name, [PYTHON, "-c", PROGRAM, url, json.dumps(body)])
    answer = json.loads(log.strip().splitlines()[-1])
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    return Answer(answer["status"], headers, base64.b64decode(answer["body"]))


def post(kubectl: Kubectl, name: str, url: str, body: dict[str, Any]) -> tuple[int, bytes]:
    """POST JSON from a pod of its own; return the answer's status and body."""
    answer = ask(kubectl, name, url, body)
    return answer.status, answer.body


class Client:
    """A pod that stays, and calls services whenever it is told to."""

    def __init__(self, kubectl: Kubectl, name: str, **labels: str) -> None:
        self._kubectl = kubectl
        self._name = name
        sleep = "import time; time.sleep(3600)"
        manifest = _pod(name, [PYTHON, "-c", sleep], None)
        manifest["metadata"]["labels"] = labels
        kubectl.apply(manifest)

    def await_running(self) -> "Client":
        eventually(
            lambda: (self._kubectl.get("pod", self._name) or {})["status"]["phase"] == "Running",
            within=POD_TIMEOUT,
            what=f"pod {self._name} runs",
        )
        return self

    def python(self, program: str, *arguments: str) -> str:
        """Run a program in the pod; return what it printed."""
        return self._kubectl("exec", self._name, "--", PYTHON, "-c", program, *arguments)

    def post(self, url: str, body: dict[str, Any]) -> tuple[int, bytes] | None:
        """POST JSON; return status and body, or None if no connection is let through."""
        answer = json.loads(self.python(GUARDED_PROGRAM, url, json.dumps(body)).splitlines()[-1])
        return None if answer is None else (answer["status"], base64.b64decode(answer["body"]))


def run(kubectl: Kubectl, name: str, command: list[str], config_map: str | None = None) -> str:
    """Run a command in a restricted pod of the runtime's image to its end; return what it printed.

    The keys of ``config_map`` are files in /config; /tmp is writable.
    """
    kubectl.apply(_pod(name, command, config_map))

    def finished() -> str | None:
        phase = (kubectl.get("pod", name) or {}).get("status", {}).get("phase")
        return phase if phase in {"Succeeded", "Failed"} else None

    ended = eventually(finished, within=POD_TIMEOUT, what=f"pod {name} has run {command[:2]}")
    log = kubectl("logs", name)
    kubectl("delete", "pod", name, "--wait=false")
    assert ended == "Succeeded", log
    return log


def _pod(name: str, command: list[str], config_map: str | None) -> dict[str, Any]:
    volumes: list[dict[str, Any]] = [{"name": "tmp", "emptyDir": {}}]
    mounts = [{"name": "tmp", "mountPath": "/tmp"}]
    if config_map is not None:
        volumes.append({"name": "config", "configMap": {"name": config_map}})
        mounts.append({"name": "config", "mountPath": "/config"})
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "volumes": volumes,
            "containers": [
                {
                    "name": "client",
                    "image": IMAGE,
                    "imagePullPolicy": "IfNotPresent",
                    "command": command,
                    "volumeMounts": mounts,
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                        "readOnlyRootFilesystem": True,
                    },
                }
            ],
        },
    }

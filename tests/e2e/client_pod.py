"""A pod that calls a service from inside the cluster, as an application would."""

import base64
import json
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
        status, data = response.status, response.read()
except urllib.error.HTTPError as error:
    status, data = error.code, error.read()
print(json.dumps({"status": status, "body": base64.b64encode(data).decode()}))
"""


def post(kubectl: Kubectl, name: str, url: str, body: dict[str, Any]) -> tuple[int, bytes]:
    """POST JSON from a pod of its own; return the answer's status and body."""
    command = ["/opt/venv/bin/python", "-c", PROGRAM, url, json.dumps(body)]
    kubectl.apply(_pod(name, command))

    def finished() -> str | None:
        phase = (kubectl.get("pod", name) or {}).get("status", {}).get("phase")
        return phase if phase in {"Succeeded", "Failed"} else None

    eventually(finished, within=POD_TIMEOUT, what=f"pod {name} has called {url}")
    log = kubectl("logs", name)
    kubectl("delete", "pod", name, "--wait=false")
    answer = json.loads(log.strip().splitlines()[-1])
    return answer["status"], base64.b64decode(answer["body"])


def _pod(name: str, command: list[str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "client",
                    "image": IMAGE,
                    "imagePullPolicy": "IfNotPresent",
                    "command": command,
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                        "readOnlyRootFilesystem": True,
                    },
                }
            ],
        },
    }

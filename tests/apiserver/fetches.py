"""Pods that fetch models, played by real `speaker-runtime model fill` processes."""

import base64
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from speaker_operator.kube.resources import POD, SECRET
from speaker_runtime.contract import MODEL_DIRECTORY
from tests.apiserver.api import Api, Json
from tests.apiserver.kubelet import container_status

STOP_TIMEOUT = 10


@dataclass
class _Run:
    process: subprocess.Popen[bytes]
    last_words: Path


class Fetches:
    """A node's fetching pods: each claim is a folder, each pod has an address of this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._runs: dict[str, _Run] = {}
        self._numbers = count(2)

    def tend(self, api: Api, pod: Json) -> None:
        """Start the pod's process, or report how it ended, or end it."""
        name = pod["metadata"]["name"]
        run = self._runs.get(name)
        if "deletionTimestamp" in pod["metadata"]:
            if run is not None and run.process.poll() is None:
                run.process.terminate()
                run.process.wait(STOP_TIMEOUT)
            if pod["status"].get("phase") not in ("Succeeded", "Failed"):
                api.patch_status(POD, name, phase="Failed")
            api.delete(POD, name, gracePeriodSeconds="0")
        elif run is None:
            self._start(api, pod)
        elif run.process.poll() is not None and pod["status"].get("phase") == "Running":
            self._report_end(api, name, run)

    def kill(self) -> None:
        """Kill every process that runs, as the kernel would: without any notice."""
        for run in self._runs.values():
            run.process.kill()
            run.process.wait()

    def stop(self) -> None:
        """Tell every process to end, as a kubelet does when a node is drained."""
        for run in self._runs.values():
            run.process.terminate()
            run.process.wait(STOP_TIMEOUT)

    def folder_of(self, namespace: str, claim: str) -> Path:
        """Where a claim's files lie."""
        return self._folder / namespace / claim

    def _start(self, api: Api, pod: Json) -> None:
        (container,) = pod["spec"]["containers"]
        name = pod["metadata"]["name"]
        environment, missing = _environment(api, container)
        if missing is not None:
            reason = {"reason": "CreateContainerConfigError", "message": missing}
            waiting = container_status("model-fetch", {"state": {"waiting": reason}})
            if pod["status"].get("containerStatuses", [{}])[0].get("state") != waiting["state"]:
                api.patch_status(POD, name, phase="Pending", containerStatuses=[waiting])
            return
        claim = next(
            each["persistentVolumeClaim"]["claimName"]
            for each in pod["spec"]["volumes"]
            if each["name"] == "model"
        )
        folder = self.folder_of(api.namespace, claim)
        folder.mkdir(parents=True, exist_ok=True)
        words = self._folder / f"{name}.log"
        words.touch()
        address = f"127.88.0.{next(self._numbers)}"
        arguments = [
            each.replace(str(MODEL_DIRECTORY), str(folder)).replace("0.0.0.0", address)
            for each in container["args"]
        ]
        process = subprocess.Popen(
            [Path(sys.executable).with_name("speaker-runtime"), *arguments],
            env={"PATH": "/usr/bin:/bin", "TERMINATION_LOG": str(words), **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._runs[name] = _Run(process, words)
        running = {"state": {"running": {}}, "ready": True}
        api.patch_status(
            POD,
            name,
            phase="Running",
            podIP=address,
            podIPs=[{"ip": address}],
            containerStatuses=[container_status("model-fetch", running)],
        )

    def _report_end(self, api: Api, name: str, run: _Run) -> None:
        code = run.process.returncode
        ended = {
            "exitCode": code if code >= 0 else 128 - code,
            "message": run.last_words.read_text(),
            "finishedAt": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        api.patch_status(
            POD,
            name,
            phase="Failed" if code else "Succeeded",
            containerStatuses=[container_status("model-fetch", {"state": {"terminated": ended}})],
        )


def _environment(api: Api, container: Json) -> tuple[dict[str, str], str | None]:
    """The container's variables, or what it lacks for them, in the words of a kubelet."""
    found = {each["name"]: each["value"] for each in container.get("env", ())}
    for source in container.get("envFrom", ()):
        name = source["secretRef"]["name"]
        secret = api.get(SECRET, name)
        if secret is None:
            return {}, f'secret "{name}" not found'
        for key, value in secret.get("data", {}).items():
            found[key] = base64.b64decode(value).decode()
    return found, None

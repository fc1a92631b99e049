"""Talk to a cluster as a person would: kubectl, and patience with a limit."""

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

POLL_INTERVAL = 0.05


class NeverTrue(AssertionError):
    """A condition did not become true in its time."""


def eventually(condition: Callable[[], T | None], *, within: float, what: str) -> T:
    """Return the condition's first truthy value.

    Raises:
        NeverTrue: After ``within`` seconds; names the wait and the last value seen.
    """
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise NeverTrue(f"not within {within:g} s: {what} (last seen: {value!r})")
        time.sleep(POLL_INTERVAL)


@dataclass(frozen=True)
class Kubectl:
    """kubectl against one cluster and namespace."""

    binary: Path
    kubeconfig: Path
    namespace: str = "default"

    def in_namespace(self, namespace: str) -> "Kubectl":
        return Kubectl(self.binary, self.kubeconfig, namespace)

    def try_run(
        self, *args: str, stdin: str | None = None, timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        cluster = ("--kubeconfig", str(self.kubeconfig), "--namespace", self.namespace)
        return subprocess.run(
            [str(self.binary), *cluster, *args],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def __call__(self, *args: str, stdin: str | None = None, timeout: float = 60) -> str:
        ended = self.try_run(*args, stdin=stdin, timeout=timeout)
        assert ended.returncode == 0, f"kubectl {' '.join(args)}: {ended.stderr}"
        return ended.stdout

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        """One object, or None if it does not exist."""
        ended = self.try_run("get", kind, name, "-o", "json", "--ignore-not-found")
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout) if ended.stdout else None

    def list(self, kind: str, selector: str = "") -> list[dict[str, Any]]:
        """Objects of a kind, by label selector."""
        items = json.loads(self("get", kind, "-l", selector, "-o", "json"))["items"]
        return list(items)

    def patch(self, kind: str, name: str, patch: dict[str, Any]) -> None:
        """Merge-patch one object."""
        self("patch", kind, name, "--type", "merge", "-p", json.dumps(patch))

    def apply(self, *objects: dict[str, Any]) -> None:
        """Apply objects given as data."""
        document = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self("apply", "-f", "-", stdin=json.dumps(document))


def condition(resource: dict[str, Any], kind: str) -> dict[str, Any]:
    """One condition of a resource, or an empty one."""
    found = [c for c in resource.get("status", {}).get("conditions", []) if c["type"] == kind]
    return found[0] if found else {}


def is_ready(resource: dict[str, Any] | None) -> bool:
    """Whether the newest generation of a resource is Ready."""
    if resource is None:
        return False
    ready = condition(resource, "Ready")
    generation = resource["metadata"]["generation"]
    return (
        ready.get("status") == "True"
        and ready.get("observedGeneration") == generation
        and resource["status"].get("observedGeneration") == generation
    )


def owner_uids(resource: dict[str, Any]) -> set[str]:
    """UIDs of a resource's owners."""
    return {o["uid"] for o in resource["metadata"].get("ownerReferences", [])}

"""The API server that the operator is measured on, and its record of what the operator asked."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench.servers import cpu_seconds
from cluster.controlplane import ADMIN
from cluster.envtest import ControlPlane
from tests.apiserver.api import Api, Json, connect, eventually
from tests.apiserver.conftest import READY_TIMEOUT, USER, install_crds, operator_kubeconfig
from tests.apiserver.controllers import run_controllers
from tests.apiserver.operator_process import OperatorProcess, run_operator

CONNECTIONS: Final = 16
"""Of whoever writes many objects."""
POLICY: Final = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "rules": [
        {"level": "Metadata", "users": [USER]},
        {"level": "Metadata", "users": [ADMIN], "verbs": ["create", "patch"]},
        {"level": "None"},
    ],
}
"""All that the operator asks, and what a bare loop writes: both sides pay for the record."""
RENEWED: Final = frozenset({"leases"})
"""What is asked of the API server again and again by whoever is there, whatever there is to do."""
_QUIET_SECONDS: Final = 1.5


@dataclass(frozen=True)
class AuditLog:
    """The API server's record of requests."""

    file: Path

    def mark(self) -> int:
        """This moment, for :meth:`since`."""
        return self.file.stat().st_size if self.file.exists() else 0

    def since(self, mark: int) -> Counter[str]:
        """The requests that were answered since then, by verb and resource.

        Watches are none: they last, and are opened anew every few minutes. Nor are renewals of the
        leader's Lease.
        """
        return Counter(f"{entry['verb']} {_resource(entry)}" for entry in self._entries(mark))

    def applied_since(self, mark: int) -> dict[tuple[str, str], datetime]:
        """When what was applied since then was first answered for, by resource and name."""
        answered: dict[tuple[str, str], datetime] = {}
        for entry in self._entries(mark):
            if entry["verb"] == "patch" and "subresource" not in entry["objectRef"]:
                what = (entry["objectRef"]["resource"], entry["objectRef"]["name"])
                answered.setdefault(what, datetime.fromisoformat(entry["stageTimestamp"]))
        return answered

    def _entries(self, mark: int) -> list[Json]:
        """The operator's requests that were answered since then."""
        if not self.file.exists():
            return []
        with self.file.open("rb") as log:
            log.seek(mark)
            entries = [json.loads(line) for line in log.read().splitlines() if line.endswith(b"}")]
        return [
            entry
            for entry in entries
            if entry["user"]["username"] == USER
            and entry["verb"] != "watch"
            and entry["objectRef"]["resource"] not in RENEWED
        ]


def _resource(entry: Json) -> str:
    named = entry["objectRef"]
    return "/".join(named[part] for part in ("resource", "subresource") if part in named)


@dataclass(frozen=True)
class Cluster:
    """A running API server that knows the project's kinds.

    Attributes:
        plane: Its processes.
        api: Its admin.
        audit: What the operator asked it.
        kubeconfig: Of the operator, who may do what its role says.
        directory: For logs.
    """

    plane: ControlPlane
    api: Api
    audit: AuditLog
    kubeconfig: Path
    directory: Path

    def namespace(self, name: str) -> Api:
        """The admin in a new namespace."""
        self.api.create_namespace(name, {})
        return self.api.in_namespace(name)

    @contextmanager
    def operator(self) -> Iterator[OperatorProcess]:
        """Run the operator as it is shipped, with nothing but its role, until it is stopped."""
        with run_operator(self.directory, self.kubeconfig) as running:
            yield running

    @contextmanager
    def ready_operator(self) -> Iterator[OperatorProcess]:
        """Run the operator; it is ready, and has looked around."""
        with self.operator() as running:
            eventually(running.is_ready, within=READY_TIMEOUT, what="the operator is ready")
            eventually(self._is_quiet, within=READY_TIMEOUT, what="the operator has looked around")
            yield running

    def _is_quiet(self) -> bool:
        """Whether the operator asks for nothing for longer than it waits before it lists anew."""
        mark = self.audit.mark()
        time.sleep(_QUIET_SECONDS)
        return not self.audit.since(mark)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """An API server while the context lasts; nobody else's controllers run."""
    with TemporaryDirectory() as folder:
        directory = Path(folder)
        policy, log = directory / "policy.json", directory / "audit.log"
        policy.write_text(json.dumps(POLICY), encoding="utf-8")
        flags = {"audit-policy-file": policy, "audit-log-path": log}
        with ControlPlane(flags=flags) as plane, connect(plane) as api:
            install_crds(plane)
            yield Cluster(plane, api, AuditLog(log), operator_kubeconfig(plane), directory)


@contextmanager
def controlled_cluster() -> Iterator[Cluster]:
    """The same with Kubernetes' own controllers and scheduler."""
    with cluster() as running, run_controllers(running.plane, running.directory):
        yield running


def cpu_milliseconds(operator: OperatorProcess) -> float:
    """What the operator has used of the CPU so far."""
    return 1000 * cpu_seconds(operator.process.pid)


def memory_megabytes(operator: OperatorProcess, field: str = "VmRSS") -> float:
    """What the operator holds of the machine's memory; ``VmHWM`` for the most it ever held."""
    status = Path(f"/proc/{operator.process.pid}/status").read_text(encoding="ascii")
    (line,) = [line for line in status.splitlines() if line.startswith(f"{field}:")]
    return int(line.split()[1]) * 1024 / 1e6

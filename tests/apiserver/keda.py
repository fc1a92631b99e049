"""KEDA itself, and Prometheus, as processes beside the tests' API server."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2

from cluster.binaries import Binaries
from cluster.config import Config
from cluster.controlplane import Flags, flag_list
from cluster.envtest import ADDRESS, ControlPlane, free_ports
from cluster.errors import Unavailable
from cluster.pki import Authority
from tests.apiserver.api import Json, eventually

OPERATOR, ADAPTER = "keda-operator", "keda-adapter"
NAMESPACE = "keda"
READY_TIMEOUT = 60
METRICS_API = "v1beta1.external.metrics.k8s.io"


def kinds() -> dict[str, Path]:
    """KEDA's own CRDs, by their file's name."""
    return {file.name: file for file in Binaries.of_user(Config.load()).assets("keda")}


def install_kinds(control_plane: ControlPlane) -> None:
    """Install all of KEDA's kinds."""
    for file in kinds().values():
        control_plane.kubectl("apply", "--server-side", "-f", str(file))


@contextmanager
def run_keda(control_plane: ControlPlane, folder: Path) -> Iterator[None]:
    """KEDA's operator and its metrics adapter; they are built if no test has needed them before."""
    binaries = Binaries.of_user(Config.load())
    binaries.ensure((OPERATOR, ADAPTER))
    install_kinds(control_plane)
    certificates = _certificates(folder / "certificates")
    rpc, adapter, probes, adapter_metrics = free_ports(4)
    for manifest in _aggregation(adapter):
        control_plane.kubectl("apply", "-f", "-", input=json.dumps(manifest))
    environment = {
        "KUBECONFIG": str(control_plane.kubeconfig),
        "POD_NAMESPACE": NAMESPACE,
        "WATCH_NAMESPACE": "",
    }
    operator_flags: Flags = {
        "cert-dir": certificates,
        "metrics-bind-address": "0",
        "health-probe-bind-address": f"{ADDRESS}:{probes}",
        "metrics-service-bind-address": f"{ADDRESS}:{rpc}",
        "kube-api-qps": 300,
        "kube-api-burst": 600,
        "zap-log-level": "info",
    }
    adapter_flags: Flags = {
        "secure-port": adapter,
        "bind-address": ADDRESS,
        "port": adapter_metrics,
        "cert-dir": certificates,
        "tls-cert-file": certificates / "tls.crt",
        "tls-private-key-file": certificates / "tls.key",
        "metrics-service-address": f"{ADDRESS}:{rpc}",
        "authentication-kubeconfig": control_plane.kubeconfig,
        "authorization-kubeconfig": control_plane.kubeconfig,
        "lister-kubeconfig": control_plane.kubeconfig,
    }
    with ExitStack() as stack:
        for tool, flags in ((OPERATOR, operator_flags), (ADAPTER, adapter_flags)):
            command = [str(binaries.path(tool)), *flag_list(flags)]
            stack.enter_context(running(command, folder / f"{tool}.log", environment))

        def serves() -> bool:
            found: Json = json.loads(
                control_plane.kubectl("get", "apiservice", METRICS_API, "-o=json")
            )
            conditions = found.get("status", {}).get("conditions", ())
            return any(c["type"] == "Available" and c["status"] == "True" for c in conditions)

        eventually(serves, within=READY_TIMEOUT, what="KEDA serves external metrics")
        yield


@contextmanager
def run_prometheus(folder: Path, jobs: Sequence[Json]) -> Iterator[str]:
    """Prometheus, looking every second; yields its address."""
    binary = shutil.which("prometheus")
    if binary is None:
        raise Unavailable("prometheus is not installed: apt-get install prometheus")
    (port,) = free_ports(1)
    config = folder / "prometheus.yml"
    pace = {"scrape_interval": "1s", "scrape_timeout": "1s"}
    config.write_text(json.dumps({"global": pace, "scrape_configs": jobs}))
    flags: Flags = {
        "config.file": config,
        "storage.tsdb.path": folder / "data",
        "web.listen-address": f"{ADDRESS}:{port}",
    }
    with running([binary, *flag_list(flags)], folder / "prometheus.log", {}):
        url = f"http://{ADDRESS}:{port}"
        eventually(lambda: _answers(f"{url}/-/ready"), within=READY_TIMEOUT, what="Prometheus")
        yield url


@contextmanager
def running(
    command: Sequence[str | Path], log_file: Path, environment: Mapping[str, str]
) -> Iterator[None]:
    """A process while the context is open; it has failed if it ends before."""
    with log_file.open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | environment)
    try:
        yield
        assert process.poll() is None, f"{command[0]} ended: {log_file.read_text()[-2000:]}"
    finally:
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url).is_success
    except httpx2.HTTPError:
        return False


def _certificates(folder: Path) -> Path:
    """What the operator and the adapter show to each other, under the names that KEDA expects."""
    authority = Authority(folder, "ca").create()
    hosts, usages = [ADDRESS, "localhost"], ("serverAuth", "clientAuth")
    authority.issue("tls", user="keda", hosts=hosts, usages=usages)
    return folder


def _aggregation(port: int) -> list[Json]:
    """The API server finds the adapter on this machine, by a Service that is a name."""
    name = "keda-metrics-apiserver"
    version, _, group = METRICS_API.partition(".")
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {"type": "ExternalName", "externalName": "localhost"},
        },
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": METRICS_API},
            "spec": {
                "service": {"name": name, "namespace": NAMESPACE, "port": port},
                "group": group,
                "version": version,
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
                "insecureSkipTLSVerify": True,
            },
        },
    ]

"""A real cluster with the operator in it, from the project's own chart and images."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.kubernetes import Kubectl
from tests.support.webserver import Site, website

DEPLOY_TIMEOUT = 45 * 60
"""Seconds for everything from nothing: tools compiled, images built, operator installed."""
DOWN_TIMEOUT = 400
"""Seconds to remove a node with all its images, of which one may have five gigabytes."""
DELETION_TIMEOUT = 90
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


def _cluster(repository: Path, *verb: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cluster", *verb],
        cwd=repository,
        env=os.environ | {"PYTHONPATH": "hack"},
        capture_output=True,
        text=True,
        timeout=DOWN_TIMEOUT,
        check=False,
    )


@pytest.fixture(scope="session")
def deployed(repository: Path) -> Iterator[Kubectl]:
    """kubectl for a cluster that runs the operator; one that was already up stays up."""
    doctor = _cluster(repository, "doctor")
    if doctor.returncode != 0:
        pytest.skip(f"no cluster can run here: {doctor.stdout.strip()} {doctor.stderr.strip()}")
    was_up = _cluster(repository, "status").returncode == 0
    try:
        deploy = subprocess.run(
            ["make", "deploy"],
            cwd=repository,
            capture_output=True,
            text=True,
            timeout=DEPLOY_TIMEOUT,
            check=False,
        )
        assert deploy.returncode == 0, f"{deploy.stdout[-6000:]}\n{deploy.stderr[-6000:]}"
        kubectl = _cluster(repository, "path", "kubectl").stdout.strip()
        yield Kubectl(Path(kubectl), repository / "build" / "kubeconfig")
    finally:
        if not was_up:
            _cluster(repository, "down")


@pytest.fixture(scope="module")
def kubectl(deployed: Kubectl) -> Iterator[Kubectl]:
    """kubectl in a new namespace that enforces restricted pod security."""
    name = f"e2e-{uuid.uuid4().hex[:8]}"
    namespace = {"name": name, "labels": RESTRICTED}
    deployed.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": namespace})
    yield deployed.in_namespace(name)
    deployed("delete", "namespace", name, "--wait", timeout=DELETION_TIMEOUT)


@pytest.fixture(scope="module")
def site(kubectl: Kubectl) -> Iterator[Site]:
    """A web server that pods reach, if the cluster's node is this very machine."""
    (node, *_) = kubectl.list("node")
    address = next(e["address"] for e in node["status"]["addresses"] if e["type"] == "InternalIP")
    try:
        with website(address) as running:
            yield running
    except OSError as error:
        pytest.skip(f"the node's address {address} is not this machine's: {error}")

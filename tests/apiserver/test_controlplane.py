"""The API server that other tests run against: it starts, authorizes, restarts and ends."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.envtest import ControlPlane
from cluster.errors import CommandFailed
from cluster.process import Supervisor
from cluster.waiting import until
from tests.apiserver.conftest import own_control_plane
from tests.support.figures import RecordFigure

pytestmark = pytest.mark.apiserver

GUARD_TIMEOUT = 10


@pytest.fixture(scope="module")
def control_plane() -> Iterator[ControlPlane]:
    with own_control_plane() as running:
        yield running


def test_it_serves_the_pinned_version(control_plane: ControlPlane) -> None:
    version = json.loads(control_plane.kubectl("version", "--output=json"))
    assert version["serverVersion"]["gitVersion"] == version["clientVersion"]["gitVersion"]


def test_it_keeps_what_is_applied(control_plane: ControlPlane) -> None:
    config_map = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "kept"},
        "data": {"greeting": "hello"},
    }
    control_plane.kubectl("apply", "--server-side", "-f", "-", input=json.dumps(config_map))
    assert control_plane.kubectl("get", "cm", "kept", "-o=jsonpath={.data.greeting}") == "hello"


def test_an_error_carries_the_words_of_kubectl(control_plane: ControlPlane) -> None:
    with pytest.raises(CommandFailed, match='configmaps "absent" not found'):
        control_plane.kubectl("get", "configmap", "absent")


def test_a_user_may_do_nothing_before_rbac_allows_it(control_plane: ControlPlane) -> None:
    kubeconfig = control_plane.kubeconfig_for("jane", ["developers"])
    with pytest.raises(CommandFailed, match='User "jane" cannot list resource "secrets"'):
        control_plane.kubectl("--kubeconfig", str(kubeconfig), "get", "secrets")


def test_a_role_bound_to_a_group_counts_for_its_users(control_plane: ControlPlane) -> None:
    control_plane.kubectl("create", "role", "reader", "--verb=list", "--resource=configmaps")
    control_plane.kubectl("create", "rolebinding", "reader", "--role=reader", "--group=readers")
    kubeconfig = control_plane.kubeconfig_for("joe", ["readers"])
    assert control_plane.kubectl("--kubeconfig", str(kubeconfig), "auth", "whoami").count("joe")
    control_plane.kubectl("--kubeconfig", str(kubeconfig), "get", "configmaps")


def test_a_restart_keeps_address_and_objects(control_plane: ControlPlane) -> None:
    control_plane.kubectl("create", "configmap", "survivor")
    url = control_plane.url
    control_plane.restart_apiserver()
    assert control_plane.url == url
    assert "survivor" in control_plane.kubectl("get", "configmaps", "--output=name")


def test_nothing_outlives_a_test_run_that_is_killed(
    control_plane: ControlPlane, repository: Path, tmp_path: Path
) -> None:
    program = (
        "import os, pathlib, signal, sys\n"
        "from cluster.envtest import ControlPlane\n"
        "with ControlPlane(pathlib.Path(sys.argv[1])):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(repository / "hack")}
    killed = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], env=environment, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    left = Supervisor(tmp_path / "processes", tmp_path / "logs").started()
    assert {component.name for component in left} == {"etcd", "kube-apiserver"}
    until(
        lambda: not any(component.alive() for component in left),
        what="the end of what the killed run had started",
        timeout=GUARD_TIMEOUT,
    )


def test_two_run_side_by_side_and_leave_nothing(
    control_plane: ControlPlane, record_figure: RecordFigure
) -> None:
    start = time.monotonic()
    with ControlPlane() as second:
        record_figure("API server for tests: start", time.monotonic() - start, "s", goal="≤ 10")
        assert second.url != control_plane.url
        second.kubectl("get", "namespaces")
        state = second.kubeconfig.parent.parent
    assert not state.exists()

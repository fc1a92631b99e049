"""A real API server with the project's CRDs, and the operator with nothing but its role."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cluster.envtest import ControlPlane
from cluster.errors import Unavailable
from speaker_operator.api import crd
from speaker_operator.api.v1alpha1.common import GROUP
from speaker_operator.kube import rbac
from speaker_operator.kube.resources import CHILDREN, DECLARED
from tests.apiserver.api import (
    RESTRICTED,
    Api,
    Refused,
    connect,
    eventually,
    service,
    unique_name,
    voice,
)
from tests.apiserver.children import EVERYTHING, SETTLE_TIMEOUT, owned, quiesce, settle
from tests.apiserver.controllers import run_controllers
from tests.apiserver.installs import Installer, installer
from tests.apiserver.operator_process import OperatorProcess, run_operator

ROLE = "speaker-tts-operator"
USER = "operator-under-test"
OWN_NAMESPACE = "default"
LEASE_NAME = "speaker-tts-operator"
READY_TIMEOUT = 30
ESTABLISHED_TIMEOUT = 10
FETCH_SETTINGS = {
    "SPEAKER_MODEL_FETCH_ENV": '{"PIP_INDEX_URL": "https://index.test/simple"}',
    "SPEAKER_MODEL_FETCH_ENV_FROM": '[{"secretRef": {"name": "registries", "optional": true}}]',
}
FAST_SETTINGS = {"SPEAKER_NODE_CHECK_SECONDS": "1", "SPEAKER_KIND_CHECK_SECONDS": "1"}


@contextmanager
def own_control_plane() -> Iterator[ControlPlane]:
    """An API server that knows nothing of the project yet; skips where none can run."""
    try:
        with ControlPlane() as running:
            yield running
    except Unavailable as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def apiserver() -> Iterator[ControlPlane]:
    """An API server that serves the project's kinds."""
    with own_control_plane() as running:
        install_crds(running)
        yield running


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """The same, of the test file's own: it may break it."""
    with own_control_plane() as running:
        install_crds(running)
        yield running


@pytest.fixture(scope="module")
def cluster(
    plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ControlPlane]:
    """An API server of the test file's own, with controllers and a scheduler."""
    with run_controllers(plane, tmp_path_factory.mktemp("controllers")):
        yield plane


@pytest.fixture(scope="module")
def everywhere(cluster: ControlPlane) -> Iterator[Api]:
    with connect(cluster) as api:
        yield api.in_namespace("")


@contextmanager
def ready_operator(directory: Path, kubeconfig: Path, **settings: str) -> Iterator[OperatorProcess]:
    """An operator that is ready, with settings of its own."""
    with run_operator(directory, kubeconfig, **settings) as running:
        eventually(running.is_ready, within=READY_TIMEOUT, what="the operator is ready")
        yield running


@pytest.fixture(scope="module")
def its_operator(
    cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    """The operator of a test file's own cluster."""
    directory = tmp_path_factory.mktemp("operator")
    with ready_operator(directory, operator_kubeconfig(cluster)) as running:
        yield running


@pytest.fixture(scope="module")
def its_admin(plane: ControlPlane) -> Iterator[Api]:
    """Who may do everything on a test file's own API server."""
    with connect(plane) as api:
        yield api


@pytest.fixture
def install(plane: ControlPlane, its_admin: Api, repository: Path) -> Iterator[Installer]:
    """Installs the chart there, and takes it away afterwards."""
    with installer(plane, its_admin, repository) as install:
        yield install


@pytest.fixture(scope="session")
def admin(apiserver: ControlPlane) -> Iterator[Api]:
    with connect(apiserver) as api:
        yield api


@pytest.fixture
def api(admin: Api) -> Iterator[Api]:
    """The admin in a namespace of the test's own, under the strictest pod security."""
    name = unique_name("test")
    admin.create_namespace(name, RESTRICTED)
    own = admin.in_namespace(name)
    with own.machines:
        yield own
        for resource in DECLARED:  # else the operator goes on trying what a test made impossible
            own.delete_all(resource)


@pytest.fixture(scope="session")
def operator(
    apiserver: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    """The operator, ready, allowed what its role allows."""
    kubeconfig = operator_kubeconfig(apiserver)
    directory = tmp_path_factory.mktemp("operator")
    with run_operator(directory, kubeconfig, **FETCH_SETTINGS, **FAST_SETTINGS) as running:
        eventually(running.is_ready, within=READY_TIMEOUT, what="the operator is ready")
        yield running
        assert running.process.poll() is None, f"the operator ended: {running.log()[-4000:]}"


def install_crds(control_plane: ControlPlane) -> None:
    """Install the CRDs and wait until objects of the kinds can be made."""
    for text in crd.files().values():
        control_plane.kubectl("apply", "--server-side", "-f", "-", input=text)
    with connect(control_plane) as api:

        def established() -> bool:
            try:
                api.create(service(), dryRun="All")
            except Refused:
                return False
            listed = control_plane.kubectl("api-resources", "--api-group", GROUP, "--output=name")
            return len(listed.split()) == len(crd.files())  # short names come a moment later

        eventually(established, within=ESTABLISHED_TIMEOUT, what="the CRDs are established")


def operator_kubeconfig(control_plane: ControlPlane, *more: rbac.PolicyRule) -> Path:
    """Credentials of a user who has the operator's role, perhaps more, and nothing else."""
    granted = (*rbac.rules(), *rbac.reference_rules(), *rbac.cluster_rules(), *more)
    rules = [rule.to_manifest() for rule in granted]
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": ROLE},
        "rules": rules,
    }
    control_plane.kubectl("apply", "-f", "-", input=json.dumps(role))
    binding = control_plane.kubectl(
        "create", "clusterrolebinding", ROLE, "--clusterrole", ROLE, "--user", USER,
        "--dry-run=client", "-o", "json",
    )  # fmt: skip
    control_plane.kubectl("apply", "-f", "-", input=binding)
    own = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": ROLE, "namespace": OWN_NAMESPACE},
        "rules": [rule.to_manifest() for rule in rbac.own_rules(LEASE_NAME)],
    }
    control_plane.kubectl("apply", "-f", "-", input=json.dumps(own))
    binding = control_plane.kubectl(
        "create", "rolebinding", ROLE, "--role", ROLE, "--user", USER, "-n", OWN_NAMESPACE,
        "--dry-run=client", "-o", "json",
    )  # fmt: skip
    control_plane.kubectl("apply", "-f", "-", input=binding)
    return control_plane.kubeconfig_for(USER)


@pytest.fixture
def complete(api: Api, operator: OperatorProcess) -> Api:
    """A namespace with a service that has a child of every kind."""
    api.declare(service(**EVERYTHING), voice("ana"))
    eventually(lambda: len(owned(api)) == len(CHILDREN), within=SETTLE_TIMEOUT, what="all children")
    settle(api)
    quiesce(operator)
    return api

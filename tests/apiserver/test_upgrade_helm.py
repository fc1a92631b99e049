"""From the release before to this one, with services that are spoken to all the time.

The release before is kept in ``tests/upgrade``: its chart and its operator, as they were, because a
test has to be able to install it from a clone without history and without a registry. The node is
played, its pods are real runtimes; everything else is Kubernetes' own. The tests follow each other.
"""

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from cluster.binaries import Binaries
from cluster.commands import run
from cluster.config import Config
from cluster.envtest import ControlPlane
from speaker_operator.kube.resources import CHILDREN, DEPLOYMENT, POD, TTS_SERVICE, VOICE, Resource
from tests.apiserver.api import NAMESPACE, Api, Json, Refused, connect, eventually, service, voice
from tests.apiserver.children import quiesce
from tests.apiserver.conftest import own_control_plane
from tests.apiserver.controllers import run_controllers
from tests.apiserver.operator_process import OperatorProcess, run_operator
from tests.apiserver.serving import ServingKubelet, addresses, serving_kubelet, traffic
from tests.support.figures import RecordFigure
from tests.support.kubernetes import condition, is_ready

pytestmark = pytest.mark.apiserver

BEFORE = "0.1.0"
TIMEOUT = 60
HELM_TIMEOUT = 120
SYSTEM = "speaker-tts-system"
OPERATOR = "speaker-tts-operator"
CRD = Resource("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions")
SERVICES: dict[str, Json] = {
    "steady": {"replicas": 2, "networkPolicy": {"enabled": True}},
    "scaled": {"autoscaling": {"minReplicas": 2, "maxReplicas": 3}},
}


class Installation:
    """The chart on the test's API server, and the operator that its Deployment would run."""

    def __init__(self, control_plane: ControlPlane, directory: Path) -> None:
        self._control_plane = control_plane
        self._directory = directory
        self._helm = Binaries.of_user(Config.load())
        self._helm.ensure(["helm"])

    def helm(self, *words: str) -> str:
        environment = {"KUBECONFIG": str(self._control_plane.kubeconfig)}
        command = [str(self._helm.path("helm")), *words, "--namespace", SYSTEM]
        return run(command, env=environment, timeout=HELM_TIMEOUT)

    def install(self, chart: Path) -> None:
        # The operator runs beside the tests, not on the node that they play.
        values = ["--set-string", "nodeSelector.nowhere=true"]
        words = ["upgrade", "--install", "speaker-tts", str(chart), "--create-namespace"]
        self.helm(*words, *values)

    @contextmanager
    def operator(self, *, code: Path | None = None, **settings: str) -> Iterator[OperatorProcess]:
        """The operator with the rights that the chart gives it; ``code`` is another one's."""
        account = f"system:serviceaccount:{SYSTEM}:{OPERATOR}"
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{SYSTEM}"]
        kubeconfig = self._control_plane.kubeconfig_for(account, groups)
        settings |= {"SPEAKER_OWN_NAMESPACE": SYSTEM}
        if code is not None:
            settings["PYTHONPATH"] = f"{code / 'operator'}:{code / 'runtime'}"
        with run_operator(self._directory, kubeconfig, **settings) as running:
            eventually(running.is_ready, within=TIMEOUT, what="the operator is ready")
            yield running


@pytest.fixture(scope="module")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """An API server that knows nothing of the project, with controllers."""
    logs = tmp_path_factory.mktemp("controllers")
    with own_control_plane() as running, run_controllers(running, logs, autoscaling=True):
        yield running


@pytest.fixture(scope="module")
def everywhere(control_plane: ControlPlane) -> Iterator[Api]:
    with connect(control_plane) as api:
        yield api.in_namespace("")


@pytest.fixture(scope="module")
def node(control_plane: ControlPlane) -> Iterator[ServingKubelet]:
    with serving_kubelet(control_plane) as kubelet:
        yield kubelet


@pytest.fixture(scope="module")
def speech(everywhere: Api, node: ServingKubelet) -> Api:
    """The namespace that the services are in."""
    api = everywhere.in_namespace("speech")
    api.create_namespace(api.namespace, {})
    return api


@pytest.fixture(scope="module")
def release_before(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("before")
    with tarfile.open(repository / "tests" / "upgrade" / f"{BEFORE}.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def installation(
    control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Installation:
    return Installation(control_plane, tmp_path_factory.mktemp("operator"))


def await_ready(api: Api) -> None:
    for name in SERVICES:
        eventually(
            lambda: is_ready(api.require(TTS_SERVICE, name)),  # noqa: B023
            within=TIMEOUT,
            what=f"{name} is Ready",
        )


def await_settled(api: Api, operator: OperatorProcess) -> None:
    """Wait until every Deployment has only pods of its newest template, and nothing happens."""

    def rolled_out(name: str) -> bool:
        deployment = api.require(DEPLOYMENT, name)
        status, wanted = deployment.get("status", {}), deployment["spec"]["replicas"]
        counts = (status.get(each, 0) for each in ("replicas", "updatedReplicas", "readyReplicas"))
        observed = status.get("observedGeneration") == deployment["metadata"]["generation"]
        return observed and set(counts) == {wanted}

    quiesce(operator)
    for name in SERVICES:
        eventually(lambda: rolled_out(name), within=TIMEOUT, what=f"{name} is rolled out")  # noqa: B023
    await_ready(api)
    quiesce(operator)


def pods(api: Api, name: str) -> set[str]:
    return {
        pod["metadata"]["uid"]
        for pod in api.list(POD)
        if pod["metadata"]["name"].startswith(f"{name}-")
        and "deletionTimestamp" not in pod["metadata"]
    }


def templates(api: Api) -> dict[str, Json]:
    return {name: api.require(DEPLOYMENT, name)["spec"]["template"] for name in SERVICES}


def children(api: Api) -> dict[tuple[str, str], str]:
    """The uids of all children, by kind and name."""
    return {
        (resource.kind, child["metadata"]["name"]): child["metadata"]["uid"]
        for resource in CHILDREN
        for child in api.list(resource)
        if "ownerReferences" in child["metadata"]
    }


def shipped_crds(repository: Path) -> list[Json]:
    return [yaml.safe_load(file.read_text("utf-8")) for file in sorted(repository.glob("crds/*"))]


def properties(crd: Json) -> Json:
    (version,) = crd["spec"]["versions"]
    found: Json = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    return found


def columns(crd: Json) -> list[Json]:
    """What ``kubectl get`` shows; the API server leaves out a priority that is 0."""
    (version,) = crd["spec"]["versions"]
    return [{"priority": 0, **each} for each in version["additionalPrinterColumns"]]


def test_an_upgrade_fails_no_request_and_replaces_only_pods_whose_template_changed(
    installation: Installation,
    release_before: Path,
    repository: Path,
    speech: Api,
    record_figure: RecordFigure,
) -> None:
    installation.install(release_before / "charts" / "speaker-tts")
    with installation.operator(code=release_before) as before:
        eventually(lambda: declared(speech), within=TIMEOUT, what="the kinds are served")
        await_settled(speech, before)
    assert "engine" not in properties_of_autoscaling(speech)
    old_templates = templates(speech)
    old_pods = {name: pods(speech, name) for name in SERVICES}
    old_children = children(speech)
    with traffic(speech, "steady") as steady, traffic(speech, "scaled") as scaled:
        eventually(
            lambda: steady.answered and scaled.answered, within=TIMEOUT, what="traffic flows"
        )
        installation.install(repository / "charts" / "speaker-tts")
        with installation.operator() as operator:
            await_settled(speech, operator)
            answered = steady.answered + scaled.answered
            eventually(
                lambda: steady.answered + scaled.answered > answered + 20,
                within=TIMEOUT,
                what="traffic flows on",
            )
    assert steady.failures + scaled.failures == []
    record_figure("requests answered during an upgrade, none failed", answered, "")

    replaced = {name for name in SERVICES if pods(speech, name) != old_pods[name]}
    changed = {name for name, each in templates(speech).items() if each != old_templates[name]}
    assert replaced == changed
    record_figure("services whose pods the upgrade replaced", len(replaced), f"of {len(SERVICES)}")
    kept = children(speech)
    assert old_children.items() <= kept.items(), "every child is the very one from before"


def declared(api: Api) -> bool:
    """Declare the services and a voice, as soon as their kinds are served."""
    try:
        api.declare(*(service(name, **spec) for name, spec in SERVICES.items()), voice("ana"))
    except Refused:
        return False
    return True


def properties_of_autoscaling(api: Api) -> Json:
    name = f"{TTS_SERVICE.plural}.{TTS_SERVICE.group}"
    found: Json = properties(api.in_namespace("").require(CRD, name))["autoscaling"]["properties"]
    return found


def test_pods_of_a_new_runtime_take_over_without_a_failed_request(
    installation: Installation, speech: Api, record_figure: RecordFigure
) -> None:
    before = {name: pods(speech, name) for name in SERVICES}
    with traffic(speech, "steady") as steady, traffic(speech, "scaled") as scaled:
        with installation.operator(SPEAKER_RUNTIME_IMAGE="runtime:{engine}-next") as operator:
            await_settled(speech, operator)
        with installation.operator() as operator:  # and back, as after helm rollback
            await_settled(speech, operator)
    assert steady.failures + scaled.failures == []
    assert all(before[name].isdisjoint(pods(speech, name)) for name in SERVICES)
    answered = steady.answered + scaled.answered
    record_figure("requests answered while all pods were replaced twice, none failed", answered, "")


def test_the_crds_are_those_of_the_release(everywhere: Api, repository: Path) -> None:
    for shipped in shipped_crds(repository):
        live = everywhere.require(CRD, shipped["metadata"]["name"])
        assert properties(live) == properties(shipped)
        assert columns(live) == columns(shipped)


def test_an_operator_that_is_installed_anew_adopts_what_it_finds_and_writes_none_of_it(
    installation: Installation, repository: Path, speech: Api, record_figure: RecordFigure
) -> None:
    before = children(speech), {name: pods(speech, name) for name in SERVICES}
    installation.helm("uninstall", "speaker-tts", "--wait")
    for name in SERVICES:
        assert is_ready(speech.require(TTS_SERVICE, name)), "declared, and serving"
        assert addresses(speech, name)
    assert speech.require(VOICE, "ana")
    installation.install(repository / "charts" / "speaker-tts")
    with installation.operator() as operator:
        await_settled(speech, operator)
        writes = operator.total("speaker_operator_child_writes_total")
        record_figure(
            "children written by an operator that is installed anew", writes, "", goal="0"
        )
        assert writes == 0
    assert (children(speech), {name: pods(speech, name) for name in SERVICES}) == before
    assert condition(speech.require(VOICE, "ana"), "Ready")["status"] == "True"


def test_what_is_deleted_while_no_operator_runs_is_collected(everywhere: Api, speech: Api) -> None:
    speech.delete(TTS_SERVICE, "scaled")
    eventually(
        lambda: not pods(speech, "scaled") and speech.get(DEPLOYMENT, "scaled") is None,
        within=TIMEOUT,
        what="nothing is left of it",
    )
    everywhere.delete(NAMESPACE, speech.namespace)
    eventually(
        lambda: everywhere.get(NAMESPACE, speech.namespace) is None,
        within=TIMEOUT,
        what="the namespace is gone",
    )

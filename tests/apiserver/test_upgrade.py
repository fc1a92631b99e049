"""From the release before to this one, with services that are spoken to all the time.

The release before is kept in ``tests/upgrade``: its CRDs and its operator, as they were, because a
test has to be able to run it from a clone without history and without a registry. The controllers
are played; the pods are real runtimes. The tests follow each other.
"""

import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from cluster.envtest import ControlPlane
from speaker_operator.kube.resources import (
    CHILDREN,
    CONFIG_MAP,
    DEPLOYMENT,
    POD,
    TTS_SERVICE,
    VOICE,
)
from speaker_runtime.contract import CONFIG_FILE, VOICES_FILE
from tests.apiserver.api import Api, Json, Refused, connect, eventually, service, voice
from tests.apiserver.children import SETTLE_TIMEOUT, quiesce
from tests.apiserver.conftest import (
    READY_TIMEOUT,
    install_crds,
    operator_kubeconfig,
    own_control_plane,
)
from tests.apiserver.kubelet import report_deployment, roll_out
from tests.apiserver.operator_process import OperatorProcess, run_operator
from tests.apiserver.serving import Traffic, traffic
from tests.support.before import ARCHIVE, contract_before
from tests.support.figures import RecordFigure
from tests.support.kubernetes import is_ready

pytestmark = pytest.mark.apiserver

ENOUGH = 5
"""Answers of each service by which traffic counts as flowing."""
SERVICES: dict[str, Json] = {
    "steady": {"replicas": 1, "networkPolicy": {"enabled": True}},
    "scaled": {"autoscaling": {"minReplicas": 1, "maxReplicas": 3}},
    "cached": {"cache": {"size": "1Gi"}, "serving": {"drainSeconds": 5}},
}


@pytest.fixture(scope="module")
def release_before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("before")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def control_plane(release_before: Path) -> Iterator[ControlPlane]:
    """An API server with the kinds of the release before."""
    with own_control_plane() as running:
        for crd in (release_before / "crds").iterdir():
            running.kubectl("apply", "--server-side", "-f", str(crd))
        yield running


@pytest.fixture(scope="module")
def speech(control_plane: ControlPlane) -> Iterator[Api]:
    """The namespace that the services are in, with their pods."""
    with connect(control_plane) as admin:
        api = admin.in_namespace("speech")
        api.create_namespace(api.namespace, {})
        with api.machines:
            yield api


@contextmanager
def operator(
    control_plane: ControlPlane, folder: Path, code: Path | None = None
) -> Iterator[OperatorProcess]:
    """This release's operator, or that of another one's code; it has found its peace."""
    other = {} if code is None else {"PYTHONPATH": f"{code / 'operator'}:{code / 'runtime'}"}
    with run_operator(folder, operator_kubeconfig(control_plane), **other) as running:
        eventually(running.is_ready, within=READY_TIMEOUT, what="the operator is ready")
        if code is None:
            eventually(
                lambda: running.total("speaker_operator_leading") == 1,
                within=READY_TIMEOUT,
                what="the operator leads",
            )
        quiesce(running)
        yield running
        running.stop()  # as Kubernetes does: it gives its lease up


def declared(api: Api) -> bool:
    """Declare the services and a voice, as soon as their kinds are served."""
    try:
        api.declare(*(service(name, **spec) for name, spec in SERVICES.items()), voice("ana"))
    except Refused:
        return False
    return True


def await_ready(api: Api) -> None:
    """Wait for the services and the voice, while the Deployments' controller sees what is written.

    A new annotation of a Deployment is a new generation of it, too, whose pods stay as they are.
    """

    def ready() -> bool:
        for name in SERVICES:
            report_deployment(api, name)
        declared_now = [(TTS_SERVICE, name) for name in SERVICES] + [(VOICE, "ana")]
        return all(is_ready(api.require(resource, name)) for resource, name in declared_now)

    eventually(ready, within=SETTLE_TIMEOUT, what="the services and the voice are Ready")


def children(api: Api) -> dict[tuple[str, str], Json]:
    return {
        (resource.kind, child["metadata"]["name"]): child
        for resource in CHILDREN
        for child in api.list(resource)
    }


def uids(api: Api) -> set[str]:
    return {each["metadata"]["uid"] for each in (*children(api).values(), *api.list(POD))}


def flowing(flows: dict[str, Traffic]) -> None:
    """Wait until every service has answered some more."""
    before = {name: flow.answered for name, flow in flows.items()}
    for name, flow in flows.items():
        eventually(
            lambda: flow.answered >= before[name] + ENOUGH,  # noqa: B023
            within=SETTLE_TIMEOUT,
            what=f"{name} answers",
        )


def test_an_upgrade_fails_no_request_and_changes_no_pod_without_need(
    control_plane: ControlPlane,
    release_before: Path,
    speech: Api,
    tmp_path: Path,
    record_figure: RecordFigure,
) -> None:
    with ExitStack() as flows:
        with operator(control_plane, tmp_path, release_before):
            eventually(lambda: declared(speech), within=SETTLE_TIMEOUT, what="the kinds are served")
            for name in SERVICES:
                eventually(
                    lambda: speech.get(DEPLOYMENT, name),  # noqa: B023
                    within=SETTLE_TIMEOUT,
                    what=f"{name} has pods",
                )
                roll_out(speech, name)
            await_ready(speech)
            asking = {name: flows.enter_context(traffic(speech, name)) for name in SERVICES}
            flowing(asking)
        before = children(speech)
        install_crds(control_plane)
        flowing(asking)
        with operator(control_plane, tmp_path) as upgraded:
            await_ready(speech)
            flowing(asking)
            speech.patch(VOICE, "ana", {"spec": {"aliases": ["storyteller"]}})
            await_ready(speech)
            writes = upgraded.total("speaker_operator_child_writes_total")
            flowing(asking)
    after = children(speech)
    assert {key: each["metadata"]["uid"] for key, each in before.items()} == {
        key: after[key]["metadata"]["uid"] for key in before
    }, "every child is the very one from before"
    rolled = [
        name
        for name in SERVICES
        if template(before, name) != template(after, name)  # else no controller would touch a pod
    ]
    for name in SERVICES:
        assert_readable_before(after[CONFIG_MAP.kind, f"{name}-config"]["data"])
    failures = [failure for each in asking.values() for failure in each.failures]
    assert failures == []
    answered = sum(each.answered for each in asking.values())
    record_figure("requests answered across an upgrade, none failed", answered, "")
    record_figure("children that the upgrade wrote, and a changed voice", writes, "")
    record_figure("services whose pods the upgrade replaces", len(rolled), f"of {len(SERVICES)}")


def assert_readable_before(documents: dict[str, str]) -> None:
    """A container of the release before that is started again reads what is written by now."""
    before = contract_before()
    config = before.RuntimeConfig.model_validate_json(documents[CONFIG_FILE])
    assert documents[CONFIG_FILE] == config.to_json()
    (told,) = before.VoiceManifest.model_validate_json(documents[VOICES_FILE]).voices
    assert (told.name, told.aliases) == ("ana", ("storyteller",))


def template(of: dict[tuple[str, str], Json], name: str) -> Json:
    found: Json = of[DEPLOYMENT.kind, name]["spec"]["template"]
    return found


def test_an_operator_that_is_installed_anew_adopts_what_it_finds_and_writes_none_of_it(
    control_plane: ControlPlane, speech: Api, tmp_path: Path, record_figure: RecordFigure
) -> None:
    before, versions = uids(speech), {k: version(each) for k, each in children(speech).items()}
    with traffic(speech, "steady") as asking:
        flowing({"steady": asking})  # with no operator at all
        with operator(control_plane, tmp_path) as installed:
            await_ready(speech)
            flowing({"steady": asking})
            writes = installed.total("speaker_operator_child_writes_total")
            statuses = installed.total("speaker_operator_status_writes_total")
    record_figure("writes of an operator that is installed anew", writes + statuses, "", goal="0")
    assert (writes, statuses) == (0, 0)
    assert asking.failures == []
    assert uids(speech) == before
    assert {key: version(each) for key, each in children(speech).items()} == versions


def version(child: Json) -> str:
    return str(child["metadata"]["resourceVersion"])

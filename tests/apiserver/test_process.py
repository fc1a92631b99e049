"""The operator as a process: what it waits for, what it survives, how it ends."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.envtest import ControlPlane
from speaker_operator.kube import rbac
from speaker_operator.kube.resources import CONFIG_MAP, DEPLOYMENT, SECRET, TTS_SERVICE, VOICE
from tests.apiserver.api import (
    Api,
    Json,
    connect,
    eventually,
    is_observed,
    service,
    unique_name,
    voice,
)
from tests.apiserver.children import quiesce
from tests.apiserver.conftest import (
    OWN_NAMESPACE,
    READY_TIMEOUT,
    install_crds,
    operator_kubeconfig,
    own_control_plane,
)
from tests.apiserver.kubelet import LivePod, live_pod
from tests.apiserver.operator_process import OperatorProcess, run_operator, value_of
from tests.support.figures import RecordFigure
from tests.support.kubernetes import is_ready

pytestmark = pytest.mark.apiserver

RECOVERY_TIMEOUT = 30
STOP_GOAL = 5


@pytest.fixture(scope="module")
def bare() -> Iterator[ControlPlane]:
    """An API server of this file's own, which it may break; without the CRDs at first."""
    with own_control_plane() as running:
        yield running


@pytest.fixture
def own(bare: ControlPlane) -> Iterator[Api]:
    """A namespace on that API server, with the CRDs."""
    install_crds(bare)
    with connect(bare) as api:
        name = unique_name("test")
        api.create_namespace(name, {})
        yield api.in_namespace(name)


@pytest.fixture
def started(bare: ControlPlane, own: Api, tmp_path: Path) -> Iterator[OperatorProcess]:
    """An operator of the test's own, ready."""
    with run_operator(tmp_path, operator_kubeconfig(bare)) as running:
        eventually(running.is_ready, within=READY_TIMEOUT, what="the operator is ready")
        yield running


def test_without_the_crds_it_waits_and_says_what_to_install(
    bare: ControlPlane, tmp_path: Path
) -> None:
    with run_operator(tmp_path, operator_kubeconfig(bare)) as operator:

        def told() -> bool:
            code, text = operator.probe("/readyz")
            return code == 503 and "install the project's CRDs" in text

        eventually(told, within=READY_TIMEOUT, what="/readyz names the CRDs")
        assert operator.probe("/healthz") == (200, "ok")
        install_crds(bare)
        eventually(operator.is_ready, within=READY_TIMEOUT, what="the operator is ready")


def test_without_its_role_it_waits_and_says_what_it_lacks(
    bare: ControlPlane, own: Api, tmp_path: Path
) -> None:
    with run_operator(tmp_path, bare.kubeconfig_for("nobody")) as operator:

        def told() -> bool:
            text = operator.probe("/readyz")[1]
            return "the operator's role lacks a permission" in text and "ttsservices" in text

        eventually(told, within=READY_TIMEOUT, what="/readyz names the permission")
        assert operator.probe("/healthz") == (200, "ok")
        assert operator.stop() == 0


def test_it_ends_soon_when_told_to(started: OperatorProcess, record_figure: RecordFigure) -> None:
    began = time.monotonic()
    assert started.stop() == 0
    record_figure("operator stopped", time.monotonic() - began, "s", goal="<= 5")
    assert time.monotonic() - began <= STOP_GOAL


def test_a_restart_changes_nothing(
    bare: ControlPlane, own: Api, tmp_path: Path, record_figure: RecordFigure
) -> None:
    own.declare(service(), voice("ana"))
    directories = [tmp_path / "first", tmp_path / "second"]
    for directory in directories:
        directory.mkdir()
    with run_operator(directories[0], operator_kubeconfig(bare)) as first:
        eventually(first.is_ready, within=READY_TIMEOUT, what="the first operator is ready")
        eventually(
            lambda: all(map(is_observed, (*own.list(TTS_SERVICE), *own.list(VOICE)))),
            within=READY_TIMEOUT,
            what="statuses",
        )
        first.stop()

    def versions() -> list[str]:
        objects = (*own.list(TTS_SERVICE), *own.list(VOICE), *own.list(DEPLOYMENT))
        return [each["metadata"]["resourceVersion"] for each in objects]

    before = versions()
    began = time.monotonic()
    with run_operator(directories[1], operator_kubeconfig(bare)) as second:
        eventually(second.is_ready, within=READY_TIMEOUT, what="the second operator is ready")
        record_figure("operator started to ready", time.monotonic() - began, "s")
        eventually(
            lambda: second.total("speaker_operator_reconciles_total") >= 2,
            within=READY_TIMEOUT,
            what="everything was reconciled",
        )
    assert versions() == before


def test_a_restart_asks_every_pod_once_and_writes_nothing(
    bare: ControlPlane, own: Api, tmp_path: Path
) -> None:
    def declared() -> list[tuple[str, bool]]:
        return [(each["metadata"]["name"], is_ready(each)) for each in own.list(VOICE)]

    def versions() -> list[str]:
        objects = (*own.list(TTS_SERVICE), *own.list(VOICE), *own.list(CONFIG_MAP))
        return [each["metadata"]["resourceVersion"] for each in objects]

    def syncs(pod: LivePod, result: str) -> float:
        return value_of(pod.server.url, "tts_voice_syncs_total", result=result)

    own.declare(service(), voice("ana"), voice("ben"))
    kubeconfig = operator_kubeconfig(bare)
    with run_operator(tmp_path, kubeconfig) as first, own.machines:
        eventually(
            lambda: own.get(DEPLOYMENT, "hello"), within=READY_TIMEOUT, what="the Deployment"
        )
        pod = own.machines.enter_context(live_pod(own))
        ready = [("ana", True), ("ben", True)]
        eventually(lambda: declared() == ready, within=READY_TIMEOUT, what="both voices are Ready")
        quiesce(first)
        first.stop()
        before, asked = versions(), syncs(pod, "unchanged")
        (tmp_path / "second").mkdir()
        with run_operator(tmp_path / "second", kubeconfig) as second:
            eventually(
                lambda: syncs(pod, "unchanged") == asked + 1,
                within=READY_TIMEOUT,
                what="the pod was asked",
            )
            quiesce(second)
            assert versions() == before
            assert syncs(pod, "unchanged") == asked + 1
            assert syncs(pod, "refused") == 0
            own.declare(voice("cleo"))
            eventually(
                lambda: "cleo" in pod.voices, within=READY_TIMEOUT, what="the pod serves cleo"
            )


def test_operators_share_one_key_and_a_spoilt_one_is_told(
    bare: ControlPlane, own: Api, tmp_path: Path
) -> None:
    def key() -> Json:
        found = keys.require(SECRET, rbac.KEY_SECRET)
        return {"uid": found["metadata"]["uid"], "data": found["data"]}

    keys = own.in_namespace(OWN_NAMESPACE)
    kubeconfig = operator_kubeconfig(bare)
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
    with (
        run_operator(tmp_path / "one", kubeconfig) as one,
        run_operator(tmp_path / "two", kubeconfig) as two,
    ):
        for each in (one, two):
            eventually(each.is_ready, within=READY_TIMEOUT, what="both operators are ready")
        first = key()
    keys.patch(SECRET, rbac.KEY_SECRET, {"data": {"ed25519.pem": "c3BvaWx0"}})
    with run_operator(tmp_path / "three", kubeconfig) as three:

        def told() -> bool:
            code, text = three.probe("/readyz")
            return code == 503 and "delete the Secret" in text

        eventually(told, within=READY_TIMEOUT, what="/readyz names the Secret")
        keys.delete(SECRET, rbac.KEY_SECRET)
        eventually(three.is_ready, within=READY_TIMEOUT, what="the operator has made a new key")
        assert key()["uid"] != first["uid"]


def test_it_survives_a_restart_of_the_api_server(
    bare: ControlPlane, own: Api, started: OperatorProcess, record_figure: RecordFigure
) -> None:
    own.declare(service())
    eventually(
        lambda: own.get(DEPLOYMENT, "hello"), within=READY_TIMEOUT, what="the Deployment is there"
    )
    bare.restart_apiserver()
    began = time.monotonic()
    own.patch(TTS_SERVICE, "hello", {"spec": {"replicas": 2}})
    eventually(
        lambda: own.require(DEPLOYMENT, "hello")["spec"]["replicas"] == 2,
        within=RECOVERY_TIMEOUT,
        what="the operator follows again",
    )
    record_figure("API server back to operator follows", time.monotonic() - began, "s")
    assert started.probe("/healthz") == (200, "ok")


def test_a_child_that_went_away_unseen_is_put_back(
    bare: ControlPlane, own: Api, started: OperatorProcess
) -> None:
    own.declare(service())
    eventually(
        lambda: own.get(DEPLOYMENT, "hello"), within=READY_TIMEOUT, what="the children are there"
    )
    started.process.send_signal(signal.SIGSTOP)
    bare.restart_apiserver()  # nobody watches any more
    own.delete(CONFIG_MAP, "hello-config")
    own.delete(DEPLOYMENT, "hello")
    bare.restart_apiserver()  # and who watches again is not told of what was before
    started.process.send_signal(signal.SIGCONT)
    eventually(
        lambda: own.get(CONFIG_MAP, "hello-config") and own.get(DEPLOYMENT, "hello"),
        within=RECOVERY_TIMEOUT,
        what="the children are back",
    )
    assert "went away unnoticed" in started.log()


def test_it_watches_only_the_namespaces_that_it_is_told(
    bare: ControlPlane, own: Api, tmp_path: Path
) -> None:
    own.declare(service())
    elsewhere = unique_name("elsewhere")
    own.create_namespace(elsewhere, {})
    other = own.in_namespace(elsewhere)
    other.declare(service())
    kubeconfig = operator_kubeconfig(bare)
    with run_operator(tmp_path, kubeconfig, SPEAKER_NAMESPACES=own.namespace) as operator:
        eventually(
            lambda: own.get(DEPLOYMENT, "hello"), within=READY_TIMEOUT, what="its own namespace"
        )
        assert operator.is_ready()
        assert other.get(DEPLOYMENT, "hello") is None


def test_a_setting_that_is_wrong_ends_it_with_a_sentence(
    bare: ControlPlane, tmp_path: Path
) -> None:
    with (
        pytest.raises(AssertionError, match=r"SPEAKER_CONCURENCY: no such setting"),
        run_operator(tmp_path, bare.kubeconfig, SPEAKER_CONCURENCY="3"),
    ):
        pass

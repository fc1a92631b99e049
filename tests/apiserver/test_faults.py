"""The operator behind a network and an API server that fail: it converges in every case."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from cluster.envtest import ControlPlane
from speaker_operator.kube.resources import CHILDREN, DEPLOYMENT, TTS_SERVICE, VOICE
from tests.apiserver.api import (
    Api,
    Refused,
    connect,
    eventually,
    is_observed,
    service,
    unique_name,
    voice,
)
from tests.apiserver.children import EVERYTHING, quiesce
from tests.apiserver.conftest import READY_TIMEOUT, operator_kubeconfig
from tests.apiserver.faults import Asked, Fault, FaultyProxy, faulty_proxy
from tests.apiserver.operator_process import OperatorProcess, run_operator
from tests.support.figures import RecordFigure
from tests.support.kubernetes import condition

pytestmark = pytest.mark.apiserver

FOLLOW_TIMEOUT = 10
RECOVERY_TIMEOUT = 30


@pytest.fixture(scope="module")
def behind(
    plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[FaultyProxy, OperatorProcess]]:
    """An operator that sees the API server through a network that the tests break."""
    directory = tmp_path_factory.mktemp("operator")
    with (
        faulty_proxy(plane, operator_kubeconfig(plane)) as (network, kubeconfig),
        run_operator(directory, kubeconfig) as operator,
    ):
        eventually(operator.is_ready, within=READY_TIMEOUT, what="the operator is ready")
        yield network, operator
        assert operator.process.poll() is None, f"the operator ended: {operator.log()[-4000:]}"


@pytest.fixture
def network(behind: tuple[FaultyProxy, OperatorProcess]) -> FaultyProxy:
    return behind[0]


@pytest.fixture
def operator(behind: tuple[FaultyProxy, OperatorProcess]) -> OperatorProcess:
    return behind[1]


@pytest.fixture
def own(plane: ControlPlane, operator: OperatorProcess) -> Iterator[Api]:
    """A namespace with a service that has been reconciled."""
    with connect(plane) as api:
        name = unique_name("test")
        api.create_namespace(name, {})
        own = api.in_namespace(name)
        with own.machines:
            own.declare(service())
            eventually(lambda: replicas(own) == 1, within=READY_TIMEOUT, what="the service is made")
            quiesce(operator)
            yield own
        for resource in (TTS_SERVICE, VOICE):
            own.delete_all(resource)


def replicas(api: Api) -> int | None:
    deployment = api.get(DEPLOYMENT, "hello")
    return None if deployment is None else deployment["spec"]["replicas"]


def converges(api: Api, operator: OperatorProcess, within: float = RECOVERY_TIMEOUT) -> float:
    """Change the spec, delete a child and declare another service: all of it is followed."""
    began = time.monotonic()
    number = (replicas(api) or 0) + 1
    api.patch(TTS_SERVICE, "hello", {"spec": {"replicas": number}})
    api.declare(service(unique_name("other"), **EVERYTHING), voice(unique_name("voice")))
    eventually(lambda: replicas(api) == number, within=within, what=f"{number} replicas")
    api.delete(DEPLOYMENT, "hello")
    eventually(lambda: replicas(api) == number, within=within, what="the Deployment is back")
    eventually(
        lambda: all(map(is_observed, (*api.list(TTS_SERVICE), *api.list(VOICE)))),
        within=within,
        what="every status",
    )
    eventually(operator.is_ready, within=within, what="the operator says that it is ready")
    assert operator.probe("/healthz") == (200, "ok")
    return time.monotonic() - began


def test_watches_that_break(own: Api, network: FaultyProxy, operator: OperatorProcess) -> None:
    for _ in range(3):
        assert network.cut_watches() >= len(CHILDREN)
        converges(own, operator)


def test_watches_that_are_too_far_behind(
    own: Api, network: FaultyProxy, operator: OperatorProcess
) -> None:
    assert network.expire_watches() >= len(CHILDREN)
    converges(own, operator)


@pytest.mark.parametrize("status", [410, 500, 503, 403])
def test_watches_that_are_refused(
    own: Api, network: FaultyProxy, operator: OperatorProcess, status: int
) -> None:
    with network.failing(Fault(lambda asked: asked.watches, status=status, times=15)) as fault:
        network.cut_watches()
        own.patch(TTS_SERVICE, "hello", {"spec": {"replicas": 7}})
        eventually(lambda: fault.met >= 15, within=RECOVERY_TIMEOUT, what="all were refused")
    eventually(lambda: replicas(own) == 7, within=RECOVERY_TIMEOUT, what="seven replicas")
    converges(own, operator)


def test_lists_whose_rest_is_gone(
    own: Api, network: FaultyProxy, operator: OperatorProcess
) -> None:
    def lists(asked: Asked) -> bool:
        return asked.verb == "GET" and not asked.watches and asked.path.endswith("s")

    with network.failing(Fault(lists, status=410, times=12)):
        network.expire_watches()
        converges(own, operator)


def test_an_api_server_that_fails_for_a_while(
    own: Api, network: FaultyProxy, operator: OperatorProcess
) -> None:
    with network.failing(Fault(lambda asked: "/leases" not in asked.path, status=500)) as fault:
        network.cut_watches()
        own.patch(TTS_SERVICE, "hello", {"spec": {"replicas": 8}})
        eventually(lambda: fault.met >= 30, within=RECOVERY_TIMEOUT, what="many failures")
    converges(own, operator)


def test_too_many_requests_are_not_answered_with_more(
    own: Api, network: FaultyProxy, operator: OperatorProcess, record_figure: RecordFigure
) -> None:
    throttled = Fault(
        lambda asked: asked.writes,
        status=429,
        headers={"Retry-After": "2"},
    )
    with network.failing(throttled) as fault:
        own.patch(TTS_SERVICE, "hello", {"spec": {"replicas": 9}})
        began = time.monotonic()
        eventually(lambda: fault.met >= 3, within=RECOVERY_TIMEOUT, what="it tries again")
        took = time.monotonic() - began
        record_figure("three tries while throttled with Retry-After 2", took, "s", goal=">= 4")
        assert took >= 4
    eventually(lambda: replicas(own) == 9, within=RECOVERY_TIMEOUT, what="nine replicas")
    converges(own, operator)


def test_slow_answers(own: Api, network: FaultyProxy, operator: OperatorProcess) -> None:
    slow = Fault(lambda asked: not asked.watches and "/leases" not in asked.path, delay_seconds=2)
    with network.failing(slow):
        converges(own, operator, within=60)


def test_an_api_server_that_is_started_anew(
    plane: ControlPlane, own: Api, operator: OperatorProcess
) -> None:
    for _ in range(2):
        plane.restart_apiserver()
        converges(own, operator)


def test_a_network_that_is_cut_and_healed(
    own: Api, network: FaultyProxy, operator: OperatorProcess
) -> None:
    network.cut()
    own.patch(TTS_SERVICE, "hello", {"spec": {"replicas": 11}})
    eventually(
        lambda: operator.total("speaker_operator_leading") == 0,
        within=RECOVERY_TIMEOUT,
        what="it leads no more",
    )
    network.heal()
    eventually(lambda: replicas(own) == 11, within=RECOVERY_TIMEOUT, what="eleven replicas")
    converges(own, operator)


@contextmanager
def another_manager(api: Api, act: Callable[[], None]) -> Iterator[None]:
    """Somebody who acts without end."""
    stopped = threading.Event()

    def run() -> None:
        while not stopped.is_set():
            try:
                act()
            except Refused:  # it was in the midst of being changed
                continue

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def test_somebody_who_insists_is_named_and_not_fought_without_end(
    plane: ControlPlane, own: Api, network: FaultyProxy, operator: OperatorProcess
) -> None:
    def insists() -> None:
        if replicas(own) != 3:
            own.patch(DEPLOYMENT, "hello", {"spec": {"replicas": 3}}, manager="stubborn")

    def contested() -> bool:
        found = condition(own.require(TTS_SERVICE, "hello"), "Ready")
        return found.get("reason") == "Contested" and "stubborn" in found["message"]

    with connect(plane) as other, another_manager(other.in_namespace(own.namespace), insists):
        eventually(contested, within=RECOVERY_TIMEOUT, what="the status names who insists")
        before = len(network.writes())
        own.declare(voice("ana"))  # other children are still looked after
        eventually(
            lambda: is_observed(own.require(VOICE, "ana")), within=FOLLOW_TIMEOUT, what="a status"
        )
        kinds = [each.asked.path for each in network.writes()[before:]]
        assert len([each for each in kinds if "/deployments/" in each]) <= 1
    own.patch(TTS_SERVICE, "hello", {"spec": {"replicas": 2}})
    eventually(lambda: replicas(own) == 2, within=FOLLOW_TIMEOUT, what="a new spec is followed")


def test_a_field_that_somebody_took_over_once_is_taken_back(
    own: Api, operator: OperatorProcess
) -> None:
    own.patch(DEPLOYMENT, "hello", {"spec": {"replicas": 3}}, manager="stubborn")
    eventually(lambda: replicas(own) == 1, within=FOLLOW_TIMEOUT, what="one replica")
    quiesce(operator)
    ready = condition(own.require(TTS_SERVICE, "hello"), "Ready")
    assert ready["reason"] != "Contested"

"""A service that is deleted, in whatever way, goes with its children: none is put back meanwhile.

The API server of these tests has no garbage collector and no namespace controller; the tests do
what those do, in the order in which they do it.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from speaker_operator.kube.resources import CHILDREN, DEPLOYMENT, TTS_SERVICE
from tests.apiserver.api import NAMESPACE, Api, Json, eventually, service, unique_name
from tests.apiserver.children import EVERYTHING, SETTLE_TIMEOUT, owned, quiesce, settle
from tests.apiserver.operator_process import OperatorProcess
from tests.support.figures import RecordFigure

pytestmark = pytest.mark.apiserver

SERVICES = 10
AT_ONCE = 8
"""Reconciliations that the operator runs side by side."""


def collect(api: Api) -> None:
    """Delete the children of all services, as the garbage collector does."""
    for resource in CHILDREN:
        for child in api.list(resource):
            if "ownerReferences" in child["metadata"]:
                name = child["metadata"]["name"]
                api.delete(resource, name)
                if "finalizers" in child["metadata"]:
                    api.patch(resource, name, {"metadata": {"finalizers": None}})


def finish_foreground(api: Api, name: str) -> None:
    """Let go of a service whose dependents are gone."""
    api.patch(TTS_SERVICE, name, {"metadata": {"finalizers": None}})


@contextmanager
def deaf(operator: OperatorProcess) -> Iterator[None]:
    """Have the operator hear of everything at once, and in no order, afterwards."""
    operator.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        operator.process.send_signal(signal.SIGCONT)


def survivors(api: Api) -> list[Json]:
    return [
        child
        for resource in CHILDREN
        for child in api.list(resource)
        if "ownerReferences" in child["metadata"]
    ]


def child_writes(operator: OperatorProcess) -> float:
    return operator.total("speaker_operator_child_writes_total")


def test_foreground_deletion_is_not_held_up(complete: Api, operator: OperatorProcess) -> None:
    before = child_writes(operator)
    complete.delete(TTS_SERVICE, "hello", propagationPolicy="Foreground")
    assert complete.require(TTS_SERVICE, "hello")["metadata"]["deletionTimestamp"]
    collect(complete)
    quiesce(operator)
    assert owned(complete) == {}
    finish_foreground(complete, "hello")
    quiesce(operator)
    assert complete.get(TTS_SERVICE, "hello") is None
    assert owned(complete) == {}
    assert child_writes(operator) == before


def test_background_deletion_leaves_nothing_behind(
    complete: Api, operator: OperatorProcess
) -> None:
    before = child_writes(operator)
    complete.delete(TTS_SERVICE, "hello", propagationPolicy="Background")
    collect(complete)
    quiesce(operator)
    assert owned(complete) == {}
    assert child_writes(operator) == before


@pytest.mark.parametrize("policy", ["Foreground", "Background"])
def test_children_whose_end_is_heard_of_before_their_owners_are_not_put_back(
    api: Api, operator: OperatorProcess, policy: str
) -> None:
    names = [f"hello-{number}" for number in range(SERVICES)]
    api.declare(*(service(name, **EVERYTHING) for name in names))
    for name in names:
        settle(api, name)
    quiesce(operator)
    before = child_writes(operator)
    with deaf(operator):
        for name in names:
            api.delete(TTS_SERVICE, name, propagationPolicy=policy)
        collect(api)
    quiesce(operator)
    assert survivors(api) == []
    assert child_writes(operator) == before


def test_a_namespace_that_ends_is_left_in_peace(
    api: Api, operator: OperatorProcess, record_figure: RecordFigure
) -> None:
    doomed = api.in_namespace(unique_name("doomed"))
    doomed.create_namespace(doomed.namespace, {})
    names = [f"hello-{number}" for number in range(SERVICES)]
    doomed.declare(*(service(name, **EVERYTHING) for name in names))
    for name in names:
        settle(doomed, name)
    quiesce(operator)

    def failures() -> float:
        return operator.total("speaker_operator_reconcile_errors_total")

    def refused() -> float:
        return operator.total("speaker_operator_api_requests_total", code="403")

    before, refused_before, told = (child_writes(operator), failures()), refused(), operator.log()
    api.in_namespace("").delete(NAMESPACE, doomed.namespace)
    collect(doomed)  # the services themselves have not been deleted yet
    assert "deletionTimestamp" not in doomed.require(TTS_SERVICE, names[0])["metadata"]
    quiesce(operator)
    assert survivors(doomed) == []
    assert (child_writes(operator), failures()) == before, "nothing is tried again"
    tries = refused() - refused_before
    record_figure(f"writes refused by a namespace of {SERVICES} services that ends", tries, "")
    assert 1 <= tries <= AT_ONCE, "the first to be refused speak for the others"
    assert '"severity": "warn"' not in operator.log().removeprefix(told)
    for name in names:
        doomed.delete(TTS_SERVICE, name)
    quiesce(operator)
    assert failures() == before[1]


def test_a_service_declared_anew_after_its_end_gets_its_children(
    complete: Api, operator: OperatorProcess
) -> None:
    complete.delete(TTS_SERVICE, "hello", propagationPolicy="Foreground")
    collect(complete)
    finish_foreground(complete, "hello")
    complete.declare(service())
    settle(complete)
    eventually(
        lambda: complete.get(DEPLOYMENT, "hello"),
        within=SETTLE_TIMEOUT,
        what="the new service has pods",
    )

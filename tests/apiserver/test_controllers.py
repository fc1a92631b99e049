"""With Kubernetes' own controllers and scheduler: rollouts on taken GPUs, drains and deletions."""

from collections.abc import Iterator

import pytest

from cluster.envtest import ControlPlane
from speaker_operator.kube.resources import (
    BUDGET,
    CHILDREN,
    DEPLOYMENT,
    POD,
    TTS_SERVICE,
    Resource,
)
from tests.apiserver.api import NAMESPACE, Api, Json, eventually, service, unique_name
from tests.apiserver.controllers import Kubelet, running_kubelet
from tests.apiserver.operator_process import OperatorProcess
from tests.support.figures import RecordFigure
from tests.support.kubernetes import condition, is_ready

pytestmark = pytest.mark.apiserver

TIMEOUT = 60
GPUS = 3
GOOD, BETTER, BROKEN = (f"registry.example.com/own:{tag}" for tag in ("1", "2", "broken"))
ON_GPUS: Json = {"backend": "kokoro", "image": GOOD, "gpu": {}}


@pytest.fixture(scope="module")
def kubelet(cluster: ControlPlane) -> Iterator[Kubelet]:
    """The only node, with as many GPUs as the tests ask for."""
    resources = {"nvidia.com/gpu": str(GPUS)}
    with running_kubelet(cluster, resources, lambda image: image == BROKEN) as kubelet:
        yield kubelet


@pytest.fixture
def own(everywhere: Api, kubelet: Kubelet, its_operator: OperatorProcess) -> Iterator[Api]:
    """A namespace of the test's own, all of whose GPUs are free again afterwards."""
    api = everywhere.in_namespace(unique_name("test"))
    api.create_namespace(api.namespace, {})
    yield api
    if api.in_namespace("").get(NAMESPACE, api.namespace) is not None:
        api.delete_all(TTS_SERVICE)
    eventually(lambda: not everywhere.list(POD), within=TIMEOUT, what="no pod is left")


def await_ready(api: Api) -> Json:
    def found() -> Json | None:
        current = api.require(TTS_SERVICE, "hello")
        return current if is_ready(current) else None

    return eventually(found, within=TIMEOUT, what="hello is Ready")


def images(api: Api) -> list[str]:
    return sorted(
        pod["spec"]["containers"][0]["image"]
        for pod in api.list(POD)
        if "deletionTimestamp" not in pod["metadata"]
    )


def left(api: Api, resources: tuple[Resource, ...] = (*CHILDREN, POD)) -> list[str]:
    """What belongs to a service and is still there."""
    return [
        f"{resource.kind} {each['metadata']['name']}"
        for resource in resources
        for each in api.list(resource)
        if "ownerReferences" in each["metadata"]
    ]


def test_a_rollout_with_all_gpus_taken_finishes(
    own: Api, kubelet: Kubelet, record_figure: RecordFigure
) -> None:
    own.declare(service(**ON_GPUS, replicas=GPUS))
    await_ready(own)
    kubelet.fewest_serving = GPUS
    own.patch(TTS_SERVICE, "hello", {"spec": {"image": BETTER}})
    await_ready(own)
    fewest, kubelet.fewest_serving = kubelet.fewest_serving, None
    assert images(own) == [BETTER] * GPUS
    record_figure(f"of {GPUS} pods on {GPUS} GPUs served at least", fewest, "pods", goal=">= 2")
    assert fewest >= GPUS - 1


def test_a_surge_waits_for_a_gpu_and_the_old_version_serves(own: Api) -> None:
    own.declare(service(**ON_GPUS, replicas=GPUS, rollout={"strategy": "surge"}))
    await_ready(own)
    own.patch(TTS_SERVICE, "hello", {"spec": {"image": BETTER}})

    def told() -> Json | None:
        progressing = condition(own.require(TTS_SERVICE, "hello"), "Progressing")
        return progressing if progressing["reason"] == "Unschedulable" else None

    message = eventually(told, within=TIMEOUT, what="it says what it waits for")["message"]
    assert "Insufficient nvidia.com/gpu" in message
    assert images(own).count(GOOD) == GPUS


def test_a_version_that_crashes_leaves_the_others_and_is_taken_back(own: Api) -> None:
    own.declare(service(**ON_GPUS, replicas=GPUS))
    await_ready(own)
    own.patch(TTS_SERVICE, "hello", {"spec": {"image": BROKEN}})

    def told() -> Json | None:
        found = own.require(TTS_SERVICE, "hello")
        return found if condition(found, "Ready")["reason"] == "CrashLoopBackOff" else None

    found = eventually(told, within=TIMEOUT, what="it says why")
    assert condition(found, "Available")["status"] == "True"
    assert images(own) == sorted([GOOD] * (GPUS - 1) + [BROKEN])
    kept = {pod["metadata"]["uid"] for pod in own.list(POD)}
    own.patch(TTS_SERVICE, "hello", {"spec": {"image": GOOD}})
    await_ready(own)
    assert images(own) == [GOOD] * GPUS
    assert len(kept & {pod["metadata"]["uid"] for pod in own.list(POD)}) == GPUS - 1


def test_a_drain_takes_one_pod_at_a_time(own: Api) -> None:
    own.declare(service(replicas=3))
    await_ready(own)
    budget = eventually(
        lambda: (
            (own.get(BUDGET, "hello") or {}).get("status", {}).get("expectedPods")
            and own.require(BUDGET, "hello")
        ),
        within=TIMEOUT,
        what="the budget counts the pods",
    )
    assert (budget["status"]["expectedPods"], budget["status"]["disruptionsAllowed"]) == (3, 1)


@pytest.mark.parametrize("policy", ["Foreground", "Background"])
def test_a_deleted_service_is_collected_with_all_its_children(
    own: Api, its_operator: OperatorProcess, policy: str
) -> None:
    guarded = {"networkPolicy": {"enabled": True}, "cache": {"size": "1Gi", "retain": False}}
    own.declare(service(replicas=2, **guarded))
    eventually(lambda: len(left(own, CHILDREN)) >= 6, within=TIMEOUT, what="all children")
    before = its_operator.total("speaker_operator_child_writes_total", verb="apply")
    own.delete(TTS_SERVICE, "hello", propagationPolicy=policy)
    eventually(
        lambda: own.get(TTS_SERVICE, "hello") is None and not left(own),
        within=TIMEOUT,
        what="nothing is left",
    )
    assert its_operator.total("speaker_operator_child_writes_total", verb="apply") == before


def test_a_deleted_namespace_ends(
    own: Api, its_operator: OperatorProcess, record_figure: RecordFigure
) -> None:
    for number in range(5):
        own.declare(service(f"hello-{number}", replicas=2))
    eventually(lambda: len(own.list(DEPLOYMENT)) == 5, within=TIMEOUT, what="all Deployments")
    errors = its_operator.total("speaker_operator_reconcile_errors_total")
    own.in_namespace("").delete(NAMESPACE, own.namespace)
    eventually(
        lambda: own.in_namespace("").get(NAMESPACE, own.namespace) is None,
        within=TIMEOUT,
        what="the namespace is gone",
    )
    failed = its_operator.total("speaker_operator_reconcile_errors_total") - errors
    record_figure("failed reconciliations while a namespace of 5 services ends", failed, "")

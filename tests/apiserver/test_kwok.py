"""Many services on many nodes, all of whose GPUs are taken: KWOK plays the nodes."""

import time
from collections import Counter
from collections.abc import Iterator

import pytest

from cluster.envtest import ControlPlane
from speaker_operator.kube.resources import POD, TTS_SERVICE
from tests.apiserver.api import Api, Json, service
from tests.apiserver.conftest import operator_kubeconfig, ready_operator
from tests.apiserver.kwok import kwok_nodes
from tests.apiserver.operator_process import OperatorProcess
from tests.support.addons import PATIENCE
from tests.support.figures import RecordFigure
from tests.support.kubernetes import NeverTrue, condition, eventually, is_ready

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(PATIENCE)]

NODES, GPUS_PER_NODE = 50, 2
SERVICES, REPLICAS = 50, 2
TIMEOUT = 180
GOOD, BETTER = "registry.example.com/own:1", "registry.example.com/own:2"
GPU = "nvidia.com/gpu"


@pytest.fixture(scope="module")
def fleet(
    everywhere: Api, cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Api]:
    """A namespace of a cluster with many nodes."""
    folder = tmp_path_factory.mktemp("kwok")
    with kwok_nodes(cluster, folder, NODES, {GPU: str(GPUS_PER_NODE)}):
        api = everywhere.in_namespace("fleet")
        api.create_namespace(api.namespace, {})
        yield api


@pytest.fixture(scope="module")
def its_operator(
    fleet: Api, cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    directory = tmp_path_factory.mktemp("operator")
    with ready_operator(directory, operator_kubeconfig(cluster)) as running:
        yield running


def await_ready(api: Api, its_operator: OperatorProcess, image: str) -> float:
    """Wait until all services run an image and say so; returns the seconds that it took."""
    started = time.monotonic()
    try:
        eventually(
            lambda: not behind(api, image),
            within=TIMEOUT,
            what=f"all services are Ready with {image}",
        )
    except NeverTrue as error:
        ended = its_operator.process.poll()
        for told in (f"the operator's exit status: {ended}", *behind(api, image)):
            error.add_note(told)
        raise
    return time.monotonic() - started


def behind(api: Api, image: str) -> list[str]:
    """What keeps the services from being Ready with an image: services, and pods."""
    services, pods = api.list(TTS_SERVICE), api.list(POD)
    told = [
        f"{each['metadata']['name']}: {each['status']}" for each in services if not is_ready(each)
    ]
    told += [f"{each['metadata']['name']}: {each}" for each in pods if not serves(each, image)]
    counts = len(services), len(pods)
    return told if counts == (SERVICES, SERVICES * REPLICAS) else [f"there are {counts}", *told]


def serves(pod: Json, image: str) -> bool:
    running = pod["spec"]["containers"][0]["image"] == image
    return running and "deletionTimestamp" not in pod["metadata"]


def gpus_taken(api: Api) -> Counter[str]:
    """How many GPUs of each node the pods have."""
    taken: Counter[str] = Counter()
    for pod in api.list(POD):
        limits = pod["spec"]["containers"][0]["resources"]["limits"]
        taken[pod["spec"]["nodeName"]] += int(limits[GPU])
    return taken


def test_all_services_of_a_full_cluster_are_available_and_roll_out_at_once(
    fleet: Api, its_operator: OperatorProcess, record_figure: RecordFigure
) -> None:
    assert SERVICES * REPLICAS == NODES * GPUS_PER_NODE, "not one GPU is left over"
    on_gpus: Json = {"backend": "kokoro", "gpu": {}, "replicas": REPLICAS, "image": GOOD}
    fleet.declare(*(service(f"hello-{number}", **on_gpus) for number in range(SERVICES)))
    taken = f"{SERVICES} services, all {NODES * GPUS_PER_NODE} GPUs of {NODES} nodes"
    record_figure(f"{taken}: declared to Ready", await_ready(fleet, its_operator, GOOD), "s")
    for found in fleet.list(TTS_SERVICE):
        assert condition(found, "Available")["status"] == "True"
    assert set(gpus_taken(fleet).values()) == {GPUS_PER_NODE}
    assert len(gpus_taken(fleet)) == NODES

    for number in range(SERVICES):
        fleet.patch(TTS_SERVICE, f"hello-{number}", {"spec": {"image": BETTER}})
    record_figure(f"{taken}: rolled out at once", await_ready(fleet, its_operator, BETTER), "s")
    assert set(gpus_taken(fleet).values()) == {GPUS_PER_NODE}
    assert its_operator.total("speaker_operator_reconcile_errors_total") == 0

"""New versions of a service replace old ones with the GPUs there are, or leave them serving."""

import pytest

from speaker_operator.kube.resources import TTS_SERVICE
from tests.apiserver.api import Api, Json, eventually, service
from tests.apiserver.children import SETTLE_TIMEOUT, settle
from tests.apiserver.machines import Machines
from tests.apiserver.operator_process import OperatorProcess
from tests.support.figures import RecordFigure
from tests.support.kubernetes import condition, is_ready

pytestmark = pytest.mark.apiserver

GOOD, BETTER, BROKEN = (f"registry.example.com/own:{tag}" for tag in ("1", "2", "broken"))
TURNS = 20


def declare(api: Api, *, replicas: int, **spec: Json) -> None:
    api.declare(service(backend="kokoro", image=GOOD, replicas=replicas, gpu={}, **spec))
    settle(api)


def change_image(api: Api, image: str) -> None:
    api.patch(TTS_SERVICE, "hello", {"spec": {"image": image}})
    settle(api)


def complete(machines: Machines) -> int:
    """Let the machines work until the service is Ready; returns the turns that it took."""
    turns = machines.complete(TURNS)
    eventually(
        lambda: is_ready(machines.api.require(TTS_SERVICE, "hello")),
        within=SETTLE_TIMEOUT,
        what="hello is Ready",
    )
    return turns


def progressing(api: Api) -> Json:
    return condition(api.require(TTS_SERVICE, "hello"), "Progressing")


def test_a_rollout_with_all_gpus_taken_finishes_and_most_pods_serve_all_along(
    api: Api, operator: OperatorProcess, record_figure: RecordFigure
) -> None:
    declare(api, replicas=3)
    machines = Machines(api, gpus=3)
    complete(machines)
    assert machines.images() == [GOOD] * 3
    change_image(api, BETTER)
    turns = complete(machines)
    assert machines.images() == [BETTER] * 3
    record_figure("rollout of 3 pods on 3 GPUs, turns of the cluster", turns, "")
    record_figure("of 3 pods served at least", machines.fewest_available or 0, "pods", goal=">= 2")
    assert machines.fewest_available == 2


def test_the_only_pod_on_the_only_gpu_is_replaced(api: Api, operator: OperatorProcess) -> None:
    declare(api, replicas=1)
    machines = Machines(api, gpus=1)
    complete(machines)
    change_image(api, BETTER)
    complete(machines)
    assert machines.images() == [BETTER]


def test_a_surge_without_a_free_gpu_waits_for_one_and_says_so(
    api: Api, operator: OperatorProcess
) -> None:
    declare(api, replicas=1, rollout={"strategy": "surge"})
    machines = Machines(api, gpus=1)
    complete(machines)
    change_image(api, BETTER)
    for _ in range(TURNS):
        machines.turn()
    assert machines.images() == [GOOD], "what served goes on serving"
    eventually(
        lambda: progressing(api)["reason"] == "Unschedulable",
        within=SETTLE_TIMEOUT,
        what="it says what it waits for",
    )
    assert "Insufficient nvidia.com/gpu" in progressing(api)["message"]
    assert condition(api.require(TTS_SERVICE, "hello"), "Available")["status"] == "True"


def test_a_version_that_crashes_leaves_the_others_serving_until_the_change_is_taken_back(
    api: Api, operator: OperatorProcess
) -> None:
    declare(api, replicas=3)
    machines = Machines(api, gpus=3, crashes=lambda image: image == BROKEN)
    complete(machines)
    change_image(api, BROKEN)
    for _ in range(TURNS):
        machines.turn()
    assert machines.images() == [GOOD] * 2
    eventually(
        lambda: progressing(api)["reason"] == "CrashLoopBackOff",
        within=SETTLE_TIMEOUT,
        what="it says why the new version fails",
    )
    message = progressing(api)["message"]
    assert "no such voice model" in message
    assert "meanwhile 2 pods can serve: mend the spec, or take the change back" in message
    found = api.require(TTS_SERVICE, "hello")
    assert condition(found, "Available")["status"] == "True"
    assert condition(found, "Ready")["reason"] == "CrashLoopBackOff"
    change_image(api, GOOD)
    complete(machines)
    assert machines.images() == [GOOD] * 3
    assert machines.fewest_available == 2


def test_a_volume_of_one_pod_is_free_before_the_next_pod_is_made(
    api: Api, operator: OperatorProcess
) -> None:
    cache = {"size": "1Gi", "accessMode": "ReadWriteOncePod", "retain": False}
    declare(api, replicas=1, cache=cache)
    machines = Machines(api, gpus=9)
    complete(machines)
    change_image(api, BETTER)
    machines.turn()
    assert machines.images() == [], "the old one is gone, the new one not made yet"
    complete(machines)
    assert machines.images() == [BETTER]

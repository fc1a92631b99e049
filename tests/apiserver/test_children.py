"""The operator makes a service's children, and keeps them as they should be."""

import time
from pathlib import Path

import pytest
import yaml

from speaker_operator.kube.resources import (
    AUTOSCALER,
    CHILDREN,
    CLAIM,
    CONFIG_MAP,
    DECLARED,
    DEPLOYMENT,
    EVENT,
    SERVICE,
    TTS_SERVICE,
    VOICE,
)
from tests.apiserver.api import Api, eventually, service, voice
from tests.apiserver.children import (
    EVERYTHING,
    REPAIR_GOAL,
    owned,
    quiesce,
    settle,
)
from tests.apiserver.operator_process import OperatorProcess
from tests.support.figures import RecordFigure
from tests.support.kubernetes import condition, owner_uids

pytestmark = pytest.mark.apiserver


def test_the_quickstart_becomes_five_owned_objects(
    api: Api, operator: OperatorProcess, repository: Path, record_figure: RecordFigure
) -> None:
    example = (repository / "examples" / "quickstart.yaml").read_text()
    started = time.monotonic()
    api.declare(*yaml.safe_load_all(example))
    found = settle(api)
    record_figure("declared to all children made", time.monotonic() - started, "s")
    children = owned(api)
    assert set(children) == {CONFIG_MAP, CLAIM, SERVICE, DEPLOYMENT}
    for child in children.values():
        (owner,) = child["metadata"]["ownerReferences"]
        assert (owner["uid"], owner["controller"]) == (found["metadata"]["uid"], True)
        assert owner["blockOwnerDeletion"] is True


def test_a_service_and_its_voices_lead_to_one_revision_of_the_pods(
    api: Api, operator: OperatorProcess
) -> None:
    api.declare(service(), *(voice(f"voice-{number}") for number in range(8)))
    settle(api)
    quiesce(operator)
    assert api.require(DEPLOYMENT, "hello")["metadata"]["generation"] == 1


def test_an_edited_spec_reaches_the_children(complete: Api) -> None:
    complete.patch(
        TTS_SERVICE,
        "hello",
        {
            "spec": {
                "image": "registry.example.com/own:2",
                "expose": {"port": 8000},
                "placement": {"nodeSelector": {"disk": "ssd"}},
            }
        },
    )
    settle(complete)
    pod = complete.require(DEPLOYMENT, "hello")["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == "registry.example.com/own:2"
    assert pod["nodeSelector"] == {"disk": "ssd"}
    (port,) = complete.require(SERVICE, "hello")["spec"]["ports"]
    assert port["port"] == 8000


def test_what_the_spec_takes_back_is_taken_back(complete: Api) -> None:
    placement = {"nodeSelector": {"disk": "ssd", "zone": "a"}, "priorityClassName": "high"}
    complete.patch(TTS_SERVICE, "hello", {"spec": {"placement": placement}})
    settle(complete)
    complete.patch(
        TTS_SERVICE,
        "hello",
        {"spec": {"placement": {"nodeSelector": {"zone": None}, "priorityClassName": None}}},
    )
    settle(complete)
    pod = complete.require(DEPLOYMENT, "hello")["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"disk": "ssd"}
    assert "priorityClassName" not in pod


def test_pods_fetch_with_the_environment_that_the_operator_was_set_up_with(complete: Api) -> None:
    pod = complete.require(DEPLOYMENT, "hello")["spec"]["template"]["spec"]
    (fetch,) = pod["initContainers"]
    assert fetch["env"] == [{"name": "PIP_INDEX_URL", "value": "https://index.test/simple"}]
    assert fetch["envFrom"] == [{"secretRef": {"name": "registries", "optional": True}}]


def test_a_voice_reaches_the_configuration_and_leaves_the_pods_alone(complete: Api) -> None:
    before = complete.require(DEPLOYMENT, "hello")["metadata"]["generation"]
    complete.declare(voice("ben", aliases=["onyx"]))

    def told() -> bool:
        data = complete.require(CONFIG_MAP, "hello-config")["data"]
        generation = complete.require(DEPLOYMENT, "hello")["metadata"]["generation"]
        return "onyx" in data["voices.json"] and generation == before

    eventually(told, within=REPAIR_GOAL, what="the voice is in the configuration")
    complete.delete(VOICE, "ben")

    def forgotten() -> bool:
        data: dict[str, str] = complete.require(CONFIG_MAP, "hello-config")["data"]
        return "onyx" not in data["voices.json"]

    eventually(forgotten, within=REPAIR_GOAL, what="the voice is gone from the configuration")


def test_what_is_asked_for_no_more_is_removed(complete: Api) -> None:
    complete.patch(TTS_SERVICE, "hello", {"spec": {"autoscaling": None, "cache": None}})
    settle(complete)
    eventually(
        lambda: complete.get(AUTOSCALER, "hello") is None,
        within=REPAIR_GOAL,
        what="the autoscaler is gone",
    )
    claim = complete.get(CLAIM, "hello-model")
    assert claim is None or "deletionTimestamp" in claim["metadata"]
    volumes = complete.require(DEPLOYMENT, "hello")["spec"]["template"]["spec"]["volumes"]
    assert any(volume["name"] == "model" and "emptyDir" in volume for volume in volumes)


def test_a_retained_cache_stays_and_is_found_again(api: Api, operator: OperatorProcess) -> None:
    api.declare(service(cache={"size": "1Gi"}))
    settle(api)
    before = api.require(CLAIM, "hello-model")
    assert owner_uids(before) == set()
    api.patch(TTS_SERVICE, "hello", {"spec": {"cache": None}})
    settle(api)
    quiesce(operator)
    api.patch(TTS_SERVICE, "hello", {"spec": {"cache": {"size": "2Gi", "retain": False}}})
    settle(api)
    after = api.require(CLAIM, "hello-model")
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert owner_uids(after) == {api.require(TTS_SERVICE, "hello")["metadata"]["uid"]}


def test_a_service_made_anew_takes_its_predecessors_children_over(
    complete: Api, operator: OperatorProcess
) -> None:
    complete.delete(TTS_SERVICE, "hello")
    complete.declare(service(**EVERYTHING))
    uid = settle(complete)["metadata"]["uid"]
    quiesce(operator)
    assert {frozenset(owner_uids(child)) for child in owned(complete).values()} == {
        frozenset({uid})
    }


def test_a_reconciliation_with_nothing_to_do_writes_nothing(
    complete: Api, operator: OperatorProcess, record_figure: RecordFigure
) -> None:
    def writes() -> float:
        return sum(
            operator.total("speaker_operator_api_requests_total", verb=verb, kind=resource.kind)
            for verb in ("PATCH", "POST", "DELETE", "PUT")
            for resource in (*DECLARED, *CHILDREN, EVENT)  # the lease is renewed all the time
        )

    def versions() -> list[str]:
        objects = (*owned(complete).values(), *complete.list(VOICE))
        return [each["metadata"]["resourceVersion"] for each in objects]

    before = (writes(), versions(), operator.total("speaker_operator_reconciles_total"))
    for turn in range(5):
        complete.patch(TTS_SERVICE, "hello", {"metadata": {"annotations": {"turn": str(turn)}}})
        quiesce(operator)
    assert operator.total("speaker_operator_reconciles_total") >= before[2] + 5
    assert (writes(), versions()) == before[:2]
    record_figure("writes of 5 reconciliations with nothing to do", writes() - before[0], "")


@pytest.fixture
def foreign(api: Api) -> Api:
    """A namespace in which a Service called hello exists already."""
    api.create(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "hello"},
            "spec": {"ports": [{"port": 1234}]},
        }
    )
    return api


def test_an_object_of_others_is_not_taken_over(foreign: Api, operator: OperatorProcess) -> None:
    foreign.declare(service())
    settle(foreign)
    ready = condition(foreign.require(TTS_SERVICE, "hello"), "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "NameTaken")
    assert "Service hello: the name is taken by an object that" in ready["message"]
    assert foreign.require(SERVICE, "hello")["spec"]["ports"][0]["port"] == 1234
    assert foreign.get(DEPLOYMENT, "hello") is not None, "the rest is made all the same"

"""The operator makes a service's children, and keeps them as they should be."""

import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from speaker_operator.kube.resources import (
    AUTOSCALER,
    CHILDREN,
    CLAIM,
    CONFIG_MAP,
    DEPLOYMENT,
    SERVICE,
    TTS_SERVICE,
    VOICE,
    Resource,
)
from tests.apiserver.api import Api, Json, eventually, service, voice
from tests.apiserver.kubelet import report_deployment
from tests.apiserver.operator_process import OperatorProcess
from tests.support.figures import RecordFigure
from tests.support.kubernetes import condition, owner_uids

pytestmark = pytest.mark.apiserver

SETTLE_TIMEOUT = 15
REPAIR_GOAL = 2.0
EVERYTHING: Json = {
    "cache": {"size": "1Gi", "retain": False},
    "autoscaling": {"maxReplicas": 3},
}
NAMES = {
    CONFIG_MAP: "hello-config",
    CLAIM: "hello-model",
    SERVICE: "hello",
    DEPLOYMENT: "hello",
    AUTOSCALER: "hello",
}


def kinds(resources: Any) -> list[str]:
    return [resource.kind for resource in resources]


def settled(api: Api, name: str = "hello") -> Json | None:
    """The service, once its status speaks of its newest generation."""
    found = api.get(TTS_SERVICE, name)
    if found is None:
        return None
    observed = found.get("status", {}).get("observedGeneration")
    return found if observed == found["metadata"]["generation"] else None


def settle(api: Api, name: str = "hello") -> Json:
    return eventually(
        lambda: settled(api, name), within=SETTLE_TIMEOUT, what=f"{name} has been reconciled"
    )


def owned(api: Api) -> dict[Resource, Json]:
    """The service's children, by their resource."""
    return {
        resource: child
        for resource, name in NAMES.items()
        if (child := api.get(resource, name)) is not None
    }


@pytest.fixture
def complete(api: Api, operator: OperatorProcess) -> Api:
    """A namespace with a service that has a child of every kind."""
    api.declare(service(**EVERYTHING), voice("ana"))
    eventually(lambda: len(owned(api)) == len(CHILDREN), within=SETTLE_TIMEOUT, what="5 children")
    settle(api)
    quiesce(operator)
    return api


def quiesce(operator: OperatorProcess) -> None:
    """Wait until the operator has nothing left to do."""

    def idle() -> bool:
        before = operator.total("speaker_operator_reconciles_total")
        time.sleep(0.3)  # longer than changes are gathered
        waiting = operator.total("speaker_operator_queue_depth")
        return waiting == 0 and operator.total("speaker_operator_reconciles_total") == before

    eventually(idle, within=SETTLE_TIMEOUT, what="the operator is idle")


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


@pytest.mark.parametrize("resource", CHILDREN, ids=lambda resource: resource.kind)
def test_a_deleted_child_is_put_back(
    complete: Api, resource: Resource, record_figure: RecordFigure
) -> None:
    before = complete.require(resource, NAMES[resource])
    complete.delete(resource, NAMES[resource])
    if resource == CLAIM:  # a controller would do this once no pod uses the claim
        complete.patch(resource, NAMES[resource], {"metadata": {"finalizers": None}})
    started = time.monotonic()

    def back() -> bool:
        found = complete.get(resource, NAMES[resource])
        uid = before["metadata"]["uid"]
        return found is not None and bool(found["metadata"]["uid"] != uid)

    eventually(back, within=REPAIR_GOAL, what=f"the deleted {resource.kind} is back")
    record_figure(f"deleted {resource.kind} back", time.monotonic() - started, "s", goal="<= 2")


CONTAINER = ("spec", "template", "spec", "containers", 0)
EDITS: dict[str, tuple[Resource, Json, tuple[str | int, ...]]] = {
    "ConfigMap data": (
        CONFIG_MAP,
        {"data": {"voices.json": "{}"}},
        ("data", "voices.json"),
    ),
    "ConfigMap data removed": (CONFIG_MAP, {"data": None}, ("data",)),
    "PersistentVolumeClaim owner": (
        CLAIM,
        {"metadata": {"ownerReferences": None}},
        ("metadata", "ownerReferences"),
    ),
    "Service port": (
        SERVICE,
        {"spec": {"ports": [{"name": "http", "port": 81, "targetPort": 1}]}},
        ("spec", "ports"),
    ),
    "Service selector": (
        SERVICE,
        {"spec": {"selector": {"another": "label"}}},
        ("spec", "selector"),
    ),
    "Service type": (SERVICE, {"spec": {"type": "NodePort"}}, ("spec", "type")),
    "Deployment label": (
        DEPLOYMENT,
        {"metadata": {"labels": {"app.kubernetes.io/instance": "other"}}},
        ("metadata", "labels"),
    ),
    "Deployment managed-by label": (
        DEPLOYMENT,
        {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}},
        ("metadata", "labels"),
    ),
    "Deployment service label": (
        DEPLOYMENT,
        {"metadata": {"labels": {"speaker-tts.dev/service": "other"}}},
        ("metadata", "labels"),
    ),
    "Deployment grace period": (
        DEPLOYMENT,
        {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 300}}}},
        ("spec", "template", "spec", "terminationGracePeriodSeconds"),
    ),
    "Deployment strategy": (
        DEPLOYMENT,
        {"spec": {"strategy": {"rollingUpdate": {"maxSurge": 3}}}},
        ("spec", "strategy"),
    ),
    "Deployment security": (
        DEPLOYMENT,
        {"spec": {"template": {"spec": {"securityContext": {"runAsUser": 1000}}}}},
        ("spec", "template", "spec", "securityContext"),
    ),
    "HorizontalPodAutoscaler bounds": (
        AUTOSCALER,
        {"spec": {"maxReplicas": 50}},
        ("spec", "maxReplicas"),
    ),
    "HorizontalPodAutoscaler metrics": (
        AUTOSCALER,
        {"spec": {"metrics": None}},
        ("spec", "metrics"),
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_child_is_repaired(complete: Api, edit: str, record_figure: RecordFigure) -> None:
    resource, patch, path = EDITS[edit]
    before = complete.require(resource, NAMES[resource])
    edited = complete.patch(resource, NAMES[resource], patch)
    assert at(edited, path) != at(before, path), "the edit is one"
    started = time.monotonic()

    def repaired() -> bool:
        return bool(at(complete.require(resource, NAMES[resource]), path) == at(before, path))

    eventually(repaired, within=REPAIR_GOAL, what=f"{edit} is as it was")
    record_figure(f"edited {edit} repaired", time.monotonic() - started, "s", goal="<= 2")


def test_what_others_add_is_left_alone(complete: Api, operator: OperatorProcess) -> None:
    complete.patch(DEPLOYMENT, "hello", {"metadata": {"labels": {"team": "media"}}})
    complete.patch(SERVICE, "hello", {"metadata": {"annotations": {"mesh": "on"}}})
    complete.patch(
        DEPLOYMENT, "hello", {"spec": {"template": {"metadata": {"annotations": {"restart": "1"}}}}}
    )
    quiesce(operator)
    deployment = complete.require(DEPLOYMENT, "hello")
    assert deployment["metadata"]["labels"]["team"] == "media"
    assert deployment["spec"]["template"]["metadata"]["annotations"]["restart"] == "1"
    assert complete.require(SERVICE, "hello")["metadata"]["annotations"] == {"mesh": "on"}


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


def test_a_voice_reaches_the_configuration_and_the_pods(complete: Api) -> None:
    before = complete.require(DEPLOYMENT, "hello")["metadata"]["generation"]
    complete.declare(voice("ben", aliases=["onyx"]))

    def told() -> bool:
        data = complete.require(CONFIG_MAP, "hello-config")["data"]
        generation = complete.require(DEPLOYMENT, "hello")["metadata"]["generation"]
        return "onyx" in data["voices.json"] and generation == before + 1

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


def test_an_autoscaler_is_not_fought(complete: Api, operator: OperatorProcess) -> None:
    writes = operator.total("speaker_operator_child_writes_total", kind="Deployment")
    for turn in range(20):
        replicas = 1 + turn % 3
        scale = {"spec": {"replicas": replicas}}
        complete.patch(DEPLOYMENT, "hello", scale, subresource="scale")
        report_deployment(complete, replicas=replicas)
        eventually(
            lambda: complete.require(TTS_SERVICE, "hello")["status"]["replicas"] == replicas,  # noqa: B023
            within=SETTLE_TIMEOUT,
            what="the operator has seen the change",
        )
        assert complete.require(DEPLOYMENT, "hello")["spec"]["replicas"] == replicas
    assert operator.total("speaker_operator_child_writes_total", kind="Deployment") == writes


def test_turning_autoscaling_on_keeps_the_pods_that_there_are(
    api: Api, operator: OperatorProcess
) -> None:
    api.declare(service(replicas=5))
    settle(api)
    generation = api.require(DEPLOYMENT, "hello")["metadata"]["generation"]
    patch = {"spec": {"replicas": None, "autoscaling": {"maxReplicas": 8}}}
    api.patch(TTS_SERVICE, "hello", patch)
    settle(api)
    deployment = api.require(DEPLOYMENT, "hello")
    assert deployment["spec"]["replicas"] == 5
    assert deployment["metadata"]["generation"] == generation, "it was never anything else"
    api.patch(TTS_SERVICE, "hello", {"spec": {"replicas": 2, "autoscaling": None}})
    settle(api)
    assert api.require(DEPLOYMENT, "hello")["spec"]["replicas"] == 2
    assert api.get(AUTOSCALER, "hello") is None


def test_a_fixed_number_of_pods_is_kept(api: Api, operator: OperatorProcess) -> None:
    api.declare(service(replicas=2))
    settle(api)
    api.patch(DEPLOYMENT, "hello", {"spec": {"replicas": 7}}, subresource="scale")
    eventually(
        lambda: api.require(DEPLOYMENT, "hello")["spec"]["replicas"] == 2,
        within=REPAIR_GOAL,
        what="the replicas are as declared",
    )


def test_a_reconciliation_with_nothing_to_do_writes_nothing(
    complete: Api, operator: OperatorProcess, record_figure: RecordFigure
) -> None:
    def writes() -> float:
        return sum(
            operator.total("speaker_operator_api_requests_total", verb=verb)
            for verb in ("PATCH", "POST", "DELETE", "PUT")
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


def at(resource: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        if isinstance(resource, dict) and step not in resource:
            return None
        resource = resource[step]
    return resource

"""A child that somebody deletes or edits is put back; what others add is left alone."""

import time

import pytest

from speaker_operator.kube.resources import (
    AUTOSCALER,
    BUDGET,
    CHILDREN,
    CLAIM,
    CONFIG_MAP,
    DEPLOYMENT,
    INGRESS,
    NETWORK_POLICY,
    SERVICE,
    Resource,
)
from speaker_operator.render.labels import CACHE
from speaker_operator.render.labels import SERVICE as SERVICE_LABEL
from tests.apiserver.api import Api, Json, eventually
from tests.apiserver.children import NAMES, REPAIR_GOAL, at, quiesce
from tests.apiserver.operator_process import OperatorProcess
from tests.support.figures import RecordFigure

pytestmark = pytest.mark.apiserver


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
    "NetworkPolicy opened": (
        NETWORK_POLICY,
        {"spec": {"ingress": [{}]}},
        ("spec", "ingress"),
    ),
    "NetworkPolicy of other pods": (
        NETWORK_POLICY,
        {"spec": {"podSelector": {"matchLabels": {"speaker-tts.dev/service": "other"}}}},
        ("spec", "podSelector"),
    ),
    "Ingress of another host": (
        INGRESS,
        {"spec": {"rules": [{"host": "other.example.com"}]}},
        ("spec", "rules"),
    ),
    "PodDisruptionBudget of nobody": (
        BUDGET,
        {"spec": {"maxUnavailable": 0}},
        ("spec", "maxUnavailable"),
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


@pytest.mark.parametrize("edit", [{SERVICE_LABEL: None}, {CACHE: "0123456789abcdef"}])
def test_a_claim_whose_label_is_edited_keeps_the_model(
    complete: Api, operator: OperatorProcess, edit: Json
) -> None:
    before = complete.require(CLAIM, NAMES[CLAIM])
    labels = before["metadata"]["labels"]
    complete.patch(CLAIM, NAMES[CLAIM], {"metadata": {"labels": edit}})

    def labelled() -> Json | None:
        found = complete.require(CLAIM, NAMES[CLAIM])
        return found if found["metadata"]["labels"] == labels else None

    eventually(labelled, within=REPAIR_GOAL, what="the label is as before")
    quiesce(operator)
    after = complete.require(CLAIM, NAMES[CLAIM])
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert "deletionTimestamp" not in after["metadata"]


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

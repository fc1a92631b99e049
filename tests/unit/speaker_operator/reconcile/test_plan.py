"""What has to be written so that the children are as rendered."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings

from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.kube.resources import Key
from speaker_operator.reasons import Reason
from speaker_operator.reconcile.plan import (
    Apply,
    Delete,
    KeepReplicas,
    Plan,
    Problem,
    TakeOver,
    make_plan,
)
from speaker_operator.render.children import render
from speaker_operator.render.labels import child_labels
from tests.unit.speaker_operator.factories import SETTINGS, UID, service, voice
from tests.unit.speaker_operator.reconcile.cluster_state import children, pod
from tests.unit.speaker_operator.render.rendering import services

Json = dict[str, Any]
SCALED = {"autoscaling": {"maxReplicas": 3}}
CACHED = {"cache": {"size": "1Gi", "retain": False}}
KEPT = {"cache": {"size": "1Gi"}}


def plan(of: TTSService, live: list[Json]) -> Plan:
    return make_plan(render(of, (), SETTINGS), live, UID)


def applied_kinds(of: Plan) -> list[str]:
    return [action.manifest["kind"] for action in of.actions if isinstance(action, Apply)]


def one(live: list[Json], kind: str) -> Json:
    (found,) = (each for each in live if each["kind"] == kind)
    return found


def test_what_is_missing_is_applied_with_the_pods_last() -> None:
    made = plan(service(**CACHED, **SCALED), [])
    assert applied_kinds(made) == [
        "ConfigMap",
        "PersistentVolumeClaim",
        "Service",
        "Deployment",
        "HorizontalPodAutoscaler",
    ]


@settings(max_examples=50, deadline=None)
@given(services())
def test_what_is_as_rendered_is_left_alone(of: TTSService) -> None:
    assert plan(of, children(of)) == Plan((), ())


def test_pods_are_not_children() -> None:
    assert plan(service(), [*children(service()), pod(service())]) == Plan((), ())


@pytest.mark.parametrize("kind", ["ConfigMap", "Service", "Deployment", "HorizontalPodAutoscaler"])
def test_only_what_differs_is_applied(kind: str) -> None:
    of = service(**SCALED)
    live = children(of)
    one(live, kind)["metadata"]["labels"]["app.kubernetes.io/instance"] = "other"
    (action,) = plan(of, live).actions
    assert isinstance(action, Apply)
    assert action.manifest["kind"] == kind
    assert action.fields == ("metadata.labels.app.kubernetes.io/instance",)


def test_a_changed_voice_changes_the_configuration_and_leaves_the_pods() -> None:
    live = children(service(), voice("ana"))
    assert applied_kinds(plan(service(), live)) == ["ConfigMap"]


def test_a_child_that_is_rendered_no_more_is_deleted() -> None:
    live = children(service(**SCALED, **CACHED))
    deleted = [action for action in plan(service(), live).actions if isinstance(action, Delete)]
    assert deleted == [
        Delete(Key(kind, "speech", name), f"uid-of-{kind}", "1")
        for kind, name in (
            ("PersistentVolumeClaim", "hello-model"),
            ("HorizontalPodAutoscaler", "hello"),
        )
    ]


def test_a_retained_cache_is_not_deleted() -> None:
    made = plan(service(), children(service(**KEPT)))
    assert applied_kinds(made) == ["Deployment"]
    assert not any(isinstance(action, Delete) for action in made.actions)


def test_a_cache_that_is_no_longer_retained_gets_its_owner() -> None:
    made = plan(service(**CACHED), children(service(**KEPT)))
    (action,) = made.actions
    assert isinstance(action, Apply)
    assert "metadata.ownerReferences" in action.fields


def test_a_labelled_object_that_the_service_does_not_control_is_never_deleted() -> None:
    live = children(service())
    foreign = copy.deepcopy(one(live, "ConfigMap"))
    foreign["metadata"] |= {"name": "copied", "ownerReferences": []}
    assert plan(service(), [*live, foreign]) == Plan((), ())


def test_what_is_on_its_way_out_is_waited_for() -> None:
    live = children(service(**SCALED))
    for each in live:
        each["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert plan(service(), live) == Plan((), ())


def test_an_autoscaled_service_takes_its_pods_along() -> None:
    live = children(service(replicas=5))
    actions = plan(service(**SCALED), live).actions
    budget, kept, deployment, autoscaler = actions
    assert isinstance(budget, Delete)
    assert isinstance(kept, KeepReplicas)
    assert kept.manifest["spec"] == {"replicas": 5}
    assert isinstance(deployment, Apply)
    assert "replicas" not in deployment.manifest["spec"]
    assert isinstance(autoscaler, Apply)


def test_an_autoscaler_is_handed_pods_over_when_a_service_goes_on() -> None:
    bounds = {"maxReplicas": 5, "minReplicas": 2}
    live = children(service(autoscaling=bounds, suspend=True))
    actions = plan(service(autoscaling=bounds), live).actions
    handed = [each for each in actions if isinstance(each, KeepReplicas)]
    assert [each.manifest["spec"] for each in handed] == [{"replicas": 2}]


def test_an_autoscalers_replicas_are_not_fought_over() -> None:
    of = service(**SCALED)
    live = children(of)
    one(live, "Deployment")["spec"]["replicas"] = 3
    assert plan(of, live) == Plan((), ())


@pytest.mark.parametrize(
    ("spec", "kept"),
    [
        ({"storageClassName": "fast"}, "storageClassName slow"),
        ({"accessMode": "ReadWriteMany"}, "accessModes ['ReadWriteOnce']"),
    ],
)
def test_what_a_claim_cannot_change_is_a_problem_and_is_not_tried(
    spec: dict[str, str], kept: str
) -> None:
    live = children(service(cache={"size": "2Gi", "storageClassName": "slow"}))
    made = plan(service(cache={"size": "2Gi", "storageClassName": "slow", **spec}), live)
    (problem,) = made.problems
    assert problem.reason == "CacheImmutable"
    assert f"keeps its {kept}" in problem.message
    assert "PersistentVolumeClaim" not in applied_kinds(made)


def test_a_claim_that_is_larger_than_asked_for_stays_so() -> None:
    of = service(cache={"size": "1Gi"})
    assert plan(of, children(service(cache={"size": "2Gi"}))) == Plan((), ())


def test_a_claim_may_grow() -> None:
    made = plan(service(cache={"size": "2Gi"}), children(service(cache={"size": "1Gi"})))
    assert (applied_kinds(made), made.problems) == (["PersistentVolumeClaim"], ())


def test_a_class_that_the_cluster_chose_is_no_difference() -> None:
    of = service(**KEPT)
    live = children(of)
    one(live, "PersistentVolumeClaim")["spec"]["storageClassName"] = "standard"
    assert plan(of, live) == Plan((), ())


def test_growth_is_a_step_of_its_own() -> None:
    before = service(cache={"size": "1Gi"})
    made = plan(service(cache={"size": "2Gi", "retain": False}), children(before))
    steps = [action for action in made.actions if isinstance(action, Apply)]
    assert [step.manifest["spec"]["resources"]["requests"]["storage"] for step in steps] == [
        "1Gi",
        "2Gi",
    ]
    assert all("ownerReferences" in step.manifest["metadata"] for step in steps)


@pytest.mark.parametrize("extra", [{"name": "http", "port": 81}, {"name": "more", "port": 82}])
def test_the_ports_of_a_service_are_the_operators_alone(extra: Json) -> None:
    live = children(service())
    one(live, "Service")["spec"]["ports"].append({"protocol": "TCP", **extra})
    take_over, apply = plan(service(), live).actions
    assert take_over == TakeOver(Key("Service", "speech", "hello"), ("spec", "ports"))
    assert isinstance(apply, Apply)


KEDA: Json = {
    "autoscaling": {"engine": "keda", "maxReplicas": 3, "targetCPUUtilization": 60},
}


def test_a_kind_that_the_cluster_lacks_is_told_and_everything_else_is_made() -> None:
    lacking = {"ScaledObject": Problem(Reason.KEDA_MISSING, "install KEDA")}
    made = make_plan(render(service(**KEDA), (), SETTINGS), [], UID, lacking)
    assert applied_kinds(made) == ["ConfigMap", "Service", "Deployment"]
    assert made.problems == (lacking["ScaledObject"],)


def test_keda_takes_the_place_of_the_autoscaler_which_goes_first() -> None:
    made = plan(service(**KEDA), children(service(**SCALED)))
    assert isinstance(made.actions[0], Delete)
    assert made.actions[0].key.kind == "HorizontalPodAutoscaler"
    assert applied_kinds(made) == ["ScaledObject"]


def test_the_autoscaler_that_keda_makes_is_left_to_keda() -> None:
    of = service(**KEDA)
    made_by_keda = {
        "kind": "HorizontalPodAutoscaler",
        "metadata": {
            "name": "keda-hpa-hello",
            "namespace": "speech",
            "uid": "other",
            "labels": child_labels(of),
            "ownerReferences": [{"uid": "uid-of-ScaledObject", "controller": True}],
        },
    }
    assert plan(of, [*children(of), made_by_keda]) == Plan((), ())

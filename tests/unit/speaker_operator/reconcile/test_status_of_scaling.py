"""A service's status as pods come and go: autoscalers, and none at all."""

from tests.unit.speaker_operator.factories import service, voice
from tests.unit.speaker_operator.reconcile.cluster_state import (
    children,
    deployment_numbers,
    pod,
    rolled_out,
    with_status,
)
from tests.unit.speaker_operator.reconcile.statuses import (
    ON_KEDA,
    conditions,
    scaled_to,
    serving,
    status,
    summary,
)


def test_an_autoscaler_that_adds_pods_does_not_make_it_unready() -> None:
    of = service(autoscaling={"maxReplicas": 5})
    numbers = {**deployment_numbers(4), "readyReplicas": 2, "availableReplicas": 2}
    live = [with_status(each, **numbers) for each in children(of)]
    assert summary(status(of, [*live, pod(of)]))["Ready"] == "True Ready"


def test_an_autoscaler_that_sees_no_metrics_is_told() -> None:
    of = service(autoscaling={"maxReplicas": 5})
    blind = {
        "type": "ScalingActive",
        "status": "False",
        "reason": "FailedGetResourceMetric",
        "message": "the metrics API is not there",
    }
    live = [
        {**each, "status": {"conditions": [blind]}}
        if each["kind"] == "HorizontalPodAutoscaler"
        else each
        for each in serving(of)
    ]
    ready = conditions(status(of, live))["Ready"]
    assert (ready.status, ready.reason) == ("True", "Ready")
    assert "its autoscaler cannot scale it: the metrics API is not there" in ready.message


def test_fewer_pods_than_the_autoscaler_keeps_are_not_enough() -> None:
    of = service(autoscaling={"minReplicas": 3, "maxReplicas": 5})
    found = status(of, [*rolled_out(children(of), 1), pod(of)])
    assert summary(found)["Ready"] == "False RollingOut"


def test_a_service_of_no_pods_says_how_to_start_it() -> None:
    of = service(replicas=0)
    found = status(of, rolled_out(children(of), 0), voices=[voice()])
    assert summary(found)["Ready"] == "False ScaledToZero"
    assert "raise it" in conditions(found)["Ready"].message


def test_a_service_that_rests_without_pods_is_ready_and_says_what_wakes_it() -> None:
    of = service(autoscaling=ON_KEDA)
    found = status(of, scaled_to(of, 0), voices=[voice()])
    assert summary(found)["Ready"] == "True Idle"
    assert summary(found)["Available"] == "False ScaledToZero"
    assert summary(found)["Progressing"] == "True RolledOut"
    assert "KEDA starts one when a trigger" in conditions(found)["Ready"].message


def test_a_service_that_is_woken_is_not_ready_before_its_pod_serves() -> None:
    of = service(autoscaling=ON_KEDA)
    found = status(of, scaled_to(of, 1, availableReplicas=0, readyReplicas=0))
    assert summary(found)["Ready"] == "False RollingOut"
    found = status(of, [*scaled_to(of, 1), pod(of)])
    assert summary(found)["Ready"] == "True Ready"


def test_a_voice_that_fails_is_told_while_the_service_rests() -> None:
    of = service(autoscaling=ON_KEDA)
    found = status(of, scaled_to(of, 0), voices=[voice(preset="lung")])
    assert summary(found)["Ready"].startswith("False")
    assert "Voice ana" in conditions(found)["Ready"].message


def test_what_keeps_keda_from_scaling_is_told() -> None:
    of = service(autoscaling=ON_KEDA)
    trouble = {"type": "Ready", "status": "False", "message": "cannot parse the cron trigger"}
    live = [
        {**each, "status": {"conditions": [trouble]}} if each["kind"] == "ScaledObject" else each
        for each in scaled_to(of, 0)
    ]
    assert "cannot parse the cron trigger" in conditions(status(of, live))["Ready"].message


def test_a_suspended_service_says_so_whatever_else_there_is_to_say() -> None:
    of = service(suspend=True, replicas=3)
    found = status(of, rolled_out(children(of), 0), voices=[voice(preset="lung")])
    assert summary(found)["Available"] == summary(found)["Ready"] == "False Suspended"
    assert summary(found)["Progressing"] == "True RolledOut"
    assert "take it away" in conditions(found)["Ready"].message

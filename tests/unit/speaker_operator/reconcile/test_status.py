"""A service's status, from what was observed."""

from datetime import timedelta

import pytest

from speaker_operator.reasons import Reason
from speaker_operator.reconcile.plan import Problem
from speaker_operator.render.labels import TEMPLATE_HASH
from speaker_runtime.contract import FetchReport
from tests.unit.speaker_operator.factories import service, voice
from tests.unit.speaker_operator.reconcile.cluster_state import (
    children,
    crash_looping,
    deployment_numbers,
    pod,
    rolled_out,
    with_status,
)
from tests.unit.speaker_operator.reconcile.statuses import (
    NOW,
    TYPES,
    conditions,
    serving,
    status,
    summary,
    with_previous,
)


def test_a_service_whose_pod_serves_is_ready() -> None:
    found = status(service(), serving(service(), voice()), voices=[voice()])
    assert summary(found) == {
        "ModelReady": "True Fetched",
        "VoicesReady": "True Served",
        "Available": "True Serving",
        "Progressing": "True RolledOut",
        "Ready": "True Ready",
    }
    assert conditions(found)["Ready"].message == "Serving 1 voice at http://hello.speech.svc."


def test_it_says_what_it_was_computed_for() -> None:
    found = status(service(), serving(service()))
    assert found.observed_generation == 3
    assert {each.observed_generation for each in found.conditions} == {3}
    assert [each.type for each in found.conditions] == TYPES


def test_it_says_where_and_what_is_served() -> None:
    of = service(expose={"port": 8000})
    found = status(of, serving(of, voice()), voices=[voice()])
    assert found.url == "http://hello.speech.svc:8000"
    assert found.selector == "speaker-tts.dev/service=hello"
    assert (found.replicas, found.ready_replicas) == (1, 1)
    assert found.model is not None
    assert (found.model.source, found.model.state) == ("package://hibari-tts", "Ready")
    assert found.voices is not None
    assert (found.voices.total, found.voices.ready) == (1, 1)


def test_a_new_service_is_rolling_out() -> None:
    found = status(service(), children(service()), voices=[voice()])
    assert summary(found) == {
        "ModelReady": "False Pending",
        "VoicesReady": "False RollingOut",
        "Available": "False Starting",
        "Progressing": "True RollingOut",
        "Ready": "False RollingOut",
    }
    assert "0 of 1 pods are up to date" in conditions(found)["Ready"].message


def test_what_a_fetch_reports_is_told() -> None:
    report = FetchReport(digest=f"sha256:{'a' * 64}", bytes=1234)
    fetch = {"state": {"terminated": {"exitCode": 0, "message": report.to_json()}}}
    found = status(service(), [*rolled_out(children(service())), pod(service(), fetch=fetch)])
    assert found.model is not None
    assert (found.model.state, found.model.digest) == ("Ready", report.digest)
    assert found.model.bytes == 1234


@pytest.mark.parametrize("message", ["", "fetched", '{"digest": "md5:0", "bytes": 1}'])
def test_a_fetch_by_an_image_of_another_version_is_ready_all_the_same(message: str) -> None:
    fetch = {"state": {"terminated": {"exitCode": 0, "message": message}}}
    found = status(service(), [*rolled_out(children(service())), pod(service(), fetch=fetch)])
    assert found.model is not None
    assert (found.model.state, found.model.digest) == ("Ready", None)


@pytest.mark.parametrize(
    "numbers",
    [
        {"observedGeneration": 0},
        {"updatedReplicas": 1},
        {"replicas": 3},
        {"availableReplicas": 1},
    ],
)
def test_it_is_ready_only_when_all_pods_run_the_present_spec(numbers: dict[str, int]) -> None:
    of = service(replicas=2)
    live = [with_status(each, **{**deployment_numbers(2), **numbers}) for each in children(of)]
    found = status(of, [*live, pod(of)])
    assert summary(found)["Ready"] == "False RollingOut"
    assert summary(found)["Available"] == "True Serving"


def test_pods_of_the_same_second_are_told_apart_by_their_template() -> None:
    of = service(replicas=2)
    live = rolled_out(children(of), 2)
    (deployment,) = (each for each in live if each["kind"] == "Deployment")
    digest = deployment["spec"]["template"]["metadata"]["annotations"][TEMPLATE_HASH]
    new = pod(of, "new", template="a", runtime=crash_looping(1, "boom"))
    new["metadata"]["annotations"] = {TEMPLATE_HASH: digest}
    numbers = {**deployment_numbers(2), "updatedReplicas": 1, "availableReplicas": 1}
    live = [with_status(each, **numbers) for each in live]
    found = conditions(status(of, [*live, pod(of, "old", template="z"), new]))
    assert found["Ready"].reason == "CrashLoopBackOff"
    assert "Pod new" in found["Ready"].message


def test_a_child_that_cannot_be_made_comes_before_everything_else() -> None:
    problem = Problem(Reason.NAME_TAKEN, "Service hello exists and is not this service's")
    found = conditions(status(service(), serving(service()), problems=[problem]))
    assert found["Ready"].reason == found["Progressing"].reason == "NameTaken"
    assert found["Ready"].message == Reason.NAME_TAKEN.told(problem.message)
    assert found["Available"].status == "True"


def test_a_transition_time_moves_only_when_the_status_changes() -> None:
    first = status(service(), children(service()))
    later = NOW + timedelta(minutes=1)
    again = with_previous(service(), first)
    second = conditions(status(again, serving(service()), now=later))
    assert second["Ready"].last_transition_time == "2026-01-02T03:05:05Z"
    assert second["Progressing"].status == conditions(first)["Progressing"].status == "True"
    assert second["Progressing"].last_transition_time == "2026-01-02T03:04:05Z"


def test_nothing_new_leads_to_an_equal_status() -> None:
    first = status(service(), serving(service()))
    again = with_previous(service(), first)
    assert status(again, serving(service()), now=NOW + timedelta(hours=1)) == first

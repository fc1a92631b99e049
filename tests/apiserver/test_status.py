"""What the cluster does reaches the status, as written by the real controllers' means."""

import time
from typing import Any

import pytest

from speaker_operator.kube.resources import EVENT, TTS_SERVICE, VOICE, Resource
from tests.apiserver.api import Api, Json, eventually, service, voice
from tests.apiserver.kubelet import (
    FETCHED,
    REPORT,
    create_pod,
    live_pod,
    report_deployment,
    report_pod,
    roll_out,
)
from tests.apiserver.operator_process import OperatorProcess
from tests.support.figures import RecordFigure
from tests.support.kubernetes import condition, is_ready

pytestmark = pytest.mark.apiserver

TIMEOUT = 10
QUOTA = Resource("v1", "ResourceQuota", "resourcequotas")


@pytest.fixture
def declared(api: Api, operator: OperatorProcess) -> Api:
    """A namespace with a service and its voice, which no pod serves yet."""
    api.declare(service(), voice("ana"))
    await_reason(api, "RollingOut")
    return api


def ready_condition(api: Api, name: str = "hello") -> Json:
    return condition(api.require(TTS_SERVICE, name), "Ready")


def await_reason(api: Api, reason: str, name: str = "hello") -> Json:
    """Wait until the service's readiness, or its lack, has this reason."""

    def found() -> Json | None:
        current = ready_condition(api, name)
        return current if current.get("reason") == reason else None

    return eventually(found, within=TIMEOUT, what=f"{name} is {reason}")


def await_ready(api: Api, name: str = "hello") -> Json:
    def found() -> Json | None:
        current = api.require(TTS_SERVICE, name)
        return current if is_ready(current) else None

    return eventually(found, within=TIMEOUT, what=f"{name} is Ready")


def test_a_service_becomes_ready_with_its_pods(declared: Api, record_figure: RecordFigure) -> None:
    roll_out(declared)
    started = time.monotonic()
    found = await_ready(declared)
    record_figure("pods serve to Ready=True", time.monotonic() - started, "s")
    status = found["status"]
    assert (status["replicas"], status["readyReplicas"]) == (1, 1)
    assert status["voices"] == {"total": 1, "ready": 1, "failed": []}
    assert status["model"]["state"] == "Ready"
    assert status["url"] == f"http://hello.{declared.namespace}.svc"
    model = status["model"]
    assert (model["state"], model["digest"], model["bytes"]) == (
        "Ready",
        REPORT.digest,
        REPORT.bytes,
    )


def test_an_edit_makes_it_unready_until_it_is_rolled_out(declared: Api) -> None:
    roll_out(declared)
    await_ready(declared)
    patch = {"spec": {"serving": {"maxQueueSeconds": 5}}}
    generation = declared.patch(TTS_SERVICE, "hello", patch)["metadata"]["generation"]

    def told() -> bool:
        ready = ready_condition(declared)
        found = (ready["status"], ready["observedGeneration"])
        return bool(found == ("False", generation))

    eventually(told, within=TIMEOUT, what="Ready=False for the new generation")
    roll_out(declared)
    assert await_ready(declared)["status"]["observedGeneration"] == generation


def test_the_voices_become_ready_with_the_service(declared: Api) -> None:
    eventually(
        lambda: condition(declared.require(VOICE, "ana"), "Ready").get("reason") == "RollingOut",
        within=TIMEOUT,
        what="ana waits for the pods",
    )
    roll_out(declared)
    eventually(
        lambda: is_ready(declared.require(VOICE, "ana")), within=TIMEOUT, what="ana is Ready"
    )
    found = declared.require(VOICE, "ana")["status"]
    assert found["services"] == [{"name": "hello", "state": "Ready"}]


FAILURES: dict[str, tuple[Json, Json, str, str]] = {
    "image": (
        {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}},
        {"state": {"waiting": {"reason": "PodInitializing"}}},
        "ImagePullBackOff",
        "no such image",
    ),
    "model": (
        {
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"exitCode": 3, "message": "no package of that name"}},
        },
        {"state": {"waiting": {"reason": "PodInitializing"}}},
        "ModelUnavailable",
        "no package of that name",
    ),
    "secret": (
        {
            "state": {
                "waiting": {
                    "reason": "CreateContainerConfigError",
                    "message": 'secret "hf-token" not found',
                }
            }
        },
        {"state": {"waiting": {"reason": "PodInitializing"}}},
        "SecretNotFound",
        "there is no Secret hf-token in the namespace",
    ),
    "crash": (
        FETCHED,
        {
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {
                "terminated": {
                    "exitCode": 1,
                    "message": "Traceback: boom",
                    "finishedAt": "2026-01-01T00:00:00Z",
                }
            },
        },
        "CrashLoopBackOff",
        "Traceback: boom",
    ),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_the_reason_why_a_pod_fails_reaches_the_status(declared: Api, failure: str) -> None:
    fetch, runtime, reason, words = FAILURES[failure]
    report_pod(declared, create_pod(declared), fetch=fetch, runtime=runtime)
    assert words in await_reason(declared, reason)["message"]


def test_a_pod_that_recovers_makes_the_service_ready(declared: Api) -> None:
    fetch, runtime, reason, _ = FAILURES["crash"]
    with live_pod(declared) as pod:
        report_pod(declared, pod.name, fetch=fetch, runtime=runtime)
        await_reason(declared, reason)
        pod.report()
        report_deployment(
            declared, replicas=1, updatedReplicas=1, readyReplicas=1, availableReplicas=1
        )
        found = await_ready(declared)
    assert found["status"]["lastFailure"]["exitCode"] == 1


def test_a_quota_that_keeps_pods_from_being_made_reaches_the_status(declared: Api) -> None:
    failure = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": "pods is forbidden: exceeded quota: small",
    }
    report_deployment(declared, conditions=[failure])
    assert "exceeded quota" in await_reason(declared, "QuotaExceeded")["message"]


def test_a_quota_that_refuses_a_child_reaches_the_status(
    api: Api, operator: OperatorProcess
) -> None:
    api.create_of(
        QUOTA,
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "none"},
            "spec": {"hard": {"persistentvolumeclaims": "0"}},
        },
    )
    nothing = {"persistentvolumeclaims": "0"}
    api.patch_status(QUOTA, "none", hard=nothing, used=nothing)
    api.declare(service(cache={"size": "1Gi"}))
    assert "exceeded quota" in await_reason(api, "QuotaExceeded")["message"]


def test_a_claim_that_cannot_change_reaches_the_status(api: Api, operator: OperatorProcess) -> None:
    api.declare(service(cache={"size": "1Gi", "storageClassName": "fast"}))
    await_reason(api, "RollingOut")
    api.patch(TTS_SERVICE, "hello", {"spec": {"cache": {"storageClassName": "faster"}}})
    assert "keeps its storageClassName fast" in await_reason(api, "CacheImmutable")["message"]
    api.patch(TTS_SERVICE, "hello", {"spec": {"cache": {"storageClassName": "fast"}}})
    await_reason(api, "RollingOut")


def test_a_voice_of_an_unknown_preset_reaches_both_statuses(declared: Api) -> None:
    declared.declare(voice("ben", preset="lung"))
    await_reason(declared, "PresetUnknown")

    def told() -> bool:
        accepted = condition(declared.require(VOICE, "ben"), "Accepted")
        return accepted.get("reason") == "PresetUnknown"

    eventually(told, within=TIMEOUT, what="ben is not accepted")
    failed = declared.require(TTS_SERVICE, "hello")["status"]["voices"]["failed"]
    assert [each["name"] for each in failed] == ["ben"]


def test_two_voices_of_one_alias_hear_of_each_other_until_one_gives_it_up(
    declared: Api,
) -> None:
    declared.declare(voice("ben", aliases=["nova"]), voice("cleo", aliases=["nova"]))
    await_reason(declared, "AliasConflict")
    roll_out(declared)
    for name in ("ben", "cleo"):
        accepted = condition(declared.require(VOICE, name), "Accepted")
        assert (accepted["status"], accepted["reason"]) == ("False", "AliasConflict")
    declared.patch(VOICE, "cleo", {"spec": {"aliases": []}})
    await_ready(declared)
    eventually(
        lambda: is_ready(declared.require(VOICE, "ben")), within=TIMEOUT, what="ben is Ready"
    )


def test_a_voice_without_a_service_says_so_until_there_is_one(
    api: Api, operator: OperatorProcess
) -> None:
    api.declare(voice("ana"))

    def reason() -> str:
        return str(condition(api.require(VOICE, "ana"), "Ready").get("reason"))

    eventually(lambda: reason() == "NotSelected", within=TIMEOUT, what="ana is not selected")
    api.declare(service())
    eventually(lambda: reason() == "RollingOut", within=TIMEOUT, what="hello selects ana")
    api.delete(TTS_SERVICE, "hello")
    eventually(lambda: reason() == "NotSelected", within=TIMEOUT, what="hello is gone")


def test_a_status_that_someone_edits_is_put_right(declared: Api) -> None:
    declared.patch_status(TTS_SERVICE, "hello", url="http://elsewhere", readyReplicas=99)

    def right() -> bool:
        status = declared.require(TTS_SERVICE, "hello")["status"]
        return bool(status["url"] != "http://elsewhere" and status["readyReplicas"] == 0)

    eventually(right, within=TIMEOUT, what="the status is as observed")


def test_changes_of_readiness_are_events_and_are_told_once(declared: Api) -> None:
    roll_out(declared)
    await_ready(declared)

    def events() -> list[Any]:
        listed = declared.list(EVENT)
        listed.sort(key=lambda event: event["eventTime"])
        return [(event["type"], event["reason"]) for event in listed]

    expected = [("Normal", "RollingOut"), ("Normal", "Ready")]
    eventually(lambda: events() == expected, within=TIMEOUT, what="two events")

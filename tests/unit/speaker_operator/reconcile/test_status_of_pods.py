"""A service's status while its pods do not come up."""

from typing import Any

import pytest

from speaker_operator.reasons import BY_WORD, Reason
from speaker_operator.render.gpu import Devices
from tests.unit.speaker_operator.factories import service
from tests.unit.speaker_operator.reconcile.cluster_state import (
    Json,
    children,
    crash_looping,
    deployment_numbers,
    ended,
    pod,
    rolled_out,
    waiting,
    with_status,
)
from tests.unit.speaker_operator.reconcile.statuses import (
    PENDING,
    conditions,
    failing,
    serving,
    status,
    summary,
    with_previous,
)


def test_a_pod_that_fetches_says_so() -> None:
    found = status(service(), failing(service(), fetch={"state": {"running": {}}}))
    assert found.model is not None
    assert found.model.state == "Downloading"
    assert summary(found)["ModelReady"] == "False Downloading"


PROBLEMS: list[tuple[str, dict[str, Json], str, str]] = [
    ("an image that cannot be pulled", {"fetch": waiting("ErrImagePull", "no such host")},
     "ImagePullBackOff", "no such host"),
    ("an image whose pull is retried", {"fetch": waiting("ImagePullBackOff", "back-off")},
     "ImagePullBackOff", "back-off"),
    ("an image that may not be pulled", {"fetch": waiting("ErrImageNeverPull", "is not present")},
     "ErrImageNeverPull", "is not present"),
    ("a container that cannot be made", {"fetch": waiting("CreateContainerConfigError", "no cm")},
     "CreateContainerConfigError", "no cm"),
    ("a Secret that is not there",
     {"fetch": waiting("CreateContainerConfigError", 'secret "hf-token" not found')},
     "SecretNotFound", "there is no Secret hf-token"),
    ("a licence that nobody accepted", {"fetch": crash_looping(6, "under the licence CPML")},
     "LicenseNotAccepted", "set spec.model.acceptLicense"),
    ("a model that is not there", {"fetch": crash_looping(3, "package nope is not installed")},
     "ModelUnavailable", "package nope is not installed"),
    ("a model that is damaged", {"fetch": ended(4, "digest differs")},
     "ModelCorrupt", "delete the cache"),
    ("a cache that is full", {"fetch": crash_looping(5)}, "NoSpace", "raise spec.cache.size"),
    ("a configuration that is not understood", {"runtime": crash_looping(2)},
     "InvalidConfig", "image of the operator's version"[:5]),
    ("a process that crashes", {"runtime": crash_looping(1, "Traceback: boom")},
     "CrashLoopBackOff", "Traceback: boom"),
    ("a process that crashed once", {"runtime": ended(1)}, "ContainerFailed", "exit code 1"),
    ("a process that ran out of memory",
     {"runtime": crash_looping(137, reason="OOMKilled")}, "OOMKilled",
     "raise spec.resources.limits.memory"),
    ("a process that was started again and is not ready",
     {"runtime": {"ready": False, "state": {"running": {}},
                  "lastState": ended(1, "boom")["state"]}}, "ContainerFailed", "boom"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("containers", "reason", "words"),
    [row[1:] for row in PROBLEMS],
    ids=[row[0] for row in PROBLEMS],
)
def test_the_reason_why_a_pod_fails_reaches_the_status(
    containers: dict[str, Json], reason: str, words: str
) -> None:
    found = conditions(status(service(), failing(service(), **containers)))
    for name in ("Ready", "Progressing", "Available"):
        assert (found[name].status, found[name].reason) == ("False", reason)
        assert words in found[name].message
        assert "Pod hello-1" in found[name].message


@pytest.mark.parametrize(("code", "reason"), [(3, "ModelUnavailable"), (4, "ModelCorrupt")])
def test_a_model_that_fails_is_not_ready(code: int, reason: str) -> None:
    found = status(service(), failing(service(), fetch=crash_looping(code, "gone")))
    assert summary(found)["ModelReady"] == f"False {reason}"
    assert found.model is not None
    assert found.model.state == "Failed"


def test_a_crashing_update_is_told_while_the_old_pods_serve() -> None:
    of = service()
    numbers = {**deployment_numbers(1), "replicas": 2, "updatedReplicas": 1}
    live = [with_status(each, **numbers) for each in children(of)]
    old = pod(of, "old", template="one", created="2026-01-01T00:00:00Z")
    new = pod(
        of, "new", template="two", created="2026-01-01T00:09:00Z", runtime=crash_looping(1, "boom")
    )
    found = summary(status(of, [*live, old, new]))
    assert found["Available"] == "True Serving"
    assert found["Ready"] == "False CrashLoopBackOff"


def test_the_failures_of_replaced_pods_are_no_longer_of_interest() -> None:
    of = service()
    old = pod(of, "old", template="one", runtime=crash_looping(1))
    new = pod(of, "new", template="two", created="2026-01-01T00:09:00Z")
    found = summary(status(of, [*rolled_out(children(of)), old, new]))
    assert found["Ready"] == "True Ready"


def test_pods_that_are_ending_are_no_longer_of_interest() -> None:
    of = service()
    ending = pod(of, "ending", runtime=crash_looping(1))
    ending["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert summary(status(of, [*serving(of), ending]))["Ready"] == "True Ready"


def test_a_pod_that_no_node_takes() -> None:
    of = service()
    condition = {**PENDING, "message": "0/3 nodes are available"}
    live = [*children(of), pod(of, conditions=[condition], fetch={"state": {}})]
    ready = conditions(status(of, live))["Ready"]
    assert (ready.reason, "0/3 nodes are available" in ready.message) == ("Unschedulable", True)


NO_GPU = Devices("cpu", "NoGPU", "no node offers 1 nvidia.com/gpu")
UNKNOWN = Devices("gpu", "NodesUnknown", "the operator may not list nodes")


def test_a_service_that_fell_back_to_the_cpu_is_ready_and_says_so() -> None:
    found = status(service(), serving(service()), on=NO_GPU)
    assert summary(found)["Available"] == "True ServingOnCPU"
    assert summary(found)["Ready"] == "True ReadyOnCPU"
    assert "no node offers 1 nvidia.com/gpu" in conditions(found)["Ready"].message


def test_a_pod_that_waits_for_a_gpu_as_nobody_may_look_for_one_says_so() -> None:
    of = service()
    live = [*children(of), pod(of, conditions=[PENDING], fetch={"state": {}})]
    ready = conditions(status(of, live, on=UNKNOWN))["Ready"]
    assert (ready.reason, UNKNOWN.message in ready.message) == ("Unschedulable", True)


def test_a_claim_that_is_not_there_is_named() -> None:
    of = service(model={"source": "pvc://models/kokoro"})
    condition = {**PENDING, "message": 'persistentvolumeclaim "models" not found. preemption: 0/1'}
    live = [*children(of), pod(of, conditions=[condition], fetch={"state": {}})]
    ready = conditions(status(of, live))["Ready"]
    assert ready.reason == "ClaimNotFound"
    assert "create the claim, or correct spec.model.source" in ready.message


@pytest.mark.parametrize(
    ("cache", "phase", "reason", "words"),
    [
        ({}, "Pending", "NoStorageClass", "set spec.cache.storageClassName"),
        (
            {"storageClassName": "fast"},
            "Pending",
            Reason.CACHE_PENDING,
            "waits for storage class fast",
        ),
        ({"storageClassName": "fast"}, "Lost", "CacheLost", "delete the claim"),
        ({"storageClassName": "fast"}, "Bound", "Unschedulable", "unbound"),
    ],
)
def test_a_pod_that_waits_for_its_claim(
    cache: dict[str, str], phase: str, reason: str, words: str
) -> None:
    of = service(cache={"size": "1Gi", **cache})
    condition = {**PENDING, "message": "unbound PersistentVolumeClaims"}
    claims = [
        {**each, "status": {"phase": phase}} if each["kind"] == "PersistentVolumeClaim" else each
        for each in children(of)
    ]
    live = [*claims, pod(of, conditions=[condition], fetch={"state": {}})]
    ready = conditions(status(of, live))["Ready"]
    assert ready.reason == reason
    assert words in ready.message


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ('pods "hello-1" is forbidden: exceeded quota: small', "QuotaExceeded"),
        ('pods "hello-1" is forbidden: violates PodSecurity "restricted"', "PodSecurityViolation"),
        ("something else", "FailedCreate"),
    ],
)
def test_pods_that_cannot_even_be_made(message: str, reason: str) -> None:
    failure = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": message,
    }
    live = [with_status(each, conditions=[failure]) for each in children(service())]
    ready = conditions(status(service(), live))["Ready"]
    assert ready.reason == reason
    assert ready.message == f"{message}; {BY_WORD[reason].remedy}"


def test_a_rollout_that_takes_too_long() -> None:
    overdue = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    live = [with_status(each, conditions=[overdue]) for each in children(service())]
    assert summary(status(service(), live))["Ready"] == "False ProgressDeadlineExceeded"


def test_the_last_failure_is_kept_until_there_is_a_later_one() -> None:
    first = status(service(), failing(service(), runtime=ended(1, "boom")))
    assert first.last_failure is not None
    assert (first.last_failure.exit_code, first.last_failure.pod) == (1, "hello-1")
    assert first.last_failure.time == "2026-01-01T00:01:00Z"
    recovered = status(with_previous(service(), first), serving(service()))
    assert recovered.last_failure == first.last_failure
    worse = ended(137, reason="OOMKilled", finishedAt="2026-01-01T09:00:00Z")
    second = status(with_previous(service(), first), failing(service(), runtime=worse))
    assert second.last_failure is not None
    assert second.last_failure.reason == "OOMKilled"


def test_long_words_of_a_container_are_cut() -> None:
    found: Any = status(service(), failing(service(), runtime=ended(1, "x" * 5000))).last_failure
    assert len(found.message) < 1200

"""A service's status, from what was observed."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from speaker_operator.api.v1alpha1 import TTSService, Voice
from speaker_operator.api.v1alpha1.status import Condition, ServiceStatus
from speaker_operator.reasons import BY_WORD, Reason
from speaker_operator.reconcile.hearing import Trouble, Word, ready_pods
from speaker_operator.reconcile.plan import Problem
from speaker_operator.reconcile.status import Observation, service_status
from speaker_operator.render.gpu import Devices
from speaker_operator.render.labels import TEMPLATE_HASH
from speaker_operator.render.voices import assign
from speaker_runtime.contract import FetchReport
from tests.unit.speaker_operator.factories import service, voice
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
from tests.unit.speaker_operator.reconcile.hearsay import hearing, said

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TYPES = ["ModelReady", "VoicesReady", "Available", "Progressing", "Ready"]
ON_CPU = Devices("cpu")
PENDING = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}


def status(
    of: TTSService,
    objects: Iterable[Json],
    *,
    voices: Iterable[Voice] = (),
    problems: Iterable[Problem] = (),
    undone: Iterable[str] = (),
    on: Devices = ON_CPU,
    words: Mapping[str, Word | None] | None = None,
    now: datetime = NOW,
) -> ServiceStatus:
    voices, objects = list(voices), list(objects)
    said_by_all = {each.name: said(*voices) for each in ready_pods(objects)}
    return service_status(
        Observation(
            service=of,
            assignments=assign(of, voices),
            objects=objects,
            problems=list(problems),
            undone=frozenset(undone),
            devices=on,
            hearing=hearing(said_by_all if words is None else words, *voices),
            now=now,
        )
    )


def conditions(of: ServiceStatus) -> dict[str, Condition]:
    return {condition.type: condition for condition in of.conditions}


def summary(of: ServiceStatus) -> dict[str, str]:
    return {name: f"{each.status} {each.reason}" for name, each in conditions(of).items()}


def serving(of: TTSService, *voices: Voice) -> list[Json]:
    """Everything as it should be: one pod that serves."""
    return [*rolled_out(children(of, *voices)), pod(of)]


def failing(of: TTSService, **containers: Json) -> list[Json]:
    """A Deployment whose only pod does not come up."""
    numbers = {**deployment_numbers(1), "readyReplicas": 0, "availableReplicas": 0}
    return [
        *(with_status(each, **numbers) for each in children(of)),
        pod(of, **containers),  # type: ignore[arg-type] # only containers are ever given
    ]


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


def test_a_pod_that_fetches_says_so() -> None:
    found = status(service(), failing(service(), fetch={"state": {"running": {}}}))
    assert found.model is not None
    assert found.model.state == "Downloading"
    assert summary(found)["ModelReady"] == "False Downloading"


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


def test_an_autoscaler_that_adds_pods_does_not_make_it_unready() -> None:
    of = service(autoscaling={"maxReplicas": 5})
    numbers = {**deployment_numbers(4), "readyReplicas": 2, "availableReplicas": 2}
    live = [with_status(each, **numbers) for each in children(of)]
    assert summary(status(of, [*live, pod(of)]))["Ready"] == "True Ready"


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


ON_KEDA: Json = {
    "engine": "keda",
    "minReplicas": 0,
    "maxReplicas": 3,
    "keda": {"triggers": [{"type": "cron"}]},
}


def scaled_to(of: TTSService, replicas: int, **numbers: int) -> list[Json]:
    live = rolled_out(children(of), replicas)
    (deployment,) = (each for each in live if each["kind"] == "Deployment")
    deployment["spec"]["replicas"] = replicas
    deployment["status"] |= numbers
    return live


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


def test_a_child_that_cannot_be_made_comes_before_everything_else() -> None:
    problem = Problem(Reason.NAME_TAKEN, "Service hello exists and is not this service's")
    found = conditions(status(service(), serving(service()), problems=[problem]))
    assert found["Ready"].reason == found["Progressing"].reason == "NameTaken"
    assert found["Ready"].message == Reason.NAME_TAKEN.told(problem.message)
    assert found["Available"].status == "True"


def test_a_cache_that_cannot_grow_does_not_take_the_voices_away() -> None:
    problem = Problem(Reason.FORBIDDEN, "PersistentVolumeClaim hello-model: no")
    live = serving(service(), voice())
    found = status(
        service(), live, voices=[voice()], problems=[problem], undone=["PersistentVolumeClaim"]
    )
    assert summary(found)["VoicesReady"] == "True Served"
    assert summary(found)["Ready"] == "False Forbidden"


@pytest.mark.parametrize("kind", ["ConfigMap", "Service", "Deployment"])
def test_voices_wait_for_what_serves_them(kind: str) -> None:
    found = status(service(), serving(service(), voice()), voices=[voice()], undone=[kind])
    assert summary(found)["VoicesReady"] == summary(found)["Ready"] == "False RollingOut"


def test_a_voice_that_fails_is_told_and_the_others_are_served() -> None:
    voices = [voice("ana"), voice("ben", preset="lung")]
    found = status(service(), serving(service(), *voices), voices=voices)
    assert summary(found)["Available"] == "True Serving"
    assert summary(found)["VoicesReady"] == summary(found)["Ready"] == "False PresetUnknown"
    assert found.voices is not None
    assert (found.voices.total, found.voices.ready) == (2, 1)
    assert [each.name for each in found.voices.failed] == ["ben"]


def test_a_default_voice_that_is_none_is_told() -> None:
    of = service(voices={"default": "ben"})
    assert summary(status(of, serving(of)))["Ready"] == "False DefaultVoiceUnknown"


def test_without_voices_the_presets_are_offered() -> None:
    found = status(service(), serving(service()))
    assert summary(found)["VoicesReady"] == "True PresetsOnly"
    assert summary(found)["Ready"] == "True Ready"


def with_previous(of: TTSService, previous: ServiceStatus) -> TTSService:
    return of.model_copy(update={"status": previous})


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


SILENT = Trouble(Reason.POD_UNREACHABLE, "it did not answer within 2 s")


def test_a_pod_that_does_not_take_the_voices_makes_the_service_unready_and_is_named() -> None:
    of = service()
    found = status(
        of, serving(of, voice()), voices=[voice()], words={"hello-1": said(trouble=SILENT)}
    )
    assert summary(found)["VoicesReady"] == "False PodUnreachable"
    assert summary(found)["Ready"] == "False PodUnreachable"
    assert summary(found)["Available"] == "True Serving"
    assert "pod hello-1" in conditions(found)["VoicesReady"].message
    assert found.voices is not None
    assert (found.voices.total, found.voices.ready) == (1, 0)


def test_a_removed_voice_that_a_pod_still_offers_is_told() -> None:
    of = service()
    found = status(of, serving(of), words={"hello-1": said(voice("gone"))})
    assert summary(found)["VoicesReady"] == "False Syncing"


def test_voices_are_served_while_pods_are_replaced() -> None:
    of = service(replicas=2)
    numbers = {**deployment_numbers(2), "updatedReplicas": 1}
    live = [with_status(each, **numbers) for each in children(of, voice())]
    found = status(of, [*live, pod(of)], voices=[voice()])
    assert summary(found)["VoicesReady"] == "True Served"
    assert summary(found)["Ready"] == "False RollingOut"


def test_a_voice_that_the_model_lacks_is_told_by_the_pods() -> None:
    of = service(model={"source": "pvc://models/own"})
    word = said(voice(), failed={"ana": "the backend has no preset 'heart'"})
    found = status(of, serving(of, voice()), voices=[voice()], words={"hello-1": word})
    assert found.voices is not None
    (failed,) = found.voices.failed
    assert (failed.name, failed.reason) == ("ana", "RefusedByPod")
    assert summary(found)["VoicesReady"] == "False RefusedByPod"

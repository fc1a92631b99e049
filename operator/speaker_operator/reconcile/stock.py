"""What is in a model cache, or on its way into it, from what was observed. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from pydantic import ValidationError

from speaker_operator.kube.resources import CLAIM, JOB, POD, JsonObject
from speaker_operator.reasons import BY_WORD, Reason
from speaker_operator.reconcile.failures import Failure, first_failure
from speaker_operator.reconcile.fetches import report_of
from speaker_operator.reconcile.plan import Problem, is_ending
from speaker_operator.render.caches import ModelCache
from speaker_operator.render.claim import Filling
from speaker_operator.render.fetchjob import job_name
from speaker_operator.render.labels import (
    ATTEMPT,
    CLAIM_UID,
    CONTENT,
    FILLED_AT,
    REPORT,
    SERVICE,
)
from speaker_operator.render.names import FETCH_CONTAINER
from speaker_runtime.contract import FetchReport

_TAKES_ITS_TIME = frozenset({Reason.UNSCHEDULABLE, Reason.CACHE_PENDING})
"""Failures that may well be none."""


class Progress(NamedTuple):
    """How much has come, of how much."""

    bytes: int
    total: int | None


@dataclass(frozen=True)
class Stock:
    """The state of a model on its way into a cache."""

    state: Literal["Pending", "Downloading", "Ready", "Failed"]
    reason: Reason
    message: str
    report: FetchReport | None = None
    progress: Progress | None = None
    failure: Failure | None = None
    """Where a container ended badly: how."""


@dataclass(frozen=True)
class Shelf:
    """A cache, and everything that was observed of it."""

    cache: ModelCache
    objects: Sequence[JsonObject]
    """Whatever carries the label of the cache."""
    doubted_at: str = ""
    """When a pod last found that the model is not there, or not whole."""
    progress: Progress | None = None
    """What the pod that fetches has told last."""
    problem: Problem | None = None
    """Why the claim or the Job cannot be made."""

    @cached_property
    def claim(self) -> JsonObject | None:
        """The claim, if it is the operator's."""
        if self.cache.place.kind != "shared":
            return None
        return self._named(CLAIM.kind, self.cache.place.claim)

    @cached_property
    def job(self) -> JsonObject | None:
        """The Job."""
        return self._named(JOB.kind, job_name(self.cache))

    @cached_property
    def pods(self) -> list[JsonObject]:
        """The pods that fill the cache, or have tried to, of any Job."""
        return [
            each
            for each in self.objects
            if each["kind"] == POD.kind and SERVICE not in each["metadata"]["labels"]
        ]

    @cached_property
    def present_pods(self) -> list[JsonObject]:
        """The pods of the present Job, the newest first."""
        uid = None if self.job is None else self.job["metadata"]["uid"]
        own = [
            pod
            for pod in self.pods
            if any(each["uid"] == uid for each in pod["metadata"].get("ownerReferences", ()))
        ]
        return sorted(own, key=_age, reverse=True)

    @property
    def claim_uid(self) -> str:
        """The very claim that a Job fills; empty where it is not the operator's."""
        return "" if self.claim is None else str(self.claim["metadata"]["uid"])

    @cached_property
    def is_current(self) -> bool:
        """Whether the present Job fills the present claim with what belongs into it."""
        made_for = _annotations(self.job)
        content, uid = made_for.get(CONTENT), made_for.get(CLAIM_UID, "")
        return content == self.cache.content and uid == self.claim_uid

    @cached_property
    def filling(self) -> Filling | None:
        """What the cache holds, if it is what belongs into it and nobody has found it wanting."""
        filling = self._by_job or self._by_claim
        if filling is None or filling.at <= self.doubted_at:  # both are of whole seconds
            return None
        return filling

    @property
    def _by_job(self) -> Filling | None:
        if self.job is None or not self.is_current or not holds(self.job, "Complete"):
            return None
        reports = (report_of(pod) for pod in self.present_pods)
        told = next((each for each in reports if each is not None), None)
        report = (
            _annotations(self.claim).get(REPORT, "") if told is None else told.model_dump_json()
        )
        return Filling(self.cache.content, self.job["status"]["completionTime"], report)

    @property
    def _by_claim(self) -> Filling | None:
        told = _annotations(self.claim)
        if self.claim is None or told.get(CONTENT) != self.cache.content:
            return None
        return Filling(self.cache.content, told.get(FILLED_AT, ""), told.get(REPORT, ""))

    def _named(self, kind: str, name: str) -> JsonObject | None:
        found = (
            each
            for each in self.objects
            if (each["kind"], each["metadata"]["name"]) == (kind, name)
        )
        return next(found, None)


def holds(job: JsonObject, condition: str) -> bool:
    """Whether a Job has a condition."""
    return condition_time(job, condition) is not None


def condition_time(job: JsonObject, condition: str) -> str | None:
    """Since when a Job has a condition; None if it has not."""
    for each in job.get("status", {}).get("conditions", ()):
        if each["type"] == condition and each["status"] == "True":
            return str(each.get("lastTransitionTime", ""))
    return None


def attempt_of(job: JsonObject) -> int:
    """How often it was tried in a row when this Job was made."""
    told = _annotations(job).get(ATTEMPT, "1")
    return int(told) if told.isdecimal() else 1


def take_stock(shelf: Shelf) -> Stock:
    """The state of the model in the cache."""
    source = shelf.cache.place.source
    if shelf.filling is not None:
        report = _read(shelf.filling.report)
        return Stock("Ready", Reason.FETCHED, f"{source} is in the cache.", report)
    if shelf.problem is not None:
        return Stock("Failed", shelf.problem.reason, shelf.problem.message)
    if shelf.claim is not None and is_ending(shelf.claim):
        return _pending(
            f"PersistentVolumeClaim {shelf.cache.place.claim} is on its way out, and waits for the "
            "pods that mount it; then it is made anew"
        )
    if shelf.job is None or not shelf.is_current or is_ending(shelf.job):
        return _pending(f"the download of {source} has yet to begin")
    return _under_way(shelf, shelf.job)


def _under_way(shelf: Shelf, job: JsonObject) -> Stock:
    source, name = shelf.cache.place.source, job["metadata"]["name"]
    failure = first_failure(shelf.present_pods, [] if shelf.claim is None else [shelf.claim])
    if holds(job, "Failed") or (failure is not None and failure.exit_code is not None):
        return _failed(shelf, job, failure)
    if failure is not None:
        takes_its_time = failure.reason in _TAKES_ITS_TIME
        message = f"Pod {failure.pod}: {failure.message}"
        return Stock("Pending" if takes_its_time else "Failed", failure.reason, message)
    if any(_runs(pod) for pod in shelf.present_pods):
        message = f"{source} is downloaded into the cache."
        return Stock("Downloading", Reason.DOWNLOADING, message, progress=shelf.progress)
    if shelf.cache.suspended:
        return _pending(f"the download of {source} is suspended with the service")
    if shelf.present_pods:
        return _pending(f"the pod of Job {name} has yet to start")
    return _pending(f"Job {name} has no pod yet; if it gets none, kubectl describe says why")


def _failed(shelf: Shelf, job: JsonObject, failure: Failure | None) -> Stock:
    tries = attempt_of(job)
    again = "; it is tried again" if tries == 1 else f"; tried {tries} times, and again"
    if failure is not None:
        message = f"Pod {failure.pod}: {failure.message}{again}"
        return Stock("Failed", failure.reason, message, failure=failure)
    conditions: Iterable[JsonObject] = job.get("status", {}).get("conditions", ())
    told = next((each for each in conditions if each["type"] == "Failed"), {})
    known = BY_WORD.get(told.get("reason", ""))
    reason = Reason.DEADLINE_EXCEEDED if known is Reason.DEADLINE_EXCEEDED else Reason.FETCH_FAILED
    words = told.get("message", "it gave no reason")
    message = f"Job {job['metadata']['name']} of {shelf.cache.place.source}: {words}{again}"
    return Stock("Failed", reason, message)


def _read(report: str) -> FetchReport | None:
    try:
        return FetchReport.model_validate_json(report)
    except ValidationError:  # an image of another version told nothing
        return None


def _pending(message: str) -> Stock:
    return Stock("Pending", Reason.PENDING, f"{message}.")


def _runs(pod: JsonObject) -> bool:
    return any(
        each["name"] == FETCH_CONTAINER and not each.get("state", {}).get("waiting")
        for each in pod.get("status", {}).get("containerStatuses", ())
    )


def _age(pod: JsonObject) -> tuple[str, str]:
    return pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]


def _annotations(manifest: JsonObject | None) -> dict[str, str]:
    return {} if manifest is None else manifest["metadata"].get("annotations", {})


def running_pod(pods: Iterable[JsonObject]) -> JsonObject | None:
    """The pod that can be asked how far it is."""
    for pod in pods:
        for status in pod.get("status", {}).get("containerStatuses", ()):
            if status["name"] == FETCH_CONTAINER and "running" in status.get("state", {}):
                return pod if pod["status"].get("podIP") else None
    return None

"""Why a service's pods do not run: the first reason that a person should hear of. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from speaker_operator.kube.resources import CLAIM, DEPLOYMENT, POD, JsonObject
from speaker_operator.reasons import Reason
from speaker_operator.render.labels import TEMPLATE_HASH
from speaker_operator.render.names import FETCH_CONTAINER, RUNTIME_CONTAINER
from speaker_runtime.contract import ExitCode

_TEMPLATE_HASH: Final = "pod-template-hash"
_MESSAGE_LENGTH: Final = 1024

_IMAGE_REASONS: Final = frozenset(
    {Reason.IMAGE_PULL_BACK_OFF, Reason.INVALID_IMAGE_NAME, Reason.IMAGE_NEVER_PULLED}
)
_WAITING_REASONS: Final[Mapping[str, Reason]] = {
    "ErrImagePull": Reason.IMAGE_PULL_BACK_OFF,
    **{reason.value: reason for reason in _IMAGE_REASONS},
    "CreateContainerConfigError": Reason.CONTAINER_CONFIG_ERROR,
    "CreateContainerError": Reason.CONTAINER_CREATE_ERROR,
    "RunContainerError": Reason.CONTAINER_RUN_ERROR,
}
"""What a kubelet says of a container that cannot begin."""
_EXIT_REASONS: Final[Mapping[int, Reason]] = {
    ExitCode.INVALID_CONFIG: Reason.INVALID_CONFIG,
    ExitCode.MODEL_UNAVAILABLE: Reason.MODEL_UNAVAILABLE,
    ExitCode.MODEL_CORRUPT: Reason.MODEL_CORRUPT,
    ExitCode.NO_SPACE: Reason.NO_SPACE,
    ExitCode.LICENSE_NOT_ACCEPTED: Reason.LICENSE_NOT_ACCEPTED,
    ExitCode.LOGIN_REFUSED: Reason.LOGIN_REFUSED,
}
MODEL_REASONS: Final = frozenset(
    {
        Reason.MODEL_UNAVAILABLE,
        Reason.MODEL_CORRUPT,
        Reason.NO_SPACE,
        Reason.LICENSE_NOT_ACCEPTED,
        Reason.LOGIN_REFUSED,
    }
)
_MISSING_SECRET: Final = re.compile(r'secret "([^"]+)" not found')
"""What a kubelet says of a container whose environment names a Secret that is not there."""
_MISSING_CLAIM: Final = re.compile(r'persistentvolumeclaim "([^"]+)" not found')
"""What a scheduler says of a pod whose volume is on a claim that is not there."""


@dataclass(frozen=True)
class Failure:
    """What keeps one pod from serving."""

    reason: Reason
    message: str
    pod: str
    container: str | None = None
    exit_code: int | None = None
    time: str | None = None

    @property
    def concerns_model(self) -> bool:
        """Whether the model is what fails."""
        return self.container == FETCH_CONTAINER or self.reason in MODEL_REASONS

    @property
    def finds_model_wanting(self) -> bool:
        """Whether a pod that serves did not find in its cache what should be there."""
        wanting = self.exit_code in (ExitCode.MODEL_UNAVAILABLE, ExitCode.MODEL_CORRUPT)
        return self.container == RUNTIME_CONTAINER and wanting


def current_pods(objects: Iterable[JsonObject]) -> list[JsonObject]:
    """The pods of the present template that are not on their way out, by name.

    Until there is one, those that were made last, as far as their times tell (whole seconds).
    """
    objects = list(objects)
    pods = [
        each
        for each in objects
        if each["kind"] == POD.kind and "deletionTimestamp" not in each["metadata"]
    ]
    if not pods:
        return []
    templates = {
        _made_from(each["spec"]["template"]) for each in objects if each["kind"] == DEPLOYMENT.kind
    }
    present = [pod for pod in pods if _made_from(pod) in templates - {None}]
    if present:
        return sorted(present, key=lambda pod: str(pod["metadata"]["name"]))
    newest = max(pods, key=lambda pod: (pod["metadata"]["creationTimestamp"], _hash(pod)))
    return sorted(
        (pod for pod in pods if _hash(pod) == _hash(newest)),
        key=lambda pod: str(pod["metadata"]["name"]),
    )


def first_failure(pods: Iterable[JsonObject], claims: Iterable[JsonObject]) -> Failure | None:
    """The first thing that goes wrong, in the order in which pods come up."""
    unscheduled = [_scheduling_failure(pod, claims) for pod in pods]
    broken = [failure for pod in pods for failure in _container_failures(pod)]
    return next((failure for failure in (*unscheduled, *broken) if failure is not None), None)


def last_exit(pods: Iterable[JsonObject]) -> Failure | None:
    """The container that ended badly most recently, if any did."""
    ended = [
        failure for pod in pods for failure in _container_failures(pod) if failure.time is not None
    ]
    return max(ended, key=lambda failure: failure.time or "", default=None)


def _made_from(pod: JsonObject) -> str | None:
    """Digest of the template of a pod, or of a template."""
    digest: str | None = pod["metadata"].get("annotations", {}).get(TEMPLATE_HASH)
    return digest


def _hash(pod: JsonObject) -> str:
    return str(pod["metadata"].get("labels", {}).get(_TEMPLATE_HASH, ""))


def _scheduling_failure(pod: JsonObject, claims: Iterable[JsonObject]) -> Failure | None:
    for condition in pod.get("status", {}).get("conditions", ()):
        if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
            message = condition.get("message", "no node takes the pod")
            reason, cause = Reason.UNSCHEDULABLE, ""
            if CLAIM.kind in message:
                reason, cause = _claim_trouble(claims) or (reason, cause)
            elif _MISSING_CLAIM.search(message):
                reason = Reason.CLAIM_NOT_FOUND
            words = f"{message[:_MESSAGE_LENGTH]}{cause}"
            return Failure(reason, reason.told(words), pod["metadata"]["name"])
    return None


def _claim_trouble(claims: Iterable[JsonObject]) -> tuple[Reason, str] | None:
    """A pod that waits for a claim says only that; the claim knows better why."""
    for claim in claims:
        name, storage_class = claim["metadata"]["name"], claim["spec"].get("storageClassName")
        match claim.get("status", {}).get("phase"):
            case "Bound":
                continue
            case "Lost":
                return Reason.CACHE_LOST, f"; the volume of {CLAIM.kind} {name} is gone"
        if not storage_class:
            return Reason.NO_STORAGE_CLASS, (
                f"; {CLAIM.kind} {name} has no storage class, as the cluster has no default one"
            )
        waits = f"; {CLAIM.kind} {name} waits for storage class {storage_class}"
        return Reason.CACHE_PENDING, waits
    return None


def _container_failures(pod: JsonObject) -> list[Failure]:
    status = pod.get("status", {})
    containers = (
        *status.get("initContainerStatuses", ()),
        *status.get("containerStatuses", ()),
    )
    failures = (_container_failure(pod["metadata"]["name"], each) for each in containers)
    return [failure for failure in failures if failure is not None]


def _container_failure(pod: str, status: Mapping[str, Any]) -> Failure | None:
    name, state = status["name"], status.get("state", {})
    waiting = state.get("waiting", {})
    word = waiting.get("reason", "")
    if word in _WAITING_REASONS:
        reason, message = _WAITING_REASONS[word], waiting.get("message", "")
        missing = _MISSING_SECRET.search(message)
        if reason in _IMAGE_REASONS:
            message = f"image {status.get('image') or '(unknown)'}: {message}"
        elif missing is not None:
            reason = Reason.SECRET_NOT_FOUND
            message = f"there is no Secret {missing[1]} in the namespace"
        return Failure(reason, reason.told(message[:_MESSAGE_LENGTH]), pod, name)
    if status.get("ready"):
        return None
    ended = state.get("terminated") or status.get("lastState", {}).get("terminated") or {}
    if ended.get("exitCode", 0) == 0:
        return None
    return _exit_failure(pod, name, ended, waiting=word)


def _exit_failure(pod: str, name: str, ended: Mapping[str, Any], *, waiting: str) -> Failure:
    code = ended["exitCode"]
    again = waiting == Reason.CRASH_LOOP_BACK_OFF
    reason = _EXIT_REASONS.get(
        code, Reason.CRASH_LOOP_BACK_OFF if again else Reason.CONTAINER_FAILED
    )
    if ended.get("reason") == Reason.OOM_KILLED:
        reason = Reason.OOM_KILLED
    words = (ended.get("message") or "").strip()[-_MESSAGE_LENGTH:]
    message = f"container {name} ended with exit code {code}"
    message += f": {words}" if words else ""
    return Failure(reason, reason.told(message), pod, name, code, ended.get("finishedAt"))

"""How far a service's Deployment is, and why it does not get on. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.kube.resources import JsonObject
from speaker_operator.reasons import Reason


@dataclass(frozen=True)
class Rollout:
    """The numbers of a Deployment, as far as its controller has seen the present spec."""

    wanted: int
    """Pods that there should be, at least."""
    replicas: int = 0
    updated: int = 0
    ready: int = 0
    available: int = 0
    observed: bool = False
    """Whether the numbers are about the present spec."""
    autoscaled: bool = False
    idle: bool = False
    """Whether an autoscaler has taken all pods away, as it may."""
    overdue: bool = False
    refusal: tuple[Reason, str] | None = None
    """Reason and message, where pods cannot even be created."""

    @property
    def complete(self) -> bool:
        """Whether all pods run the present spec, and enough of them serve."""
        enough = self.available >= self.wanted
        fitting = self.replicas >= self.wanted if self.autoscaled else self.replicas == self.wanted
        return self.observed and enough and fitting and self.updated == self.replicas

    @property
    def progress(self) -> str:
        """How far it is, for people."""
        return (
            f"{min(self.updated, self.available)} of {max(self.wanted, self.replicas)} pods are "
            "up to date and available"
        )


def read_rollout(service: TTSService, deployment: JsonObject | None) -> Rollout:
    """Read the Deployment of a service."""
    wanted = service.least_replicas
    if deployment is None:
        return Rollout(wanted)
    autoscaled = service.autoscaling is not None
    if autoscaled and not wanted:
        wanted = min(1, deployment["spec"].get("replicas", 1))
    status = deployment.get("status", {})
    conditions = {each["type"]: each for each in status.get("conditions", ())}
    progressing = conditions.get("Progressing", {})
    return Rollout(
        wanted=wanted,
        replicas=status.get("replicas", 0),
        updated=status.get("updatedReplicas", 0),
        ready=status.get("readyReplicas", 0),
        available=status.get("availableReplicas", 0),
        observed=status.get("observedGeneration", 0) >= deployment["metadata"]["generation"],
        autoscaled=autoscaled,
        idle=autoscaled and not wanted,
        overdue=progressing.get("reason") == "ProgressDeadlineExceeded",
        refusal=_refusal(conditions.get("ReplicaFailure", {})),
    )


def blindness(autoscaler: JsonObject | None, scaled_object: JsonObject | None) -> str:
    """Why an autoscaler cannot tell how many pods there should be; empty if it can."""
    for condition in _conditions(scaled_object):
        if condition["type"] == "Ready" and condition["status"] == "False":
            return str(condition.get("message", condition.get("reason", "")))
    for condition in _conditions(autoscaler):
        blind = condition["status"] == "False" and condition["reason"].startswith("FailedGet")
        if condition["type"] == "ScalingActive" and blind:
            return str(condition.get("message", condition["reason"]))
    return ""


def _conditions(manifest: JsonObject | None) -> Iterable[Mapping[str, Any]]:
    return () if manifest is None else manifest.get("status", {}).get("conditions", ())


_REFUSALS = (
    ("exceeded quota", Reason.QUOTA_EXCEEDED),
    ("violates PodSecurity", Reason.POD_SECURITY_VIOLATION),
)


def _refusal(condition: Mapping[str, Any]) -> tuple[Reason, str] | None:
    if condition.get("status") != "True":
        return None
    message = condition.get("message", "")
    reasons: Iterable[Reason] = (reason for mark, reason in _REFUSALS if mark in message)
    return next(iter(reasons), Reason.FAILED_CREATE), message

"""Conditions in the shape of Kubernetes' own. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from speaker_operator.api.v1alpha1.status import Condition, ConditionStatus
from speaker_operator.reasons import Reason


@dataclass(frozen=True)
class Finding:
    """The state of one aspect, before it is known when it began."""

    type: str
    status: ConditionStatus
    reason: Reason
    message: str


def timestamp(now: datetime) -> str:
    """A time as Kubernetes writes it, in whole seconds."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def count(number: int, noun: str) -> str:
    """A number of things, in words that fit the number."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def conditions(
    findings: Iterable[Finding],
    previous: Iterable[Condition],
    *,
    generation: int,
    now: datetime,
) -> tuple[Condition, ...]:
    """Turn findings into conditions: every trouble comes with its remedy.

    The transition time moves only where the status changes.
    """
    before = {condition.type: condition for condition in previous}
    return tuple(
        Condition(
            type=finding.type,
            status=finding.status,
            observed_generation=generation,
            last_transition_time=_since(finding, before.get(finding.type), now),
            reason=finding.reason,
            message=finding.reason.told(finding.message),
        )
        for finding in findings
    )


def _since(finding: Finding, previous: Condition | None, now: datetime) -> str:
    if previous is not None and previous.status == finding.status:
        return previous.last_transition_time
    return timestamp(now)

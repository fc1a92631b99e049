"""An Event tells of a change of readiness, once."""

from datetime import UTC, datetime

import pytest

from speaker_operator.api.v1alpha1.status import Condition, ModelStatus, ServiceStatus
from speaker_operator.kube.resources import JsonObject
from speaker_operator.reconcile.events import events
from tests.unit.speaker_operator.factories import UID, service

NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)


def status(ready: str, reason: str, message: str = "because") -> ServiceStatus:
    fields = {
        "type": "Ready",
        "status": ready,
        "reason": reason,
        "message": message,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    return ServiceStatus(conditions=(Condition.model_validate(fields),))


def event(before: ServiceStatus, after: ServiceStatus) -> JsonObject | None:
    of = service().model_copy(update={"status": before})
    found = events(of, after, instance="pod-1", now=NOW)
    assert len(found) <= 1
    return found[0] if found else None


@pytest.mark.parametrize(
    ("ready", "reason", "severity"),
    [
        ("True", "Ready", "Normal"),
        ("False", "RollingOut", "Normal"),
        ("False", "ScaledToZero", "Normal"),
        ("False", "CrashLoopBackOff", "Warning"),
    ],
)
def test_a_change_is_told(ready: str, reason: str, severity: str) -> None:
    told = event(ServiceStatus(), status(ready, reason))
    assert told is not None
    assert (told["type"], told["reason"], told["note"]) == (severity, reason, "because")
    assert told["regarding"]["uid"] == UID
    assert told["eventTime"] == "2026-01-02T03:04:05.000678Z"


def test_another_reason_is_a_change() -> None:
    assert event(status("False", "RollingOut"), status("False", "CrashLoopBackOff"))


def test_other_words_for_the_same_are_none() -> None:
    before = status("False", "RollingOut", "0 of 2 pods")
    assert event(before, status("False", "RollingOut", "1 of 2 pods")) is None


def test_long_words_are_cut() -> None:
    told = event(ServiceStatus(), status("False", "NoSpace", "x" * 3000))
    assert told is not None
    assert len(told["note"]) == 1024


def downloaded(state: str, of_400: int | None = None) -> ServiceStatus:
    fields = {"source": "s3://models/a", "state": state, "bytes": of_400, "totalBytes": 400}
    return ServiceStatus(model=ModelStatus.model_validate(fields))


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (downloaded("Downloading", 99), downloaded("Downloading", 100), "Downloading"),
        (downloaded("Downloading", 100), downloaded("Downloading", 350), "Downloading"),
        (downloaded("Downloading", 100), downloaded("Downloading", 199), None),
        (downloaded("Downloading", 350), downloaded("Ready"), "Fetched"),
        (downloaded("Pending"), downloaded("Ready"), None),
    ],
    ids=["a quarter", "more than one", "less", "the end", "it was there"],
)
def test_a_download_is_told_of_in_quarters(
    before: ServiceStatus, after: ServiceStatus, reason: str | None
) -> None:
    told = event(before, after)
    assert (told and told["reason"]) == reason
    assert told is None or told["type"] == "Normal"

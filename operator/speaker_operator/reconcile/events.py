"""Kubernetes Events: what a person reads in ``kubectl describe``. Pure."""

from datetime import UTC, datetime

from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.api.v1alpha1.status import Condition, ModelStatus, ServiceStatus
from speaker_operator.explained import Standing
from speaker_operator.kube.client import FIELD_MANAGER
from speaker_operator.kube.resources import EVENT, JsonObject
from speaker_operator.reasons import BY_WORD, Reason

_NOTE_LENGTH = 1024
_QUARTERS = 4


def events(
    service: TTSService, status: ServiceStatus, *, instance: str, now: datetime
) -> list[JsonObject]:
    """The Events that tell of a new status; none where there is nothing new to tell.

    That is: readiness, or the reason for its lack, has changed; a download has come another quarter
    further, or has ended.
    """
    told = (_transition(service.status, status), _progress(service.status.model, status.model))
    return [
        _event(service, reason, note, instance=instance, now=now)
        for reason, note in (each for each in told if each is not None)
    ]


def _transition(old: ServiceStatus, new: ServiceStatus) -> tuple[str, str] | None:
    before, after = _ready(old), _ready(new)
    if after is None or (
        before is not None and (before.status, before.reason) == (after.status, after.reason)
    ):
        return None
    return after.reason, after.message


def _progress(old: ModelStatus | None, new: ModelStatus | None) -> tuple[str, str] | None:
    if old is None or new is None or old.state != "Downloading":
        return None
    if new.state == "Ready":
        return Reason.FETCHED, f"{new.source} is in the cache."
    quarter = _quarters(new)
    if new.state != "Downloading" or quarter <= _quarters(old):
        return None
    size = f"{new.bytes or 0} of {new.total_bytes or 0} bytes"
    return Reason.DOWNLOADING, f"{quarter * 25} % of {new.source} has come: {size}."


def _quarters(model: ModelStatus) -> int:
    return _QUARTERS * (model.bytes or 0) // model.total_bytes if model.total_bytes else 0


def _event(
    service: TTSService, reason: str, note: str, *, instance: str, now: datetime
) -> JsonObject:
    return {
        "apiVersion": EVENT.api_version,
        "kind": EVENT.kind,
        "metadata": {
            "namespace": service.metadata.namespace,
            "generateName": f"{service.metadata.name}-",
        },
        "eventTime": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": f"speaker-tts.dev/{FIELD_MANAGER}",
        "reportingInstance": instance[:128],
        "action": "Reconcile",
        "type": "Warning" if BY_WORD[reason].standing is Standing.WRONG else "Normal",
        "reason": reason,
        "note": note[:_NOTE_LENGTH],
        "regarding": {
            "apiVersion": service.definition.api_version,
            "kind": service.definition.kind,
            "namespace": service.metadata.namespace,
            "name": service.metadata.name,
            "uid": service.metadata.uid,
            "resourceVersion": service.metadata.resource_version,
        },
    }


def _ready(status: ServiceStatus) -> Condition | None:
    return next((each for each in status.conditions if each.type == "Ready"), None)

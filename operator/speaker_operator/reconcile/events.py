"""Kubernetes Events: what a person reads in ``kubectl describe``. Pure."""

from datetime import UTC, datetime

from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.api.v1alpha1.status import Condition, ServiceStatus
from speaker_operator.kube.client import FIELD_MANAGER
from speaker_operator.kube.resources import EVENT, JsonObject
from speaker_operator.reasons import BY_WORD, Standing

_NOTE_LENGTH = 1024


def transition_event(
    service: TTSService, status: ServiceStatus, *, instance: str, now: datetime
) -> JsonObject | None:
    """An Event where readiness, or the reason for its lack, has changed; None where it has not."""
    before, after = _ready(service.status), _ready(status)
    if after is None or (
        before is not None and (before.status, before.reason) == (after.status, after.reason)
    ):
        return None
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
        "type": "Warning" if BY_WORD[after.reason].standing is Standing.WRONG else "Normal",
        "reason": after.reason,
        "note": after.message[:_NOTE_LENGTH],
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

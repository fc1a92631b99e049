"""Statuses as the operator writes them, and what others are to make of them."""

from dataclasses import dataclass
from typing import Any

from speaker_operator.api.v1alpha1 import TTSService, Voice
from speaker_operator.api.v1alpha1.status import UNSEEN_STATUS, ServiceStatus, VoiceStatus
from speaker_operator.reasons import Reason
from speaker_operator.reconcile.plan import Problem
from speaker_operator.reconcile.status import unreadable_status
from speaker_operator.reconcile.voices import VoiceState, voice_status
from speaker_operator.render.gpu import Devices
from tests.unit.speaker_operator.factories import service, voice
from tests.unit.speaker_operator.reconcile.cluster_state import (
    children,
    crash_looping,
    deployment_numbers,
    pod,
    rolled_out,
    waiting,
    with_status,
)
from tests.unit.speaker_operator.reconcile.statuses import NOW, failing, serving, status

Json = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """An object, and what it should look like to others."""

    spoken_of: TTSService | Voice
    status: ServiceStatus | VoiceStatus | None
    argo: str
    flux: str
    generation: int | None = None

    @property
    def manifest(self) -> Json:
        metadata = self.spoken_of.metadata
        written = UNSEEN_STATUS["default"]
        if self.status is not None:
            written = self.status.model_dump(mode="json", by_alias=True, exclude_none=True)
        return {
            "apiVersion": self.spoken_of.definition.api_version,
            "kind": self.spoken_of.definition.kind,
            "metadata": {
                "name": metadata.name,
                "generation": self.generation or metadata.generation,
            },
            "status": written,
        }


def voice_case(argo: str, flux: str, *states: VoiceState) -> Case:
    return Case(voice(), voice_status(voice(), states, NOW), argo, flux)


def suspended() -> ServiceStatus:
    of = service(suspend=True, replicas=3)
    return status(of, rolled_out(children(of), 0))


def updating(failure: Json | None) -> ServiceStatus:
    """A service of two pods, of which one still runs the spec before."""
    of = service(replicas=2)
    numbers = {**deployment_numbers(2), "updatedReplicas": 1, "availableReplicas": 1}
    live = [with_status(each, **numbers) for each in children(of)]
    return status(of, [*live, pod(of, "new", runtime=failure)])


HELLO = service()
FORBIDDEN = Problem(Reason.FORBIDDEN, "PersistentVolumeClaim hello-model: no")
ON_CPU = Devices("cpu", "NoGPU", "no node offers 1 nvidia.com/gpu")
CASES = {
    "not seen yet": Case(HELLO, None, "Progressing", "InProgress"),
    "just made": Case(HELLO, status(HELLO, children(HELLO)), "Progressing", "InProgress"),
    "fetching": Case(
        HELLO,
        status(HELLO, failing(HELLO, fetch={"state": {"running": {}}})),
        "Progressing",
        "InProgress",
    ),
    "serving": Case(HELLO, status(HELLO, serving(HELLO)), "Healthy", "Current"),
    "serving on the CPU": Case(
        HELLO, status(HELLO, serving(HELLO), on=ON_CPU), "Healthy", "Current"
    ),
    "changed since": Case(
        HELLO, status(HELLO, serving(HELLO)), "Progressing", "InProgress", generation=4
    ),
    "updating": Case(service(replicas=2), updating(None), "Progressing", "InProgress"),
    "updating to what fails": Case(
        service(replicas=2), updating(crash_looping(1, "boom")), "Degraded", "InProgress"
    ),
    "an image that is not there": Case(
        HELLO,
        status(HELLO, failing(HELLO, fetch=waiting("ErrImagePull", "no such host"))),
        "Degraded",
        "InProgress",
    ),
    "a child that cannot be made": Case(
        HELLO, status(HELLO, serving(HELLO), problems=[FORBIDDEN]), "Degraded", "InProgress"
    ),
    "a voice that cannot be served": Case(
        HELLO,
        status(HELLO, serving(HELLO), voices=[voice(preset="lung")]),
        "Degraded",
        "InProgress",
    ),
    "unreadable": Case(
        HELLO,
        unreadable_status(ServiceStatus(), "spec.new: unknown", generation=3, now=NOW),
        "Degraded",
        "InProgress",
    ),
    "suspended": Case(service(suspend=True), suspended(), "Suspended", "InProgress"),
    "scaled to zero": Case(
        service(replicas=0),
        status(service(replicas=0), rolled_out(children(service(replicas=0)), 0)),
        "Suspended",
        "InProgress",
    ),
    "a voice not seen yet": Case(voice(), None, "Progressing", "InProgress"),
    "a voice that is served": voice_case(
        "Healthy", "Current", VoiceState("hello", 1, "Ready", Reason.SERVED)
    ),
    "a voice on its way": voice_case(
        "Progressing",
        "InProgress",
        VoiceState("hello", 1, "Pending", Reason.ROLLING_OUT, "no pod serves yet"),
    ),
    "a voice that fails": voice_case(
        "Degraded",
        "InProgress",
        VoiceState("hello", 1, "Failed", Reason.PRESET_UNKNOWN, "no such preset"),
    ),
    "a voice that nobody selects": voice_case("Suspended", "InProgress"),
}

"""What the operator reports about services and voices."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field
from pydantic.config import JsonDict

from speaker_operator.api.v1alpha1.cel import Schema
from speaker_operator.api.v1alpha1.common import Model

Time = Annotated[str, Schema({"format": "date-time"})]
ConditionStatus = Literal["True", "False", "Unknown"]

UNSEEN: Final = -1
"""``observedGeneration`` of an object that the operator has not seen yet.

The schema's default: without it, whoever waits for an object would take a missing status for a
good one (Flux and everything else that follows kstatus).
"""
UNSEEN_STATUS: Final[JsonDict] = {"default": {"observedGeneration": UNSEEN}}

ObservedGeneration: Final[Any] = Field(
    default=None,
    ge=UNSEEN,
    description="metadata.generation that this status was computed for; -1 until the operator has "
    "seen the object.",
)


class Condition(Model):
    """One aspect of an object's state, in the shape of Kubernetes' own conditions."""

    type: str = Field(max_length=316, description="Aspect that the condition is about.")
    status: ConditionStatus = Field(description="Whether the aspect holds: True, False or Unknown.")
    observed_generation: int | None = Field(
        default=None, ge=0, description="metadata.generation that the condition was computed for."
    )
    last_transition_time: Time = Field(description="When status last changed.")
    reason: str = Field(
        min_length=1, max_length=1024, description="Why, as one CamelCase word for programs."
    )
    message: str = Field(max_length=32768, description="Why, as a sentence for people.")


Conditions = Annotated[
    tuple[Condition, ...],
    Schema({"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}),
]


class ModelStatus(Model):
    """Where the service's model is on its way to the cache."""

    source: str = Field(description="Address of the model that is served.")
    state: Literal["Pending", "Downloading", "Ready", "Failed"] = Field(
        description="Pending before the download starts, Downloading while it lasts, then Ready or "
        "Failed."
    )
    claim: str | None = Field(
        default=None,
        description="Name of the PersistentVolumeClaim that keeps the model; absent where it ends "
        "with the pod.",
    )
    message: str | None = Field(default=None, description="What stands in the way, if anything.")
    digest: str | None = Field(
        default=None, description="Digest of the model that was fetched, as its source pins it."
    )
    bytes: int | None = Field(
        default=None,
        ge=0,
        description="Bytes of the model that was fetched; while it is downloaded, how many have "
        "come of the part that is on its way.",
    )
    total_bytes: int | None = Field(
        default=None, ge=0, description="Of how many bytes, while the model is downloaded."
    )


class FailedVoice(Model):
    """A voice that cannot be served as declared."""

    name: str = Field(description="Name of the Voice.")
    reason: str = Field(description="Why, as one CamelCase word for programs.")
    message: str = Field(description="Why, and what to change, as a sentence for people.")


class VoicesStatus(Model):
    """How the selected voices fare."""

    total: int = Field(ge=0, description="Voices that the service selects.")
    ready: int = Field(ge=0, description="Voices that requests can ask every pod for now.")
    failed: tuple[FailedVoice, ...] = Field(
        default_factory=tuple,
        description="Voices that cannot be served as declared, the first 32 by name.",
    )


class FailureRecord(Model):
    """The last time that a container of the service ended badly."""

    reason: str = Field(description="Why, as one CamelCase word for programs.")
    message: str = Field(description="The container's last words.")
    exit_code: int | None = Field(default=None, description="Exit code of the process.")
    time: Time | None = Field(default=None, description="When the container ended.")
    pod: str = Field(description="Name of the pod.")


class RouteStatus(Model):
    """One server behind a gateway."""

    name: str = Field(description="Name under which requests ask for it.")
    url: str | None = Field(default=None, description="Where it is.")
    state: Literal["Ready", "Pending", "Unreachable", "Unknown"] = Field(
        description="Ready when every pod of the gateway can hand requests on to it, Pending "
        "before they have said so, Unreachable when one cannot, Unknown where there is nothing of "
        "that name to hand them on to."
    )
    message: str | None = Field(default=None, description="Why it is not Ready, and what to do.")


class RoutesStatus(Model):
    """What is behind a gateway."""

    total: int = Field(ge=0, description="Servers behind it.")
    ready: int = Field(ge=0, description="Servers that requests are handed on to now.")
    routes: Annotated[
        tuple[RouteStatus, ...],
        Schema({"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}),
    ] = Field(default_factory=tuple, description="Each of them, the first 64.")


class ServiceStatus(Model):
    """What the operator observed about a TTSService."""

    observed_generation: int | None = ObservedGeneration
    replicas: int = Field(default=0, ge=0, description="Pods that exist.")
    ready_replicas: int = Field(default=0, ge=0, description="Pods that serve requests.")
    selector: str | None = Field(
        default=None, description="Label selector of the service's pods, for the scale subresource."
    )
    url: str | None = Field(
        default=None, description="Where the service is reached from inside the cluster."
    )
    model: ModelStatus | None = Field(default=None, description="State of the service's model.")
    voices: VoicesStatus | None = Field(default=None, description="How the selected voices fare.")
    gateway: RoutesStatus | None = Field(
        default=None, description="What is behind it, of a service of backend gateway."
    )
    last_failure: FailureRecord | None = Field(
        default=None, description="The last time that a container of the service ended badly."
    )
    conditions: Conditions = Field(
        default_factory=tuple,
        description="ModelReady, VoicesReady, Available, Progressing and Ready; RoutesReady in "
        "place of the first two for a gateway. Ready is True when the whole spec is in effect; a "
        "gateway's is while it can hand requests on to anybody.",
    )


class VoiceServiceStatus(Model):
    """How a voice fares in one service."""

    name: str = Field(description="Name of the TTSService.")
    state: Literal["Ready", "Pending", "Failed"] = Field(
        description="Ready when requests can ask every pod for the voice, Pending until then, "
        "Failed when it cannot be served as declared."
    )
    reason: str | None = Field(default=None, description="Why it is not Ready, in one word.")
    message: str | None = Field(default=None, description="The same in words, and what to do.")


class VoiceStatus(Model):
    """What the operator observed about a Voice."""

    observed_generation: int | None = ObservedGeneration
    services: Annotated[
        tuple[VoiceServiceStatus, ...],
        Schema({"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}),
    ] = Field(
        default_factory=tuple,
        description="The services of the namespace that select the voice, the first 64 by name.",
    )
    service_count: int = Field(
        default=0, ge=0, description="Services of the namespace that select the voice."
    )
    conditions: Conditions = Field(
        default_factory=tuple,
        description="Accepted: every service that selects the voice can serve it as declared. "
        "Ready: every one of them does.",
    )

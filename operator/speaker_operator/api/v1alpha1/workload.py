"""The pods of a speech service: how many, and how large."""

from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field

from speaker_operator.api.v1alpha1.cel import Check, Rule, object_rules, required
from speaker_operator.api.v1alpha1.common import Duration, Model, Quantity

MAX_REPLICAS: Final = 100


class AutoscalingSpec(Model):
    """How the number of pods follows the load."""

    model_config = ConfigDict(
        json_schema_extra=object_rules(
            Rule(
                "!has(self.maxReplicas) || !has(self.minReplicas) || "
                "self.minReplicas <= self.maxReplicas",
                "minReplicas is larger than maxReplicas: lower minReplicas or raise maxReplicas",
                ".minReplicas",
            ),
        )
    )

    min_replicas: int = Field(
        default=1, ge=1, le=MAX_REPLICAS, description="Fewest pods, even when nobody speaks."
    )
    max_replicas: int = Field(
        ge=1,
        le=MAX_REPLICAS,
        description="Most pods, however high the load. Required.",
        json_schema_extra=required(
            "maxReplicas is missing: write the most pods that the load may bring up, for example "
            "maxReplicas: 4"
        ),
    )
    target_queued_seconds: int | None = Field(
        default=None,
        ge=1,
        le=86_400,
        description="Seconds of speech that may wait for each pod on average; more of it brings "
        "more pods. 10 for a service with gpu unless given. It takes a metrics adapter that serves "
        "the pods' tts_queued_audio_seconds as custom metric.",
    )
    target_cpu_utilization: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        alias="targetCPUUtilization",
        description="CPU use to aim for, averaged over the pods, in percent of their CPU request. "
        "70 for a service without gpu unless targetQueuedSeconds is given.",
    )
    scale_down_delay: Annotated[
        Duration,
        Check(
            "!self.matches('^([0-9]+h)?([0-9]+m)?([0-9]+s)?$') || size(self) == 0 || "
            "duration(self) <= duration('1h')",
            "must be at most 1h: write for example 5m",
        ),
    ] = Field(
        default="5m",
        description="How long the load must have been lower before pods are taken away, from 0s to "
        "1h.",
    )


class RolloutSpec(Model):
    """How pods are replaced when the spec changes."""

    strategy: Literal["auto", "surge", "inPlace", "recreate"] = Field(
        default="auto",
        description="surge starts a new pod before it stops an old one, and needs room for both. "
        "inPlace stops an old one first, one at a time, and needs no room. recreate stops all "
        "first. auto is inPlace for a service with GPUs, so that no update waits for a GPU that "
        "there is not; recreate for a cache of accessMode ReadWriteOncePod; and surge otherwise.",
    )


class DisruptionBudgetSpec(Model):
    """How many pods may be taken away at once when nodes are drained."""

    enabled: bool = Field(
        default=True,
        description="Whether a service of at least two pods has a PodDisruptionBudget. Turn it off "
        "to have one of your own: two of them over one pod keep its node from being drained.",
    )
    max_unavailable: int = Field(
        default=1, ge=1, le=MAX_REPLICAS, description="Pods that may be taken away at once."
    )


class ResourceAmounts(Model):
    """Amounts of CPU and memory."""

    cpu: Quantity | None = Field(
        default=None, description="CPU cores, for example 500m (half a core) or 2."
    )
    memory: Quantity | None = Field(default=None, description="Memory, for example 512Mi or 1Gi.")


def _request_within_limit(resource: str) -> Rule:
    values = [f"self.{amounts}.{resource}" for amounts in ("requests", "limits")]
    known = " && ".join(
        ["has(self.requests)", "has(self.limits)"]
        + [f"has({value})" for value in values]
        + [f"isQuantity(string({value}))" for value in values]
    )
    request, limit = (f"quantity(string({value}))" for value in values)
    return Rule(
        f"!({known}) || {request}.compareTo({limit}) <= 0",
        f"requests.{resource} is larger than limits.{resource}: lower requests.{resource} or raise "
        f"limits.{resource}",
        f".requests.{resource}",
    )


class ResourcesSpec(Model):
    """What each pod asks the node for."""

    model_config = ConfigDict(
        json_schema_extra=object_rules(
            _request_within_limit("cpu"), _request_within_limit("memory")
        )
    )

    requests: ResourceAmounts | None = Field(
        default=None,
        description="What is set aside for each pod; the backend's default unless given.",
    )
    limits: ResourceAmounts | None = Field(
        default=None,
        description="The most that each pod may use; the backend's default unless given.",
    )

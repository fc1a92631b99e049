"""The pods of a speech service: how many, and how large."""

from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field

from speaker_operator.api.v1alpha1.cel import Rule, object_rules, required
from speaker_operator.api.v1alpha1.common import Duration, Model, Quantity, lasting
from speaker_operator.api.v1alpha1.keda import KedaSpec

MAX_REPLICAS: Final = 100

_KEDA: Final = "(has(self.engine) && self.engine == 'keda')"
_SERVER: Final = "(has(self.keda) && has(self.keda.serverAddress))"
_TRIGGERS: Final = "(has(self.keda) && has(self.keda.triggers) && self.keda.triggers.size() > 0)"
_WAITING: Final = "(has(self.keda) && has(self.keda.waitingQuery))"


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
            Rule(
                f"!has(self.minReplicas) || self.minReplicas > 0 || {_KEDA}",
                "minReplicas 0 needs engine: keda, as a HorizontalPodAutoscaler keeps at least one "
                "pod: write minReplicas: 1, or engine: keda",
                ".minReplicas",
            ),
            Rule(
                f"!has(self.minReplicas) || self.minReplicas > 0 || !{_KEDA} || {_WAITING} || "
                f"{_TRIGGERS}",
                "minReplicas 0 leaves no pod that could tell of a request, so that nothing would "
                "wake the service: write keda.waitingQuery (what waits in front of it) or "
                "keda.triggers (cron for example), or minReplicas: 1",
                ".minReplicas",
            ),
            Rule(
                f"!has(self.keda) || {_KEDA}",
                "keda is read with engine: keda only: write engine: keda, or remove keda",
                ".keda",
                "FieldValueForbidden",
            ),
            Rule(
                f"!{_KEDA} || {_SERVER} || {_TRIGGERS} || has(self.targetCPUUtilization)",
                "engine keda has nothing to measure the load by: write keda.serverAddress (where "
                "Prometheus is), targetCPUUtilization, or keda.triggers",
                ".keda",
            ),
            Rule(
                f"!{_KEDA} || {_SERVER} || !has(self.targetQueuedSeconds)",
                "targetQueuedSeconds is read from Prometheus with engine keda: write where it is, "
                "for example keda: {serverAddress: http://prometheus.monitoring:9090}",
                ".targetQueuedSeconds",
            ),
        )
    )

    engine: Literal["hpa", "keda"] = Field(
        default="hpa",
        description="Who scales: hpa is a HorizontalPodAutoscaler. keda is a ScaledObject, which "
        "takes KEDA in the cluster; it reads Prometheus without a metrics adapter, and can take "
        "all pods away.",
    )
    min_replicas: int = Field(
        default=1,
        ge=0,
        le=MAX_REPLICAS,
        description="Fewest pods, even when nobody speaks. 0 with engine keda only.",
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
        "more pods. 10 for a service with gpu, or with keda.serverAddress, unless given. With "
        "engine hpa it takes a metrics adapter that serves the pods' tts_queued_audio_seconds as "
        "custom metric.",
    )
    target_cpu_utilization: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        alias="targetCPUUtilization",
        description="CPU use to aim for, averaged over the pods, in percent of their CPU request. "
        "70 with engine hpa for a service without gpu unless targetQueuedSeconds is given.",
    )
    scale_down_delay: Annotated[Duration, lasting(at_most="1h", example="5m")] = Field(
        default="5m",
        description="How long the load must have been lower before pods are taken away, the last "
        "one included, from 0s to 1h.",
    )
    keda: KedaSpec | None = Field(
        default=None, description="Where KEDA reads the load; with engine keda only."
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

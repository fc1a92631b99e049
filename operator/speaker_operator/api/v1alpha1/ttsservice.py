"""TTSService: a speech service, from its model to its address."""

from typing import Annotated, ClassVar, Final, Literal

from pydantic import ConfigDict, Field, StringConstraints

from speaker_operator.api.v1alpha1.backends import BACKENDS, Backend
from speaker_operator.api.v1alpha1.cel import Check, Rule, Schema, object_rules, required
from speaker_operator.api.v1alpha1.common import (
    Duration,
    Labels,
    LabelSelector,
    LabelValue,
    Metadata,
    Model,
    ObjectName,
    Quantity,
)
from speaker_operator.api.v1alpha1.definition import (
    AGE,
    READY,
    Column,
    Definition,
    Scale,
    condition_columns,
)
from speaker_operator.api.v1alpha1.status import ServiceStatus

MAX_REPLICAS: Final = 100
MAX_NAME: Final = 52
"""Longest name of a TTSService: the names of its children, which append to it, stay within 63."""

BackendName = Annotated[str, Schema({"enum": sorted(BACKENDS)})]

ModelSource = Annotated[
    str,
    StringConstraints(max_length=2048),
    Check(
        "self.matches('^package://[a-z0-9]([a-z0-9._-]*[a-z0-9])?$')",
        "must be an address of the form package://NAME, a Python package in the runtime's image "
        "that carries the model: write package://hibari-tts, or leave model out for the backend's "
        "own",
    ),
]

ImageReference = Annotated[
    str,
    StringConstraints(max_length=512),
    Check(
        "self.matches('^[A-Za-z0-9][A-Za-z0-9._:/@-]*$')",
        "must be an image reference: write for example registry.example.com/speech/runtime:1.0",
    ),
]

VoiceName = Annotated[
    str,
    StringConstraints(max_length=63),
    Check(
        "self.matches('^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$')",
        "must be the name of a selected Voice or of one of the backend's presets, for example "
        "heart",
    ),
]


class ModelSpec(Model):
    """Which model the backend loads."""

    source: ModelSource | None = Field(
        default=None,
        description="Address of the model: package://NAME is a Python package in the runtime's "
        "image. The backend's own model unless given.",
    )


_CLAIM_FIELDS: Final = ("size", "storageClassName", "accessMode", "retain")


class CacheSpec(Model):
    """A volume that keeps the model, so that a new pod need not fetch it again."""

    model_config = ConfigDict(
        json_schema_extra=object_rules(
            Rule(
                "!has(self.existingClaim) || !("
                + " || ".join(f"has(self.{field})" for field in _CLAIM_FIELDS)
                + ")",
                "existingClaim brings its own volume: remove size, storageClassName, accessMode "
                "and retain, or remove existingClaim",
                ".existingClaim",
                "FieldValueForbidden",
            ),
            Rule(
                "!has(self.size) || !has(oldSelf.size) || !isQuantity(string(self.size)) || "
                "quantity(string(self.size)).compareTo(quantity(string(oldSelf.size))) >= 0",
                "size can only grow, volumes do not shrink: write at least the old size, or remove "
                "cache and add it again later with the new one",
                ".size",
            ),
        )
    )

    size: Quantity | None = Field(
        default=None,
        description="Size of the volume, 1Gi unless given. It can grow later, if its storage class "
        "allows it.",
    )
    storage_class_name: ObjectName | None = Field(
        default=None,
        description="Storage class of the volume; the cluster's default class unless given.",
    )
    access_mode: Literal["ReadWriteOnce", "ReadWriteMany"] | None = Field(
        default=None,
        description="ReadWriteOnce (unless given) keeps all pods of the service on one node; "
        "ReadWriteMany lets them spread, where the storage class offers it.",
    )
    retain: bool | None = Field(
        default=None,
        description="Whether the volume outlives the TTSService, so that one of the same name "
        "finds it again. True unless given.",
    )
    existing_claim: ObjectName | None = Field(
        default=None,
        description="Name of a PersistentVolumeClaim of the namespace to use instead of an own "
        "one. The operator never changes or deletes it.",
    )


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
    target_cpu_utilization: int = Field(
        default=70,
        ge=1,
        le=1000,
        alias="targetCPUUtilization",
        description="CPU use to aim for, averaged over the pods, in percent of their CPU request.",
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


class Toleration(Model):
    """A taint of nodes that the pods put up with."""

    model_config = ConfigDict(
        json_schema_extra=object_rules(
            Rule(
                "!has(self.value) || self.operator != 'Exists'",
                "value does not go with operator Exists: remove value, or write operator: Equal",
                ".value",
            ),
            Rule(
                "has(self.key) || self.operator == 'Exists'",
                "key is missing: name the taint, or write operator: Exists to tolerate all taints",
                ".key",
                "FieldValueRequired",
            ),
            Rule(
                "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
                "tolerationSeconds goes with effect NoExecute: write effect: NoExecute, or remove "
                "tolerationSeconds",
                ".tolerationSeconds",
            ),
        )
    )

    key: (
        Annotated[
            str,
            StringConstraints(max_length=317),
            Check(
                "self.matches("
                "'^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$')",
                "must be a taint's key: write for example dedicated or example.com/dedicated",
            ),
        ]
        | None
    ) = Field(default=None, description="Key of the taint; all taints where operator is Exists.")
    operator: Literal["Exists", "Equal"] = Field(
        default="Equal", description="Whether the taint's value matters (Equal) or not (Exists)."
    )
    value: LabelValue | None = Field(
        default=None, description="Value of the taint, for operator Equal."
    )
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        default=None, description="Effect of the taint; every effect unless given."
    )
    toleration_seconds: int | None = Field(
        default=None,
        ge=0,
        le=2**31 - 1,
        description="For NoExecute: seconds that a pod stays on a node after the taint appears.",
    )


class PlacementSpec(Model):
    """On which nodes the pods run."""

    node_selector: Labels = Field(
        default_factory=dict, description="Labels that a node must have, with these values."
    )
    tolerations: tuple[Toleration, ...] = Field(
        default_factory=tuple,
        max_length=16,
        description="Taints of nodes that the pods put up with.",
    )
    priority_class_name: ObjectName | None = Field(
        default=None, description="Priority class of the pods."
    )


class VoicesSpec(Model):
    """Who speaks."""

    selector: LabelSelector = Field(
        default_factory=LabelSelector,
        description="Which Voices of the namespace the service offers; all unless given.",
    )
    default: VoiceName | None = Field(
        default=None,
        description="Voice or preset that answers for OpenAI's voice names that no Voice claims; "
        "the first Voice by name unless given, else the backend's first preset.",
    )


class ServingSpec(Model):
    """Limits of each pod."""

    max_input_characters: int = Field(
        default=4096, ge=1, le=1_000_000, description="Longest text accepted in one request."
    )
    max_queue_seconds: int = Field(
        default=60,
        ge=1,
        le=86_400,
        description="Seconds of speech, estimated from the text, that may wait in a pod; requests "
        "beyond are answered with 503 and when to try again.",
    )
    drain_seconds: int = Field(
        default=30,
        ge=0,
        le=3600,
        description="Seconds that running responses may take to finish when a pod stops.",
    )


class ExposeSpec(Model):
    """Where the service is reached."""

    port: int = Field(
        default=80, ge=1, le=65_535, description="Port of the Kubernetes Service, for HTTP."
    )


class TTSServiceSpec(Model):
    """A speech service as it should be."""

    model_config = ConfigDict(
        json_schema_extra=object_rules(
            Rule(
                "!has(self.replicas) || !has(self.autoscaling)",
                "replicas and autoscaling exclude each other: remove replicas to let the load "
                "decide, or remove autoscaling for a fixed number",
                ".replicas",
                "FieldValueForbidden",
            ),
            Rule(
                "!has(self.autoscaling) || !has(self.resources) || !has(self.resources.requests) "
                "|| has(self.resources.requests.cpu)",
                "resources.requests.cpu is missing, and autoscaling measures CPU use against it: "
                "write for example cpu: 500m, or leave requests out for the backend's default",
                ".resources.requests",
            ),
        )
    )

    backend: BackendName = Field(
        description="Speech engine. Required. hibari is a small neural voice that needs no GPU and "
        "no download.",
        json_schema_extra=required(
            "backend is missing: name the speech engine, for example backend: hibari"
        ),
    )
    model: ModelSpec = Field(
        default_factory=ModelSpec,
        description="Which model the backend loads; its own unless given.",
    )
    cache: CacheSpec | None = Field(
        default=None,
        description="A volume that keeps the model, so that a new pod need not fetch it again. "
        "Without it each pod fetches the model into a volume that ends with the pod.",
    )
    replicas: int | None = Field(
        default=None,
        ge=0,
        le=MAX_REPLICAS,
        description="Fixed number of pods, 1 unless given; 0 stops the service and keeps the rest. "
        "Not together with autoscaling.",
    )
    autoscaling: AutoscalingSpec | None = Field(
        default=None,
        description="Lets the number of pods follow the CPU use. Not together with replicas.",
    )
    resources: ResourcesSpec = Field(
        default_factory=ResourcesSpec, description="What each pod asks the node for."
    )
    placement: PlacementSpec = Field(
        default_factory=PlacementSpec, description="On which nodes the pods run."
    )
    voices: VoicesSpec = Field(default_factory=VoicesSpec, description="Who speaks.")
    serving: ServingSpec = Field(default_factory=ServingSpec, description="Limits of each pod.")
    expose: ExposeSpec = Field(
        default_factory=ExposeSpec, description="Where the service is reached."
    )
    image: ImageReference | None = Field(
        default=None,
        description="Runtime image to run instead of the one that the operator knows for the "
        "backend.",
    )


class TTSService(Model):
    """A speech service: one model behind one address, spoken to over an OpenAI-compatible API."""

    definition: ClassVar[Definition] = Definition(
        kind="TTSService",
        plural="ttsservices",
        singular="ttsservice",
        short_names=("tts",),
        columns=(
            READY,
            Column("Backend", ".spec.backend", "Speech engine."),
            Column(
                "Voices", ".status.voices.ready", "Voices that requests can ask for.", "integer"
            ),
            Column("Serving", ".status.readyReplicas", "Pods that serve requests.", "integer"),
            Column("Replicas", ".status.replicas", "Pods that exist.", "integer"),
            Column("URL", ".status.url", "Address inside the cluster.", wide=True),
            *condition_columns(),
            AGE,
        ),
        scale=Scale(".spec.replicas", ".status.replicas", ".status.selector"),
    )

    model_config = ConfigDict(
        json_schema_extra=object_rules(
            Rule(
                "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$') && "
                f"self.metadata.name.size() <= {MAX_NAME}",
                "metadata.name becomes the name of a Kubernetes Service: use up to "
                f"{MAX_NAME} lower-case letters, digits and '-', starting with a letter and ending "
                "with a letter or digit",
            ),
        )
    )

    metadata: Metadata
    spec: TTSServiceSpec = Field(
        description="The speech service as it should be. Required.",
        json_schema_extra=required("spec is missing: write at least spec: {backend: hibari}"),
    )
    status: ServiceStatus = Field(
        default_factory=ServiceStatus,
        description="What the operator observed; never written by hand.",
    )

    @property
    def backend(self) -> Backend:
        """The backend that the spec names; ``KeyError`` if this version knows none of that name."""
        return BACKENDS[self.spec.backend]

    @property
    def model_source(self) -> str:
        """Address of the model that is served."""
        return self.spec.model.source or self.backend.model_source

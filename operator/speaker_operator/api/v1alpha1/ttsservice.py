"""TTSService: a speech service, from its model to its address."""

from typing import Annotated, ClassVar, Final

from pydantic import ConfigDict, Field, StringConstraints

from speaker_operator.api.v1alpha1.backendrules import (
    clone_rules,
    gpu_rules,
    guest_rules,
    license_rules,
    precision_rules,
)
from speaker_operator.api.v1alpha1.backends import BACKENDS, Backend
from speaker_operator.api.v1alpha1.cel import Check, Rule, Schema, object_rules, required
from speaker_operator.api.v1alpha1.common import (
    Metadata,
    Model,
)
from speaker_operator.api.v1alpha1.custom import CustomSpec
from speaker_operator.api.v1alpha1.definition import (
    AGE,
    READY,
    Column,
    Definition,
    Scale,
    condition_columns,
)
from speaker_operator.api.v1alpha1.expose import ExposeSpec
from speaker_operator.api.v1alpha1.gateway import GatewaySpec
from speaker_operator.api.v1alpha1.gpu import GpuSpec
from speaker_operator.api.v1alpha1.model import CacheSpec, ModelSpec
from speaker_operator.api.v1alpha1.network import NetworkPolicySpec
from speaker_operator.api.v1alpha1.placement import PlacementSpec
from speaker_operator.api.v1alpha1.podtemplate import PodTemplate
from speaker_operator.api.v1alpha1.serving import ServingSpec, VoicesSpec
from speaker_operator.api.v1alpha1.status import UNSEEN_STATUS, ServiceStatus
from speaker_operator.api.v1alpha1.workload import (
    MAX_REPLICAS,
    AutoscalingSpec,
    DisruptionBudgetSpec,
    ResourcesSpec,
    RolloutSpec,
)

MAX_NAME: Final = 52
"""Longest name of a TTSService: the names of its children, which append to it, stay within 63."""

BackendName = Annotated[str, Schema({"enum": sorted(BACKENDS)})]

ImageReference = Annotated[
    str,
    StringConstraints(max_length=512),
    Check(
        "self.matches('^[A-Za-z0-9][A-Za-z0-9._:/@-]*$')",
        "must be an image reference: write for example registry.example.com/speech/runtime:1.0",
    ),
]

_SINGLE: Final = (
    "(has(self.cache) && has(self.cache.accessMode) && self.cache.accessMode == 'ReadWriteOncePod')"
)
"""Whether a service can have one pod only."""


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
                "!has(self.autoscaling) || (!has(self.autoscaling.targetCPUUtilization) && "
                "(has(self.autoscaling.targetQueuedSeconds) || has(self.gpu) || "
                "(has(self.autoscaling.engine) && self.autoscaling.engine == 'keda'))) || "
                "!has(self.resources) || !has(self.resources.requests) || "
                "has(self.resources.requests.cpu)",
                "resources.requests.cpu is missing, and autoscaling measures CPU use against it: "
                "write for example cpu: 500m, or leave requests out for the backend's default",
                ".resources.requests",
            ),
            Rule(
                f"!{_SINGLE} || ((!has(self.replicas) || self.replicas <= 1) && "
                "(!has(self.autoscaling) || !has(self.autoscaling.maxReplicas) || "
                "self.autoscaling.maxReplicas <= 1))",
                "cache.accessMode ReadWriteOncePod allows a single pod: write ReadWriteOnce, or "
                "ReadWriteMany for pods on several nodes, or replicas: 1",
                ".cache.accessMode",
            ),
            Rule(
                f"!{_SINGLE} || !has(self.rollout) || self.rollout.strategy != 'surge'",
                "rollout.strategy surge needs two pods at once, and cache.accessMode "
                "ReadWriteOncePod allows one: write strategy: auto, or accessMode: ReadWriteOnce",
                ".rollout.strategy",
            ),
            *license_rules(BACKENDS.values()),
            *gpu_rules(BACKENDS.values()),
            *clone_rules(BACKENDS.values()),
            *precision_rules(BACKENDS.values()),
            *guest_rules(),
        )
    )

    backend: BackendName = Field(
        description="Speech engine. Required. hibari is a small neural voice that needs no GPU and "
        "no download; kokoro has 28 English voices, needs no GPU, and downloads its model. xtts "
        "speaks 17 languages, sounds like recordings (Voices with a reference), and wants a GPU "
        "for many listeners; its model's licence has to be accepted. glm-tts speaks Chinese, "
        "English and both mixed, sounds like recordings with their transcripts and has no other "
        "voices, and wants a GPU. gateway speaks with none: it is one address for other services. "
        "custom runs an image of your own.",
        json_schema_extra=required(
            "backend is missing: name the speech engine, for example backend: hibari"
        ),
    )
    gateway: GatewaySpec | None = Field(
        default=None,
        description="What is behind a service of backend gateway; every TTSService of the "
        "namespace unless given.",
    )
    custom: CustomSpec | None = Field(
        default=None,
        description="What is to be known of the image of a service of backend custom.",
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
        description="Lets the number of pods follow the load: the speech that waits for a service "
        "with gpu, the CPU use otherwise. Not together with replicas.",
    )
    resources: ResourcesSpec = Field(
        default_factory=ResourcesSpec, description="What each pod asks the node for."
    )
    gpu: GpuSpec | None = Field(
        default=None, description="The GPUs of each pod; none unless given."
    )
    placement: PlacementSpec = Field(
        default_factory=PlacementSpec, description="On which nodes the pods run."
    )
    rollout: RolloutSpec = Field(
        default_factory=RolloutSpec, description="How pods are replaced when the spec changes."
    )
    disruption_budget: DisruptionBudgetSpec = Field(
        default_factory=DisruptionBudgetSpec,
        description="How many pods may be taken away at once when nodes are drained.",
    )
    suspend: bool = Field(
        default=False,
        description="Whether the service stands still: no pods, and no autoscaler that would bring "
        "any; its address, cache and configuration stay.",
    )
    voices: VoicesSpec = Field(default_factory=VoicesSpec, description="Who speaks.")
    serving: ServingSpec = Field(default_factory=ServingSpec, description="Limits of each pod.")
    expose: ExposeSpec = Field(
        default_factory=ExposeSpec, description="Where the service is reached."
    )
    network_policy: NetworkPolicySpec = Field(
        default_factory=NetworkPolicySpec,
        description="Who may talk to the pods, and with whom they may talk.",
    )
    image: ImageReference | None = Field(
        default=None,
        description="Runtime image to run instead of the one that the operator knows for the "
        "backend. Of backend custom, the image of the speech server; required there.",
    )
    pod_template: PodTemplate | None = Field(
        default=None,
        description="The last word over the pods: whatever the spec has no field of its own for.",
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
            Column("Model", ".status.model.state", "Where the model is on its way.", wide=True),
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
        json_schema_extra=UNSEEN_STATUS,
    )

    @property
    def backend(self) -> Backend:
        """The backend that the spec names; ``KeyError`` if this version knows none of that name."""
        return BACKENDS[self.spec.backend]

    @property
    def model_source(self) -> str:
        """Address of the model that is served; empty where there is none."""
        return self.spec.model.source or self.backend.model_source

    @property
    def model_identity(self) -> str:
        """What services have to have in common to share a model's files."""
        source = self.model_source
        return f"{source} {self.backend.name}" if self.backend.converts else source

    @property
    def has_model(self) -> bool:
        """Whether its pods are given a model."""
        return bool(self.model_source)

    @property
    def is_configured(self) -> bool:
        """Whether something in its pods reads our configuration."""
        return self.has_model or self.backend.runs != "custom"

    @property
    def gateway(self) -> GatewaySpec | None:
        """What is behind it, if it is a gateway."""
        if self.backend.runs != "gateway":
            return None
        return self.spec.gateway or GatewaySpec()

    @property
    def custom(self) -> CustomSpec | None:
        """What is to be known of its image, if that is somebody else's server."""
        if self.backend.runs != "custom":
            return None
        return self.spec.custom or CustomSpec()

    @property
    def autoscaling(self) -> AutoscalingSpec | None:
        """What scales the service now, if anything does."""
        return None if self.spec.suspend else self.spec.autoscaling

    @property
    def least_replicas(self) -> int:
        """Fewest pods that there should be now."""
        if self.spec.suspend:
            return 0
        if self.spec.autoscaling is not None:
            return self.spec.autoscaling.min_replicas
        return 1 if self.spec.replicas is None else self.spec.replicas

"""The resources that the operator reads and writes, and where the API server keeps them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from speaker_operator.api.v1alpha1 import TTSService, Voice

JsonObject = dict[str, Any]
JsonPatch = list[JsonObject]
"""Operations of RFC 6902."""


class Key(NamedTuple):
    """Which object of a kind."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True)
class Resource:
    """A resource of the API server."""

    api_version: str
    kind: str
    plural: str

    @property
    def group(self) -> str:
        """API group; empty for the core group."""
        return self.api_version.rpartition("/")[0]

    @property
    def version(self) -> str:
        """Version within the group."""
        return self.api_version.rpartition("/")[2]

    def path(self, namespace: str | None = None, name: str = "", subresource: str = "") -> str:
        """Path of one object, or of all objects of a namespace or of the cluster."""
        root = f"/apis/{self.api_version}" if self.group else f"/api/{self.api_version}"
        parts = [root, f"namespaces/{namespace}" if namespace else "", self.plural]
        return "/".join(part for part in (*parts, name, subresource) if part)


TTS_SERVICE: Final = Resource(
    TTSService.definition.api_version, TTSService.definition.kind, TTSService.definition.plural
)
VOICE: Final = Resource(
    Voice.definition.api_version, Voice.definition.kind, Voice.definition.plural
)
DEPLOYMENT: Final = Resource("apps/v1", "Deployment", "deployments")
SERVICE: Final = Resource("v1", "Service", "services")
CONFIG_MAP: Final = Resource("v1", "ConfigMap", "configmaps")
CLAIM: Final = Resource("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
JOB: Final = Resource("batch/v1", "Job", "jobs")
AUTOSCALER: Final = Resource(
    "autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"
)
SCALED_OBJECT: Final = Resource("keda.sh/v1alpha1", "ScaledObject", "scaledobjects")
BUDGET: Final = Resource("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets")
INGRESS: Final = Resource("networking.k8s.io/v1", "Ingress", "ingresses")
HTTP_ROUTE: Final = Resource("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes")
NETWORK_POLICY: Final = Resource("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies")
POD: Final = Resource("v1", "Pod", "pods")
NODE: Final = Resource("v1", "Node", "nodes")
SECRET: Final = Resource("v1", "Secret", "secrets")
LEASE: Final = Resource("coordination.k8s.io/v1", "Lease", "leases")
EVENT: Final = Resource("events.k8s.io/v1", "Event", "events")

DECLARED: Final = (TTS_SERVICE, VOICE)
"""What people declare."""
CHILDREN: Final = (
    CONFIG_MAP,
    CLAIM,
    SERVICE,
    INGRESS,
    NETWORK_POLICY,
    DEPLOYMENT,
    BUDGET,
    AUTOSCALER,
)
"""What the operator makes for a service."""
SHARED: Final = (JOB,)
"""What it makes, beside claims, for a model cache that several services may share."""
OPTIONAL: Final = (SCALED_OBJECT, HTTP_ROUTE)
"""What it makes for services where the cluster has the kind, which may come and go."""
MADE: Final = (*CHILDREN, *SHARED, POD)
"""What comes of it, at all times and in any cluster."""
WATCHED: Final = (*DECLARED, *MADE)
"""What the operator observes at all times."""

_BY_KIND: Final = {
    resource.kind: resource for resource in (*WATCHED, *OPTIONAL, SECRET, LEASE, EVENT)
}


def resource_of(manifest: Mapping[str, Any]) -> Resource:
    """The resource that a manifest belongs to; ``KeyError`` for a kind that the operator lacks."""
    return _BY_KIND[manifest["kind"]]


def key_of(manifest: Mapping[str, Any]) -> Key:
    """The key of a manifest."""
    metadata = manifest["metadata"]
    return Key(manifest["kind"], metadata["namespace"], metadata["name"])

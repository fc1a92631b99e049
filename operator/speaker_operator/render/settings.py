"""What is the same for all services: how the operator was set up, and which nodes there are."""

from dataclasses import dataclass, field

from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.render.environment import FetchEnvironment
from speaker_operator.render.gpu import Node
from speaker_operator.render.images import ImageSettings
from speaker_operator.render.references import Sources


@dataclass(frozen=True)
class RenderSettings:
    """What rendering needs to know beside the service and its voices."""

    images: ImageSettings
    fetch: FetchEnvironment = field(default_factory=FetchEnvironment)
    operator_namespace: str | None = None
    """Where the operator's own pods are, if it runs in any."""
    public_key: str | None = None
    """By which pods know that changed voices come from the operator; None if they never do."""
    allow_private_addresses: bool = False
    """Whether pods may fetch reference audio from within private networks."""
    sources: Sources = field(default_factory=dict)
    """What was found in the Secrets and ConfigMaps with the reference audio of voices."""
    nodes: tuple[Node, ...] | None = None
    """The cluster's nodes, where a service depends on them; None where they are unknown."""
    services: tuple[TTSService, ...] = ()
    """Of a gateway, the services of its namespace that it may be in front of; of a service whose
    network policy lists who may come, the gateways of its namespace."""

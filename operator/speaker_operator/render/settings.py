"""What is the same for all services: how the operator was set up."""

from dataclasses import dataclass, field

from speaker_operator.render.environment import FetchEnvironment
from speaker_operator.render.images import ImageSettings


@dataclass(frozen=True)
class RenderSettings:
    """What rendering needs to know beside the service and its voices."""

    images: ImageSettings
    fetch: FetchEnvironment = field(default_factory=FetchEnvironment)

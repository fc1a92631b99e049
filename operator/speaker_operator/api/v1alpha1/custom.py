"""A custom backend: the user's own image of an OpenAI-compatible speech server."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from speaker_operator.api.v1alpha1.cel import Check
from speaker_operator.api.v1alpha1.common import Model
from speaker_operator.api.v1alpha1.gateway import ModelName, SpeakerName
from speaker_operator.api.v1alpha1.podtemplate import EnvironmentVariable

HttpPath = Annotated[
    str,
    StringConstraints(max_length=256),
    Check(
        "self.matches('^/[A-Za-z0-9._~/-]*$')",
        "must be a path that begins with '/': write for example /health",
    ),
]

MountPath = Annotated[
    str,
    StringConstraints(max_length=256),
    Check(
        "self.matches('^(/[A-Za-z0-9._-]+)+$') && "
        "!(self in ['/tmp', '/etc', '/usr', '/bin', '/lib', '/proc', '/sys', '/dev'])",
        "must be an absolute path to a folder of its own: write for example /models",
    ),
]

Argument = Annotated[str, StringConstraints(max_length=1024)]


class CustomSpec(Model):
    """What the operator has to know of somebody else's speech server."""

    port: int = Field(
        default=8000, ge=1024, le=65_535, description="Port that the server listens on."
    )
    api_path: HttpPath = Field(
        default="/v1",
        description="Where OpenAI's API begins on the server; a gateway asks it there.",
    )
    ready_path: HttpPath = Field(
        default="/health",
        description="Path that answers 200 while the server can speak; the pod is ready as long.",
    )
    live_path: HttpPath | None = Field(
        default=None,
        description="Path that answers 200 while the server need not be started again; an open "
        "port is enough unless given.",
    )
    startup_path: HttpPath | None = Field(
        default=None,
        description="Path that answers 200 once the server has begun, which is given ten minutes; "
        "that of ready unless given.",
    )
    metrics_path: HttpPath | None = Field(
        default=None,
        description="Path of metrics for Prometheus. The pods are annotated with it "
        "(prometheus.io/scrape, path and port).",
    )
    model_path: MountPath = Field(
        default="/models",
        description="Where the model that model.source names is mounted, in a folder that the "
        "variable SPEAKER_TTS_MODEL names; read-only.",
    )
    command: Annotated[tuple[Argument, ...], Field(max_length=64)] = Field(
        default=(), description="Command of the container; the image's own unless given."
    )
    args: Annotated[tuple[Argument, ...], Field(max_length=64)] = Field(
        default=(), description="Arguments of the container; the image's own unless given."
    )
    env: Annotated[tuple[EnvironmentVariable, ...], Field(max_length=64)] = Field(
        default=(), description="Environment of the container, in Kubernetes' own form."
    )
    models: Annotated[tuple[ModelName, ...], Field(max_length=32)] = Field(
        default=(),
        description="Models that requests can name; a gateway asks the server unless given.",
    )
    voices: Annotated[tuple[SpeakerName, ...], Field(max_length=128)] = Field(
        default=(),
        description="Voices that requests can name; a gateway asks the server unless given. Voice "
        "objects do not apply to somebody else's server.",
    )

    def environment(self) -> list[dict[str, Any]]:
        """The environment as Kubernetes writes it."""
        return [
            each.model_dump(mode="json", by_alias=True, exclude_unset=True) for each in self.env
        ]

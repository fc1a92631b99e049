"""``routes.json``, and the ``config.json`` of a gateway: whom requests are handed on to."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from speaker_runtime.contract.config import VoiceSyncConfig
from speaker_runtime.contract.document import Document, Manifest, Named
from speaker_runtime.contract.limits import (
    DRAIN_SECONDS,
    INPUT_CHARACTERS,
    DrainSeconds,
    InputCharacters,
)
from speaker_runtime.contract.places import ROUTE_SYNC_PATH, ROUTES_FILE


class Upstream(Named):
    """A server that a gateway hands requests on to."""

    name: str = Field(
        min_length=1,
        max_length=63,
        description="Under which requests may ask for it as their `model`.",
    )
    url: str = Field(
        max_length=2048,
        pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$",
        description="Where its API begins. Of a `speaker` it is the root of the server, of an "
        "`openai` the address that OpenAI's clients call base_url. Requests cannot change it, and "
        "redirects are not followed.",
    )
    kind: Literal["speaker", "openai"] = Field(
        default="speaker",
        description="`speaker` is this project's runtime, `openai` any server of OpenAI's speech "
        "API.",
    )
    ready_path: str | None = Field(
        default=None,
        max_length=1024,
        pattern=r"^/[^\s]*$",
        description="Path on the server's host that answers 200 while it serves; an `openai` "
        "without it is asked for its models.",
    )
    models: tuple[str, ...] = Field(
        default=(), description="Models that it has; what it lists itself, unless given."
    )
    voices: tuple[str, ...] = Field(
        default=(), description="Voices that it has; what it lists itself, unless given."
    )
    key_file: Path | None = Field(
        default=None, description="File with the API key that it is sent; none unless given."
    )


class RouteManifest(Manifest):
    """All servers behind a gateway."""

    file: ClassVar[str] = ROUTES_FILE
    sync_path: ClassVar[str] = ROUTE_SYNC_PATH

    upstreams: tuple[Upstream, ...] = ()

    @property
    def parts(self) -> tuple[Upstream, ...]:
        """The servers."""
        return self.upstreams


class GatewayConfig(Document):
    """Everything one process of a gateway needs to know, apart from its routes."""

    version: Literal["v1"] = "v1"
    service: str = Field(
        min_length=1, max_length=253, description="Name of the TTSService that is served."
    )
    backend: Literal["gateway"] = "gateway"
    max_input_characters: InputCharacters = Field(
        default=INPUT_CHARACTERS,
        description="Longest text that is handed on; bodies that are larger than any such text "
        "are refused.",
    )
    drain_seconds: DrainSeconds = Field(
        default=DRAIN_SECONDS,
        description="After SIGTERM, how long running answers may take to finish.",
    )
    answer_seconds: int = Field(
        default=120,
        ge=1,
        le=3600,
        description="How long a server may take to begin an answer, or to go on with one.",
    )
    route_sync: VoiceSyncConfig | None = Field(
        default=None,
        description="Who may change the routes of the running process; nobody unless given.",
    )

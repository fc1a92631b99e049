"""The operator's settings: environment variables that begin with ``SPEAKER_``."""

import json
import os
import re
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX: Final = "SPEAKER_"

_SERVICE_LINK: Final = re.compile(r"_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_[A-Z]+(_\w+)?)$")


class InvalidSettingsError(ValueError):
    """The environment holds settings that cannot be used; the message says which, and why."""


VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
VariableValue = Annotated[str, StringConstraints(min_length=1)]


class ObjectReference(BaseModel):
    """A Secret or ConfigMap of the namespace that a pod runs in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=253)
    optional: bool | None = None


class EnvironmentSource(BaseModel):
    """An entry of a container's ``envFrom``, as Kubernetes writes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prefix: VariableName | None = None
    secret_ref: ObjectReference | None = Field(default=None, alias="secretRef")
    config_map_ref: ObjectReference | None = Field(default=None, alias="configMapRef")

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.secret_ref is None) is (self.config_map_ref is None):
            raise ValueError("must have secretRef or configMapRef, and not both")
        return self

    def to_manifest(self) -> dict[str, Any]:
        """Write the entry as Kubernetes does."""
        return self.model_dump(by_alias=True, exclude_none=True)


class Settings(BaseSettings):
    """Everything that can be set from outside; every field is read once, at the start."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    runtime_image: str = Field(
        description="Image of the runtime, in which {engine} stands for the backend's engine, for "
        "example registry.example.com/speaker-tts-runtime:{engine}-0.1.0. Required.",
    )
    runtime_pull_policy: Literal["Always", "IfNotPresent", "Never"] = Field(
        default="IfNotPresent", description="Image pull policy of the services' pods."
    )
    runtime_pull_secrets: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Pull secrets of each service's namespace for its pods, separated by commas.",
    )
    model_fetch_env: Annotated[dict[VariableName, VariableValue], NoDecode] = Field(
        default_factory=dict,
        description="Environment of the containers that fetch models, as a JSON object: registries "
        "(PIP_INDEX_URL, NPM_CONFIG_REGISTRY), mirrors (HF_ENDPOINT), the way out (HTTPS_PROXY).",
    )
    model_fetch_env_from: Annotated[tuple[EnvironmentSource, ...], NoDecode] = Field(
        default=(),
        description="Secrets and ConfigMaps of each service's namespace that the containers which "
        "fetch models take further environment from, as a JSON list in the form of envFrom.",
    )
    model_fetch_retry_seconds: float = Field(
        default=10.0,
        gt=0,
        le=600,
        description="How soon a failed download of a model is tried again; the time doubles with "
        "every failure in a row, up to ten minutes, and up to one minute where a Secret is part of "
        "it.",
    )
    watch_secrets: bool = Field(
        default=False,
        description="Whether the metadata of Secrets with the credentials of failed downloads is "
        "watched, so that these are tried again at once when such a Secret changes. The operator's "
        "role has to allow it.",
    )
    voice_private_addresses: bool = Field(
        default=False,
        description="Whether pods may fetch the reference audio of voices from addresses that are "
        "not public, such as those of the cluster.",
    )
    namespaces: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Namespaces to watch, separated by commas; empty for the whole cluster.",
    )
    own_namespace: str | None = Field(
        default=None,
        min_length=1,
        max_length=63,
        description="Namespace of the operator's own pods: it keeps its key there (in `default` "
        "unless given), and network policies of services let its pods in, so that they can tell "
        "running pods of changed voices.",
    )
    lease_name: str = Field(
        default="speaker-tts-operator",
        min_length=1,
        max_length=253,
        description="Lease in the operator's own namespace by which its replicas agree on the one "
        "that works; another installation in that namespace needs another name.",
    )
    lease_seconds: int = Field(
        default=10,
        ge=3,
        le=300,
        description="How long a replica that is not heard of goes on being the leader: after so "
        "many seconds another takes over.",
    )
    concurrency: int = Field(
        default=16, ge=1, le=64, description="How many objects are reconciled at once."
    )
    http_host: str = Field(
        default="0.0.0.0",  # noqa: S104 - the kubelet and Prometheus come from other addresses
        description="Address that serves /healthz, /readyz and /metrics.",
    )
    http_port: int = Field(
        default=8080,
        ge=0,
        le=65_535,
        description="Port that serves /healthz, /readyz and /metrics; 0 picks a free one.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe messages to log."
    )
    log_format: Literal["json", "text"] = Field(
        default="json", description="One JSON object per line, or text for people."
    )
    api_requests_per_second: float = Field(
        default=1000.0,
        gt=0,
        description="Ceiling of requests to the API server, sustained. It stops a runaway; how "
        "much of the API server the operator may take, is for its priority and fairness to say.",
    )
    api_request_burst: int = Field(
        default=1000, ge=1, description="Ceiling of requests to the API server, at once."
    )
    api_timeout_seconds: float = Field(
        default=15.0, gt=0, le=120, description="Longest wait for an answer of the API server."
    )
    resync_seconds: float = Field(
        default=3600.0,
        ge=1,
        description="How often everything is compared with what the API server holds, in case a "
        "watch missed something.",
    )
    node_check_seconds: float = Field(
        default=30.0,
        ge=1,
        description="How often the cluster's nodes are looked at while a service with "
        "spec.gpu.fallbackToCPU depends on them.",
    )
    kind_check_seconds: float = Field(
        default=30.0,
        ge=1,
        description="How often the kinds of others (KEDA's ScaledObjects, the Gateway API's "
        "HTTPRoutes) are looked for while a service needs them and the cluster lacks them.",
    )

    @field_validator("namespaces", "runtime_pull_secrets", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(name.strip() for name in value.split(",") if name.strip())
        return value

    @field_validator("model_fetch_env", "model_fetch_env_from", mode="before")
    @classmethod
    def _parse(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError as error:
            raise ValueError(f"must be JSON ({error})") from error

    @field_validator("runtime_image")
    @classmethod
    def _has_engine(cls, value: str) -> str:
        try:
            filled = value.format(engine="cpu")
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError("only {engine} can be filled in") from error
        if filled == value:
            raise ValueError("must contain {engine}, which stands for the backend's engine")
        return value


def load() -> Settings:
    """Read the settings of this process; raises :class:`InvalidSettingsError`."""
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    unknown = sorted(
        name
        for name, value in os.environ.items()
        if name.startswith(PREFIX) and name not in known and not _is_service_link(name, value)
    )
    if unknown:
        raise InvalidSettingsError(
            f"{', '.join(unknown)}: no such setting; known are {', '.join(sorted(known))}"
        )
    try:
        return Settings()
    except ValidationError as error:
        faults = "; ".join(
            f"{PREFIX}{'.'.join((str(first).upper(), *map(str, rest)))}: {fault['msg']}"
            for fault in error.errors()
            for first, *rest in (fault["loc"],)
        )
        raise InvalidSettingsError(faults) from error


def _is_service_link(name: str, value: str) -> bool:
    """Whether the kubelet set the variable, for a Service whose name happens to begin like ours."""
    return _SERVICE_LINK.search(name) is not None or (name.endswith("_PORT") and "://" in value)

"""A gateway: which speech services, and which other servers, are behind one address."""

from typing import Annotated, Final

from pydantic import ConfigDict, Field, StringConstraints

from speaker_operator.api.v1alpha1.audiocache import SecretKey
from speaker_operator.api.v1alpha1.cel import Check, Rule, object_rules, required
from speaker_operator.api.v1alpha1.common import (
    Duration,
    LabelSelector,
    Model,
    ObjectName,
    lasting,
)

MOST_SERVERS: Final = 16
MOST_NAMES: Final = 64

ModelName = Annotated[str, StringConstraints(min_length=1, max_length=253)]
SpeakerName = Annotated[str, StringConstraints(min_length=1, max_length=253)]

RouteName = Annotated[
    str,
    StringConstraints(max_length=52),
    Check(
        "self.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
        "must be up to 52 lower-case letters, digits and '-', starting with a letter and ending "
        "with a letter or digit: requests ask for the server by it, for example openai",
    ),
]

ServerURL = Annotated[
    str,
    StringConstraints(max_length=512),
    Check(
        "self.matches('^https?://[A-Za-z0-9._-]+(:[0-9]+)?(/[A-Za-z0-9._~/-]*)?$')",
        "must be the address that OpenAI's clients call base_url, without a password and a query: "
        "write for example https://api.openai.com/v1",
    ),
]


class ApiKeyRef(Model):
    """One entry of a Secret in the namespace of the gateway."""

    name: ObjectName = Field(
        description="Name of the Secret.",
        json_schema_extra=required("name is missing: name the Secret, for example name: openai"),
    )
    key: SecretKey = Field(default="api-key", description="Key in the Secret.")


class ServerSpec(Model):
    """A server of OpenAI's speech API, wherever it is."""

    name: RouteName = Field(
        description="Under which requests can ask for it as their model.",
        json_schema_extra=required("name is missing: name the server, for example name: openai"),
    )
    url: ServerURL = Field(
        description="Where its API begins, as OpenAI's clients want it in base_url. Redirects are "
        "not followed.",
        json_schema_extra=required(
            "url is missing: write for example url: https://api.openai.com/v1"
        ),
    )
    api_key_secret: ApiKeyRef | None = Field(
        default=None,
        description="Where the API key stands that it is sent; none unless given. What clients "
        "send to the gateway is never sent on to it.",
    )
    models: Annotated[tuple[ModelName, ...], Field(max_length=32)] = Field(
        default=(), description="Models that it speaks with; those that it lists, unless given."
    )
    voices: Annotated[tuple[SpeakerName, ...], Field(max_length=128)] = Field(
        default=(),
        description="Voices that it has; those that it lists, unless given. One that lists none is "
        "taken to have any.",
    )


class ServicesSpec(Model):
    """TTSServices of the gateway's namespace."""

    selector: LabelSelector | None = Field(
        default=None,
        description="Labels of those that are behind the gateway; all, unless selector or names "
        "is given. Gateways are never behind one another.",
    )
    names: Annotated[tuple[ObjectName, ...], Field(max_length=MOST_NAMES)] = Field(
        default=(), description="Names of those that are behind it, beside the selected ones."
    )


class GatewaySpec(Model):
    """What is behind a gateway."""

    model_config = ConfigDict(
        json_schema_extra=object_rules(
            Rule(
                "!has(self.servers) || self.servers.all(each, "
                "self.servers.exists_one(other, other.name == each.name))",
                "two servers have the same name: rename one of them",
                ".servers",
            ),
        )
    )

    services: ServicesSpec = Field(
        default_factory=ServicesSpec,
        description="Which TTSServices of the namespace are behind it.",
    )
    servers: Annotated[tuple[ServerSpec, ...], Field(max_length=MOST_SERVERS)] = Field(
        default=(), description="Other servers behind it, by their addresses."
    )
    answer_timeout: Annotated[Duration, lasting(at_least="1s", at_most="1h", example="2m")] = Field(
        default="2m",
        description="How long a server may take to begin an answer, before another one is asked, "
        "and to go on with one, before it is cut off.",
    )

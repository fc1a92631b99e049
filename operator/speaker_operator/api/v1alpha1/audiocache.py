"""The cache of spoken audio: on each pod's disk, and shared by all pods."""

from typing import Annotated, Final

from pydantic import Field, StringConstraints

from speaker_operator.api.v1alpha1.cel import Check, Schema, required
from speaker_operator.api.v1alpha1.common import Model, ObjectName

_LEAST: Final = "16Mi"

CacheSize = Annotated[
    str | int,
    Schema(
        {
            "x-kubernetes-int-or-string": True,
            "anyOf": [{"type": "integer"}, {"type": "string"}],
        }
    ),
    Check(
        "isQuantity(string(self)) && (quantity(string(self)).compareTo(quantity('0')) == 0 || "
        f"quantity(string(self)).compareTo(quantity('{_LEAST}')) >= 0)",
        f"must be a quantity of at least {_LEAST}, or 0 to keep nothing on disk: write for example "
        "256Mi",
    ),
]

SecretKey = Annotated[
    str,
    StringConstraints(max_length=253),
    Check(
        "self.matches('^[-._a-zA-Z0-9]+$')",
        "must be a key of a Secret: letters, digits, '-', '_' and '.', for example url",
    ),
]


class SecretKeyRef(Model):
    """One entry of a Secret in the namespace of the service."""

    name: ObjectName = Field(
        description="Name of the Secret.",
        json_schema_extra=required("name is missing: name the Secret, for example name: redis"),
    )
    key: SecretKey = Field(default="url", description="Key in the Secret.")


class RedisSpec(Model):
    """A Redis or Valkey server."""

    secret_key_ref: SecretKeyRef = Field(
        description="Where the server's address stands: redis://, or rediss:// with TLS, for "
        "example redis://:PASSWORD@redis.speech:6379/0. Pods that run read it when they start.",
        json_schema_extra=required(
            "secretKeyRef is missing: name the Secret that holds the server's address, for example "
            "secretKeyRef: {name: redis, key: url}"
        ),
    )


class AudioCacheSpec(Model):
    """Audio that was spoken once, kept for the next request that asks for the same."""

    size: CacheSize = Field(
        default="256Mi",
        description="Most audio that each pod keeps on its node's disk, in a volume that ends with "
        "the pod; what was not asked for longest goes first. 0 keeps nothing there.",
    )
    redis: RedisSpec | None = Field(
        default=None,
        description="A server with which all pods share what they keep; it may serve several "
        "services. While it is out of reach, speech goes on without it.",
    )

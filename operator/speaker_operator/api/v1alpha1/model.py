"""The model of a speech service, and the volume that keeps it."""

from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, StringConstraints

from speaker_operator.api.v1alpha1.cel import Check, Rule, object_rules
from speaker_operator.api.v1alpha1.common import Model, ObjectName, Quantity

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

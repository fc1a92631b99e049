"""What the kinds share: the base model, metadata, names, quantities, selectors."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from speaker_operator.api.v1alpha1.cel import Check, Rule, Schema, object_rules

GROUP: Final = "speaker-tts.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"


class Model(BaseModel):
    """A frozen value with camelCase keys.

    Fields that a model does not know are ignored: the cluster may hold objects of a newer schema.
    :mod:`speaker_operator.api.admission` is where unknown fields are refused.
    """

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )


class Metadata(Model):
    """The part of an object's metadata that the operator reads."""

    name: str
    namespace: str = "default"
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)


Quantity = Annotated[
    str | int,
    Schema(
        {
            "x-kubernetes-int-or-string": True,
            "anyOf": [{"type": "integer"}, {"type": "string"}],
        }
    ),
    Check(
        "isQuantity(string(self)) && quantity(string(self)).isGreaterThan(quantity('0'))",
        "must be a positive quantity: write for example 500m or 2 for CPU, 512Mi or 1Gi for memory "
        "and storage",
    ),
]
"""A Kubernetes quantity, as people write it: a string with a suffix, or a whole number."""

_IS_DURATION: Final = "self.matches('^([0-9]+h)?([0-9]+m)?([0-9]+s)?$')"

Duration = Annotated[
    str,
    StringConstraints(max_length=16),
    Check(
        f"{_IS_DURATION} && size(self) > 0",
        "must be a duration of hours, minutes and seconds: write for example 300s, 5m or 1h",
    ),
]


def lasting(*, at_most: str, example: str, at_least: str | None = None) -> Check:
    """A further check of a :data:`Duration`; what is none is refused as such, and by that alone."""
    bounds, told = f"duration(self) <= duration('{at_most}')", f"at most {at_most}"
    if at_least is not None:
        bounds = f"(duration(self) >= duration('{at_least}') && {bounds})"
        told = f"from {at_least} to {at_most}"
    return Check(
        f"!{_IS_DURATION} || size(self) == 0 || {bounds}",
        f"must be {told}: write for example {example}",
    )


ObjectName = Annotated[
    str,
    StringConstraints(max_length=253),
    Check(
        "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",
        "must be the name of a Kubernetes object: lower-case letters, digits, '-' and '.', "
        "with a letter or digit at both ends",
    ),
]
"""The name of another object of the cluster."""

SPEAKER: Final = r"[\p{L}\p{N}]([\p{L}\p{M}\p{N} _.-]*[\p{L}\p{M}\p{N}])?"
"""What speakers that are built into models are called; for a raw string of CEL."""

LabelKey = Annotated[
    str,
    StringConstraints(max_length=317),
    Check(
        "self.matches('^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$')",
        "must be a label key: write for example team or example.com/team",
    ),
]

LabelValue = Annotated[str, StringConstraints(max_length=63)]

Labels = Annotated[
    dict[str, LabelValue],
    Field(max_length=16),
    Check(
        "self.all(key, key.size() <= 317 && "
        "key.matches('^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$'))",
        "keys must be label keys: write for example team or example.com/team",
    ),
    Check(
        "self.all(key, self[key].matches('^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$'))",
        "values must be label values: letters, digits, '-', '_' and '.', with a letter or digit at "
        "both ends",
    ),
]


class LabelRequirement(Model):
    """One condition on a label."""

    model_config = ConfigDict(
        json_schema_extra=object_rules(
            Rule(
                "self.operator in ['In', 'NotIn'] == (has(self.values) && self.values.size() > 0)",
                "values goes with operator In or NotIn, and they need at least one: add values, or "
                "use operator Exists or DoesNotExist without them",
                ".values",
            )
        )
    )

    key: LabelKey = Field(description="Key of the label.")
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"] = Field(
        description="How the label's value relates to values."
    )
    values: tuple[LabelValue, ...] = Field(
        default_factory=tuple,
        max_length=32,
        description="Values to compare with; for In and NotIn only.",
    )

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether an object with these labels meets the condition."""
        match self.operator:
            case "In":
                return self.key in labels and labels[self.key] in self.values
            case "NotIn":
                return self.key not in labels or labels[self.key] not in self.values
            case "Exists":
                return self.key in labels
            case "DoesNotExist":
                return self.key not in labels


class LabelSelector(Model):
    """Chooses objects by their labels; an empty selector chooses all."""

    match_labels: Labels = Field(
        default_factory=dict, description="Labels that an object must have, with these values."
    )
    match_expressions: tuple[LabelRequirement, ...] = Field(
        default_factory=tuple,
        max_length=16,
        description="Conditions on labels; all of them must hold.",
    )

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether an object with these labels is chosen."""
        return all(labels.get(key) == value for key, value in self.match_labels.items()) and all(
            requirement.matches(labels) for requirement in self.match_expressions
        )

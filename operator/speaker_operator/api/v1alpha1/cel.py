"""Validation rules that travel with the models: CEL for the API server, the same CEL locally.

A :class:`Rule` is attached to a whole object (:func:`object_rules`, in a model's configuration) or
to one value (:class:`Check`, in an ``Annotated`` type). The CRD generator writes both as
``x-kubernetes-validations``; :mod:`speaker_operator.api.admission` evaluates what it wrote.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

VALIDATIONS: Final = "x-kubernetes-validations"
REQUIRED: Final = "x-required-message"
"""Marks a required field whose absence deserves more than the API server's "Required value"."""

Reason = Literal["FieldValueRequired", "FieldValueForbidden"]
"""What leads the API server's answer, where "Invalid value" is not it."""


@dataclass(frozen=True)
class Rule:
    """One CEL rule over ``self``, and the sentence that tells the reader what to write instead."""

    expression: str
    message: str
    field_path: str | None = None
    """The field to blame, relative to the object that holds the rule, for example ``.replicas``."""
    reason: Reason | None = None

    def to_schema(self) -> dict[str, Any]:
        """Write the rule as an entry of ``x-kubernetes-validations``."""
        entry: dict[str, Any] = {"rule": self.expression, "message": self.message}
        if self.field_path is not None:
            entry["fieldPath"] = self.field_path
        if self.reason is not None:
            entry["reason"] = self.reason
        return entry


def object_rules(*rules: Rule) -> dict[str, Any]:
    """Give a model rules over its fields, as ``json_schema_extra`` of its configuration."""
    return {VALIDATIONS: [rule.to_schema() for rule in rules]}


def required(message: str) -> dict[str, Any]:
    """Give a required field its own sentence, as ``json_schema_extra`` of the field."""
    return {REQUIRED: message}


@dataclass(frozen=True)
class Check:
    """A rule over one value, for use in ``Annotated``."""

    expression: str
    message: str

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Append the rule to the value's schema."""
        schema = dict(handler(core_schema))
        rules = [*schema.get(VALIDATIONS, ()), Rule(self.expression, self.message).to_schema()]
        return schema | {VALIDATIONS: rules}


@dataclass(frozen=True)
class Schema:
    """Schema keys that pydantic has no word for, for use in ``Annotated``."""

    keys: Mapping[str, Any] = field(hash=False)

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Add the keys to the value's schema."""
        return dict(handler(core_schema)) | dict(self.keys)

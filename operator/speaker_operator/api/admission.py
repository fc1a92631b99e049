"""Refuse locally what the API server would refuse at admission: same schemas, rules and words.

``speaker-tts up`` has no API server. This module reads a manifest the way one does: defaults are
filled in, every value is held against the generated schema, and the schema's CEL rules are
evaluated. Rules that compare with an older version of the object (``oldSelf``) have nothing to
compare with and are skipped.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import yaml

from speaker_operator.api import celenv, crd
from speaker_operator.api.v1alpha1 import TTSService, Voice
from speaker_operator.api.v1alpha1.cel import VALIDATIONS
from speaker_operator.api.v1alpha1.common import API_VERSION

JsonSchema = Mapping[str, Any]

PRESERVED: Final = "x-kubernetes-preserve-unknown-fields"
_JSON_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field, and what to write instead."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class RefusedError(ValueError):
    """A manifest that admission refuses; ``errors`` holds every fault that was found."""

    def __init__(self, subject: str, errors: tuple[FieldError, ...]) -> None:
        lines = "\n".join(f"  {error}" for error in errors)
        super().__init__(f"{subject} is not valid:\n{lines}")
        self.subject = subject
        self.errors = errors


def admit_yaml(text: str) -> list[TTSService | Voice]:
    """Read every document of a YAML text; raises :class:`RefusedError` at the first refused one."""
    try:
        documents = [document for document in yaml.safe_load_all(text) if document is not None]
    except yaml.YAMLError as error:
        raise RefusedError("The YAML text", (FieldError("", str(error)),)) from error
    return [admit(document) for document in documents]


def admit(document: Any) -> TTSService | Voice:
    """Read one manifest; raises :class:`RefusedError` with everything that is wrong with it."""
    kind = _kind_of(document)
    subject = f"{kind.definition.kind} {_name_of(document)!r}"
    errors, value = check(_schema(kind), document)
    errors += _metadata_errors(document)
    if errors:
        raise RefusedError(subject, tuple(errors))
    return kind.model_validate(value)


def check(schema: JsonSchema, document: Any) -> tuple[list[FieldError], Any]:
    """Hold a document against a schema; returns the faults, and the document with its defaults.

    As in the API server, the CEL rules have their say only once every value has the right shape.
    """
    value = _with_defaults(schema, document)
    errors = list(_shape_errors(schema, value, ""))
    if not errors:
        errors = list(_rule_errors(schema, value, ""))
    return errors, value


@cache
def _schema(kind: type[TTSService] | type[Voice]) -> JsonSchema:
    return crd.object_schema(kind)


def _kind_of(document: Any) -> type[TTSService] | type[Voice]:
    known = {kind.definition.kind: kind for kind in crd.KINDS}
    if not isinstance(document, dict):
        error = FieldError("", "must be a Kubernetes object: write apiVersion, kind and metadata")
        raise RefusedError("The manifest", (error,))
    if document.get("apiVersion") != API_VERSION:
        found = document.get("apiVersion")
        error = FieldError("apiVersion", f"is {found!r}: write apiVersion: {API_VERSION}")
        raise RefusedError("The manifest", (error,))
    if document.get("kind") not in known:
        error = FieldError("kind", f"is {document.get('kind')!r}: write kind: {' or '.join(known)}")
        raise RefusedError("The manifest", (error,))
    return known[document["kind"]]


def _name_of(document: Mapping[str, Any]) -> str:
    metadata = document.get("metadata")
    return str(metadata.get("name", "")) if isinstance(metadata, dict) else ""


def _metadata_errors(document: Mapping[str, Any]) -> list[FieldError]:
    if _name_of(document):
        return []
    return [FieldError("metadata.name", "is missing: name the object, for example name: hello")]


def _with_defaults(schema: JsonSchema, value: Any) -> Any:
    """Fill in the schema's defaults, as the API server does: inside objects that are there."""
    if isinstance(value, dict) and "properties" in schema:
        filled = dict(value)
        for name, field in schema["properties"].items():
            if name not in filled and "default" in field:
                filled[name] = field["default"]
            if filled.get(name, ...) is None:
                del filled[name]
            if name in filled:
                filled[name] = _with_defaults(field, filled[name])
        return filled
    if isinstance(value, list) and "items" in schema:
        return [_with_defaults(schema["items"], item) for item in value]
    return value


def _children(schema: JsonSchema, value: Any, path: str) -> Iterator[tuple[JsonSchema, Any, str]]:
    """The parts of a value that have a schema of their own, with their paths."""
    if isinstance(value, dict):
        for name, field in schema.get("properties", {}).items():
            if name in value:
                yield field, value[name], f"{path}.{name}" if path else name
        if "additionalProperties" in schema:
            for name, item in value.items():
                yield schema["additionalProperties"], item, f"{path}.{name}"
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield schema["items"], item, f"{path}[{index}]"


def _shape_errors(schema: JsonSchema, value: Any, path: str) -> Iterator[FieldError]:
    wrong = _type_error(schema, value)
    if wrong:
        yield FieldError(path, wrong)
        return
    for message in (*_value_errors(schema, value), *_size_errors(schema, value)):
        yield FieldError(path, message)
    if isinstance(value, dict) and "properties" in schema:
        taken = schema["properties"].keys() | (value.keys() if schema.get(PRESERVED) else set())
        for name in value.keys() - taken:
            known = ", ".join(schema["properties"])
            yield FieldError(f"{path}.{name}" if path else name, f"is unknown: use one of {known}")
        for name in schema.get("required", ()):
            if name not in value:
                yield FieldError(f"{path}.{name}" if path else name, "is required: add it")
    for field, item, where in _children(schema, value, path):
        if where != "metadata":
            yield from _shape_errors(field, item, where)


def _type_error(schema: JsonSchema, value: Any) -> str | None:
    if schema.get("x-kubernetes-int-or-string"):
        allowed: tuple[type, ...] = (int, str)
        wanted = "an integer or a string"
    else:
        allowed = _JSON_TYPES[schema["type"]]
        article = "an" if schema["type"][0] in "aio" else "a"
        wanted = f"{article} {schema['type']}"
    if isinstance(value, allowed) and (bool in allowed or not isinstance(value, bool)):
        return None
    return f"must be {wanted}, not {value!r}"


def _value_errors(schema: JsonSchema, value: Any) -> Iterator[str]:
    if "enum" in schema and value not in schema["enum"]:
        yield f"{value!r} is not supported: use one of {', '.join(map(str, schema['enum']))}"
    if "minimum" in schema and value < schema["minimum"]:
        yield f"is {value}: must be greater than or equal to {schema['minimum']:g}"
    if "maximum" in schema and value > schema["maximum"]:
        yield f"is {value}: must be less than or equal to {schema['maximum']:g}"


_SIZES: Final = (("Length", "characters"), ("Items", "items"), ("Properties", "entries"))


def _size_errors(schema: JsonSchema, value: Any) -> Iterator[str]:
    for suffix, noun in _SIZES:
        least, most = schema.get(f"min{suffix}"), schema.get(f"max{suffix}")
        if least is not None and len(value) < least:
            yield f"has {len(value)} {noun}: must have at least {least}"
        if most is not None and len(value) > most:
            yield f"has {len(value)} {noun}: must have at most {most}"


def _rule_errors(schema: JsonSchema, value: Any, path: str) -> Iterator[FieldError]:
    for rule in schema.get(VALIDATIONS, ()):
        if "oldSelf" not in rule["rule"] and not celenv.holds(rule["rule"], value):
            yield FieldError((path + rule.get("fieldPath", "")).lstrip("."), rule["message"])
    for field, item, where in _children(schema, value, path):
        yield from _rule_errors(field, item, where)

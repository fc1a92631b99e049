"""docs/reference/resources.md, from the schema that the API server checks."""

import json
from collections.abc import Iterator
from typing import Any, Final

from generate.reference.markdown import table
from speaker_operator.api import crd

RULES: Final = "x-kubernetes-validations"
INTRODUCTION: Final = """# TTSService and Voice

Every field, its default and its rules, as `kubectl explain` and the API server know them.
Written by `make generate`.
"""


def page() -> str:
    """Describe every kind."""
    return "\n".join([INTRODUCTION, *(_kind(kind) for kind in crd.KINDS)])


def _kind(kind: Any) -> str:
    document = crd.custom_resource_definition(kind)
    names = document["spec"]["names"]
    version = document["spec"]["versions"][0]
    schema = version["schema"]["openAPIV3Schema"]
    short = ", ".join(f"`{n}`" for n in names.get("shortNames", ()))
    called = f"`kubectl get {names['plural']}`" + (f", short: {short}" if short else "")
    parts = [
        f"## {names['kind']}\n",
        f"{schema['description']} ({called})\n",
    ]
    for section in ("spec", "status"):
        rows = list(_rows(schema["properties"][section], section))
        parts.append(f"### {names['kind']} {section}\n")
        parts.append(table(("field", "type", "default", "meaning and rules"), rows))
    rules = [rule["message"] for rule in schema.get(RULES, ())]
    if rules:
        parts.append("Rules over the whole object:\n")
        parts.extend(f"- {message}" for message in rules)
        parts.append("")
    return "\n".join(parts)


def _rows(schema: dict[str, Any], path: str) -> Iterator[tuple[str, str, str, str]]:
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        where = f"{path}.{name}"
        default = f"`{json.dumps(field['default'])}`" if "default" in field else ""
        meaning = [field.get("description", "")]
        if name in required:
            meaning.append("Required.")
        meaning += [f"*Rule:* {rule['message']}." for rule in field.get(RULES, ())]
        yield f"`{where}`", _type(field), default, " ".join(meaning)
        inner, suffix = (field["items"], "[]") if "items" in field else (field, "")
        yield from _rows(inner, where + suffix)


def _type(field: dict[str, Any]) -> str:
    if field.get("x-kubernetes-int-or-string"):
        return "integer or string"
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}"
    if "additionalProperties" in field:
        return f"map of {_type(field['additionalProperties'])}"
    limits = [f"from {field['minimum']:g}"] if "minimum" in field else []
    limits += [f"to {field['maximum']:g}"] if "maximum" in field else []
    return " ".join([field.get("type", "object"), *limits])

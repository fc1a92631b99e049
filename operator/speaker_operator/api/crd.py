"""Turn the models into CustomResourceDefinitions: structural OpenAPI v3 schemas with CEL rules."""

from collections.abc import Mapping
from typing import Any, Final

import yaml

from speaker_operator.api.v1alpha1 import TTSService, Voice
from speaker_operator.api.v1alpha1.cel import REQUIRED, VALIDATIONS, Rule
from speaker_operator.api.v1alpha1.common import GROUP, VERSION
from speaker_operator.api.v1alpha1.definition import Definition

JsonSchema = dict[str, Any]

KINDS: Final = (TTSService, Voice)
"""The kinds of the API, in the order in which they are documented."""

_HEADER: Final = "# Generated from the models in speaker_operator.api by `make generate`.\n"
_INT32: Final = 2**31 - 1


class _PlainDumper(yaml.SafeDumper):
    """Writes equal parts out in full, where YAML would refer back to the first one."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the library calls it
        """Never refer back."""
        return True


def files() -> dict[str, str]:
    """Every CRD as YAML, by file name; equal models give equal bytes."""
    return {
        f"{GROUP}_{kind.definition.plural}.yaml": _HEADER
        + yaml.dump(
            custom_resource_definition(kind), Dumper=_PlainDumper, sort_keys=False, width=100
        )
        for kind in KINDS
    }


def custom_resource_definition(kind: type[TTSService] | type[Voice]) -> dict[str, Any]:
    """The whole CustomResourceDefinition of one kind."""
    definition = kind.definition
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{definition.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": definition.kind,
                "listKind": f"{definition.kind}List",
                "plural": definition.plural,
                "singular": definition.singular,
                "shortNames": list(definition.short_names),
                "categories": list(definition.categories),
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": object_schema(kind)},
                    "subresources": _subresources(definition),
                    "additionalPrinterColumns": [
                        column.to_schema() for column in definition.columns
                    ],
                }
            ],
        },
    }


def object_schema(kind: type[TTSService] | type[Voice]) -> JsonSchema:
    """The structural schema of a whole object, metadata included."""
    raw = kind.model_json_schema(by_alias=True, mode="validation")
    schema = _structural(raw, raw.get("$defs", {}))
    schema["properties"] = {
        "apiVersion": {
            "type": "string",
            "description": f"Version of the API: {GROUP}/{VERSION}.",
        },
        "kind": {"type": "string", "description": f"Kind of the object: {kind.definition.kind}."},
        **schema["properties"],
        "metadata": {"type": "object"},
    }
    schema["required"] = [name for name in schema.get("required", ()) if name != "metadata"]
    if not schema["required"]:
        del schema["required"]
    return schema


def _subresources(definition: Definition) -> dict[str, Any]:
    subresources: dict[str, Any] = {"status": {}}
    if definition.scale is not None:
        subresources["scale"] = {
            "specReplicasPath": definition.scale.spec_path,
            "statusReplicasPath": definition.scale.status_path,
            "labelSelectorPath": definition.scale.selector_path,
        }
    return subresources


_COPIED: Final = (
    "type",
    "format",
    "description",
    "enum",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "default",
)


def _structural(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> JsonSchema:
    """Inline references, drop what Kubernetes does not know, and lift required sentences to CEL."""
    source = _resolved(schema, definitions)
    result: JsonSchema = {key: source[key] for key in _COPIED if key in source}
    if result.get("default", ...) is None:
        del result["default"]
    result |= {
        key: value
        for key, value in source.items()
        if key.startswith("x-kubernetes-") and key != VALIDATIONS
    }
    if "x-kubernetes-int-or-string" in result:
        result["anyOf"] = source["anyOf"]
    if result.get("type") == "integer":
        result["format"] = "int32" if result.get("maximum", _INT32 + 1) <= _INT32 else "int64"
    if result.get("type") == "number":
        result["format"] = "double"
    if "items" in source:
        result["items"] = _structural(source["items"], definitions)
    if isinstance(source.get("additionalProperties"), dict):
        result["additionalProperties"] = _structural(source["additionalProperties"], definitions)
    if "properties" in source:
        result["properties"] = {
            name: _structural(value, definitions) for name, value in source["properties"].items()
        }
    rules, required = _required(source)
    rules += [_in_order(rule) for rule in source.get(VALIDATIONS, ())]
    if required:
        result["required"] = required
    if rules:
        result[VALIDATIONS] = rules
    return result


def _resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> JsonSchema:
    """Follow references and see through "or null", keeping what stands beside them."""
    resolved = dict(schema)
    while True:
        if "$ref" in resolved:
            target = definitions[resolved.pop("$ref").rpartition("/")[2]]
            beside = resolved
        elif "anyOf" in resolved and "x-kubernetes-int-or-string" not in resolved:
            (target,) = (each for each in resolved.pop("anyOf") if each.get("type") != "null")
            beside = resolved
        else:
            return resolved
        rules = [*target.get(VALIDATIONS, ()), *beside.get(VALIDATIONS, ())]
        resolved = {**target, **beside} | ({VALIDATIONS: rules} if rules else {})


def _in_order(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {key: rule[key] for key in ("rule", "message", "fieldPath", "reason") if key in rule}


def _required(source: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
    """Split the required fields into those with an own sentence (as rules) and the others."""
    rules, plain = [], []
    for name in source.get("required", ()):
        message = source["properties"][name].get(REQUIRED)
        if message is None:
            plain.append(name)
        else:
            rule = Rule(f"has(self.{name})", message, f".{name}", "FieldValueRequired")
            rules.append(rule.to_schema())
    return rules, plain

"""The CRDs are structural schemas, the same bytes every time, and describe every field."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from speaker_operator.api import crd
from speaker_operator.api.v1alpha1 import TTSService, Voice

SCHEMAS = {kind.definition.kind: crd.object_schema(kind) for kind in crd.KINDS}


def fields(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every named field of a schema, at any depth."""
    for name, field in schema.get("properties", {}).items():
        yield f"{path}.{name}", field
        yield from fields(field, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from fields(schema[key], f"{path}[]")


@pytest.mark.parametrize("name", sorted(crd.files()))
def test_the_files_in_the_repository_are_the_generated_ones(name: str, repository: Path) -> None:
    assert (repository / "crds" / name).read_text() == crd.files()[name]


def test_equal_models_give_equal_bytes() -> None:
    assert crd.files() == crd.files()


@pytest.mark.parametrize("kind", SCHEMAS)
def test_every_field_has_a_description(kind: str) -> None:
    without = [path for path, field in fields(SCHEMAS[kind]) if not field.get("description")]
    assert without == [".metadata"], "the API server describes metadata itself"


@pytest.mark.parametrize("kind", SCHEMAS)
def test_strings_lists_and_maps_of_a_spec_are_bounded(kind: str) -> None:
    bounds = {"string": {"maxLength", "enum"}, "array": {"maxItems"}}
    unbounded = [
        path
        for path, field in fields(SCHEMAS[kind]["properties"]["spec"])
        if field.get("type") in bounds and not bounds[field["type"]] & field.keys()
    ]
    assert unbounded == []


@pytest.mark.parametrize("kind", SCHEMAS)
def test_the_schema_is_structural(kind: str) -> None:
    for path, field in fields(SCHEMAS[kind]):
        assert "$ref" not in field, path
        assert field.get("default", ...) is not None, path
        if "anyOf" in field:
            assert field["x-kubernetes-int-or-string"], path
        else:
            assert "type" in field, path


@pytest.mark.parametrize("kind", SCHEMAS)
def test_every_rule_has_a_sentence_with_a_remedy(kind: str) -> None:
    for path, field in [("", SCHEMAS[kind]), *fields(SCHEMAS[kind])]:
        for rule in field.get("x-kubernetes-validations", ()):
            assert len(rule["message"]) > 20, (path, rule)


def test_equal_parts_are_written_out_in_full() -> None:
    assert all("&id" not in text for text in crd.files().values())


@pytest.mark.parametrize(("kind", "names"), [(TTSService, ["tts"]), (Voice, ["ttsvoice"])])
def test_kinds_have_short_names_and_a_category(
    kind: type[TTSService] | type[Voice], names: list[str]
) -> None:
    spec = crd.custom_resource_definition(kind)["spec"]
    assert spec["names"]["shortNames"] == names
    assert spec["names"]["categories"] == ["speaker"]


def test_status_is_a_subresource_of_both_and_scale_of_services() -> None:
    subresources = {
        kind.definition.kind: crd.custom_resource_definition(kind)["spec"]["versions"][0][
            "subresources"
        ]
        for kind in crd.KINDS
    }
    assert subresources["Voice"] == {"status": {}}
    assert subresources["TTSService"]["scale"] == {
        "specReplicasPath": ".spec.replicas",
        "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.selector",
    }


def test_conditions_are_a_map_by_type() -> None:
    for schema in SCHEMAS.values():
        conditions = schema["properties"]["status"]["properties"]["conditions"]
        assert conditions["x-kubernetes-list-map-keys"] == ["type"]


def test_the_text_is_plain_yaml() -> None:
    for text in crd.files().values():
        assert yaml.safe_load(text)["kind"] == "CustomResourceDefinition"

"""/openapi.json: nothing is left for the reader to guess."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from speaker_runtime.contract import ModelConfig, RuntimeConfig, VoiceManifest
from speaker_runtime.errors import CATALOGUE, ErrorCode
from speaker_runtime.http.app import create_app
from speaker_runtime.http.bodies import SpeechBody
from speaker_runtime.http.openapi import examples
from speaker_runtime.http.openapi.answers import NOT_OF_SPEECH
from speaker_runtime.http.schemas import ErrorEnvelope

SPEECH = "/v1/audio/speech"


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    config = RuntimeConfig(
        service="test",
        backend="hibari",
        model=ModelConfig(source="package://hibari-tts", directory=Path("nowhere")),
    )
    return create_app(config, VoiceManifest()).openapi()


def operations(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def answers(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, operation in operations(schema):
        for status, answer in operation["responses"].items():
            yield f"{name} {status}", answer


def error_examples(schema: dict[str, Any]) -> Iterator[tuple[str, str, ErrorEnvelope]]:
    for name, answer in answers(schema):
        for code, example in (
            answer["content"].get("application/json", {}).get("examples", {}).items()
        ):
            yield name, code, ErrorEnvelope.model_validate(example["value"])


def test_every_operation_is_described(schema: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in schema["tags"]}
    for name, operation in operations(schema):
        assert operation["summary"], name
        assert operation["description"], name
        assert set(operation["tags"]) <= tags, name
        assert all(parameter["description"] for parameter in operation.get("parameters", [])), name


def test_every_answer_is_described_with_its_request_id(schema: dict[str, Any]) -> None:
    for name, answer in answers(schema):
        assert answer["description"], name
        assert "X-Request-Id" in answer["headers"], name


def test_every_error_of_speech_has_an_example(schema: dict[str, Any]) -> None:
    shown = {code for name, code, _ in error_examples(schema) if SPEECH in name}
    assert shown == set(ErrorCode) - NOT_OF_SPEECH


def test_an_example_of_an_error_stands_where_that_error_is_answered(schema: dict[str, Any]) -> None:
    for name, code, example in error_examples(schema):
        kind = CATALOGUE[ErrorCode(code)]
        assert name.endswith(f" {kind.status}")
        assert (example.error.code, example.error.type) == (code, kind.type)


def test_what_can_be_tried_again_says_when(schema: dict[str, Any]) -> None:
    for name, answer in answers(schema):
        has_errors = "examples" in answer["content"].get("application/json", {})
        is_temporary = name.endswith((" 429", " 503"))
        assert ("Retry-After" in answer["headers"]) == (has_errors and is_temporary), name


def test_every_result_has_an_example(schema: dict[str, Any]) -> None:
    for name, answer in answers(schema):
        for kind, content in answer["content"].items():
            if not kind.startswith("audio/"):
                assert "example" in content or "examples" in content, f"{name} {kind}"


def test_the_requests_shown_are_valid_and_different(schema: dict[str, Any]) -> None:
    body = schema["paths"][SPEECH]["post"]["requestBody"]["content"]["application/json"]
    shown = [SpeechBody.model_validate(example["value"]) for example in body["examples"].values()]
    assert shown == [order for _, order in examples.ORDERS.values()]
    assert {order.stream_format for order in shown} == {"audio", "sse"}


def test_the_framework_answers_nothing_by_itself(schema: dict[str, Any]) -> None:
    assert "HTTPValidationError" not in schema["components"]["schemas"]
    assert not [name for name, _ in answers(schema) if name.endswith((" 422", " default"))]


def test_every_field_of_a_request_is_described(schema: dict[str, Any]) -> None:
    for name, field in schema["components"]["schemas"]["SpeechBody"]["properties"].items():
        assert field.get("description"), name


@pytest.mark.parametrize("example", [examples.VOICES, examples.STATUS, examples.CAPABILITIES])
def test_an_example_is_what_it_is_an_example_of(example: BaseModel) -> None:
    assert type(example).model_validate(example.model_dump(mode="json")) == example

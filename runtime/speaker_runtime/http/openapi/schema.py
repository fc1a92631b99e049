"""The application's /openapi.json: the framework's, with what is true of every operation."""

from typing import TYPE_CHECKING, Any, Final, get_args

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from speaker_runtime.http.events import SpeechEvent
from speaker_runtime.http.openapi.answers import JSON, REQUEST_ID, REQUEST_ID_HEADER
from speaker_runtime.http.openapi.codesamples import code_samples
from speaker_runtime.http.openapi.examples import EVENTS

if TYPE_CHECKING:
    from pydantic import BaseModel

TAGS: Final = (
    {"name": "Speech", "description": "Speak a text, and what may be asked for."},
    {"name": "Voices", "description": "Who speaks."},
    {"name": "Models", "description": "What `model` may be."},
    {"name": "Health", "description": "What probes, scrapers and people ask about this process."},
)
_COMPONENT: Final = "#/components/schemas/{model}"
_FRAMEWORKS_REFUSAL: Final = _COMPONENT.format(model="HTTPValidationError")
EVENT_STREAM: Final = {
    "itemSchema": {
        "type": "object",
        "required": ["data"],
        "properties": {
            "data": {
                "type": "string",
                "contentMediaType": JSON,
                "contentSchema": {
                    "oneOf": [
                        {"$ref": _COMPONENT.format(model=model.__name__)}
                        for model in get_args(SpeechEvent)
                    ]
                },
            }
        },
    },
    "example": EVENTS,
}
"""Server-sent events, each with a JSON document."""


class DescribedApi(FastAPI):
    """A FastAPI whose schema tells the whole contract."""

    def openapi(self) -> dict[str, Any]:
        """The schema, made once."""
        if self.openapi_schema is None:
            schema = super().openapi()
            for operations in schema["paths"].values():
                for operation in operations.values():
                    _complete(operation)
            for name in ("HTTPValidationError", "ValidationError"):
                schema["components"]["schemas"].pop(name, None)
            schema["components"]["schemas"] |= _schemas_of_events()
        return self.openapi_schema or {}


def _schemas_of_events() -> dict[str, Any]:
    """What :data:`EVENT_STREAM` refers to, which no route returns as a whole body."""
    events: tuple[type[BaseModel], ...] = get_args(SpeechEvent)
    _, schemas = models_json_schema(
        [(event, "serialization") for event in events], ref_template=_COMPONENT
    )
    return dict(schemas["$defs"])


def _complete(operation: dict[str, Any]) -> None:
    answers = operation["responses"]
    refused = answers.get("422", {}).get("content", {}).get(JSON, {}).get("schema")
    if refused == {"$ref": _FRAMEWORKS_REFUSAL}:
        # Its own refusals become ours, with another status (speaker_runtime.http.errors).
        del answers["422"]
    for answer in answers.values():
        answer.setdefault("headers", {})[REQUEST_ID_HEADER] = dict(REQUEST_ID)
        for example in answer["content"].get(JSON, {}).get("examples", {}).values():
            # The framework drops every null, but an error always has all of its fields.
            example["value"]["error"].setdefault("param", None)
    if samples := code_samples(operation["operationId"]):
        operation["x-codeSamples"] = samples

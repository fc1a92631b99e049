"""The application's /openapi.json: the framework's, with what is true of every operation."""

from typing import Any, Final

from fastapi import FastAPI

from speaker_runtime.http.openapi.answers import JSON, REQUEST_ID, REQUEST_ID_HEADER
from speaker_runtime.http.openapi.codesamples import code_samples

TAGS: Final = (
    {"name": "Speech", "description": "Speak a text, and what may be asked for."},
    {"name": "Voices", "description": "Who speaks."},
    {"name": "Models", "description": "What `model` may be."},
    {"name": "Health", "description": "What probes, scrapers and people ask about this process."},
)
_FRAMEWORKS_REFUSAL: Final = "#/components/schemas/HTTPValidationError"


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
        return self.openapi_schema or {}


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

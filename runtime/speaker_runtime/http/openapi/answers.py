"""The answers that an operation may give beside its result: errors and headers, as OpenAPI."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from speaker_runtime.errors import CATALOGUE, ErrorCode, SpeechError
from speaker_runtime.http.envelope import envelope
from speaker_runtime.http.schemas import ErrorEnvelope

Answers = dict[int | str, dict[str, Any]]

JSON: Final = "application/json"
REQUEST_ID_HEADER: Final = "X-Request-Id"
RETRY_HEADER: Final = "Retry-After"
_RETRIED: Final = frozenset({429, 503})
"""Statuses after which trying the same again makes sense."""

RETRY_AFTER: Final[Mapping[str, Any]] = {
    "description": "Seconds after which to try again, where the server can tell.",
    "schema": {"type": "integer", "minimum": 1},
    "example": 2,
}
REQUEST_ID: Final[Mapping[str, Any]] = {
    "description": "The request's own `X-Request-Id` (up to 128 letters, digits and `._:/+=-`), or "
    "a new one. The server's log names it.",
    "schema": {"type": "string", "maxLength": 128},
    "example": "5e0b0a1c6f7a4b7f9d1f0a2b3c4d5e6f",
}

_BLAMED: Final[Mapping[ErrorCode, str]] = {
    ErrorCode.MISSING_PARAMETER: "voice",
    ErrorCode.UNKNOWN_PARAMETER: "vioce",
    ErrorCode.INVALID_TYPE: "input",
    ErrorCode.INVALID_VALUE: "speed",
}
"""The field that an example blames, where any field may be to blame."""
NOT_OF_SPEECH: Final = frozenset(
    {
        ErrorCode.PATH_NOT_FOUND,
        ErrorCode.METHOD_NOT_ALLOWED,
        ErrorCode.PREVIEW_NOT_FOUND,
        ErrorCode.SESSION_ENDED,
        ErrorCode.SYNC_UNAUTHORIZED,
        ErrorCode.VOICES_OUTDATED,
    }
)
"""Errors of other paths, and of WebSockets."""
SPEECH_REFUSALS: Final = tuple(code for code in CATALOGUE if code not in NOT_OF_SPEECH)
"""What an order to speak may be answered with."""


def refusals(*codes: ErrorCode) -> Answers:
    """Describe errors of an operation, by status, with an example for every code."""
    by_status: defaultdict[int, list[ErrorCode]] = defaultdict(list)
    for code in codes:
        by_status[CATALOGUE[code].status].append(code)
    return {status: _refusal(status, by_status[status]) for status in sorted(by_status)}


def _refusal(status: int, codes: list[ErrorCode]) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "model": ErrorEnvelope,
        "description": "\n".join(f"- `{code}`: {CATALOGUE[code].when}" for code in codes),
        "content": {JSON: {"examples": {code.value: _example(code) for code in codes}}},
    }
    if status in _RETRIED:
        answer["headers"] = {RETRY_HEADER: dict(RETRY_AFTER)}
    return answer


def _example(code: ErrorCode) -> dict[str, Any]:
    kind = CATALOGUE[code]
    error = SpeechError(code, kind.when, param=kind.param or _BLAMED.get(code))
    return {"summary": kind.when, "value": envelope(error).model_dump()}

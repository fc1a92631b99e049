"""Every failure becomes OpenAI's error envelope, plus what to do about it."""

import json
from collections.abc import Sequence
from difflib import get_close_matches
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.http.bodies import Sampling, SpeechBody, StreamOptions
from speaker_runtime.http.envelope import envelope

_KNOWN: Final = (
    *SpeechBody.model_fields,
    *(f"sampling.{name}" for name in Sampling.model_fields),
    *(f"stream_options.{name}" for name in StreamOptions.model_fields),
)
"""What a body may have, by the path to it."""


def error_response(error: SpeechError) -> Response:
    """The answer for an error, with its status."""
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    # With escapes, as an error may quote what has no UTF-8 (half a surrogate pair).
    body = json.dumps(envelope(error).model_dump())
    return Response(body, error.kind.status, headers, media_type="application/json")


def install(app: FastAPI) -> None:
    """Answer every kind of failure of ``app`` with the envelope."""
    app.add_exception_handler(SpeechError, _on_speech_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_body)
    app.add_exception_handler(HTTPException, _on_http_exception)


def from_validation(problems: Sequence[Any]) -> SpeechError:
    """The first of pydantic's complaints about a body, in OpenAI's words."""
    problem = problems[0]
    where = [str(part) for part in problem["loc"] if part != "body"]
    kind = str(problem["type"])
    if kind == "json_invalid":
        return SpeechError(
            ErrorCode.INVALID_JSON, f"The body is not JSON: {problem['ctx']['error']}."
        )
    if not where:
        return SpeechError(ErrorCode.INVALID_JSON, "The body is not a JSON object.")
    param = where[0] if where[0] == "voice" else ".".join(where)
    if param == "voice" and kind == "string_type":
        return SpeechError(
            ErrorCode.INVALID_TYPE,
            'voice is neither a string nor an object such as {"id": "heart"}.',
            param=param,
        )
    return _about_field(kind, param, problem)


def _about_field(kind: str, param: str, problem: Any) -> SpeechError:
    if kind == "missing":
        return SpeechError(
            ErrorCode.MISSING_PARAMETER, f"Missing required parameter: {param!r}.", param=param
        )
    if kind == "extra_forbidden":
        close = get_close_matches(param.casefold(), _KNOWN, n=1)
        return SpeechError(
            ErrorCode.UNKNOWN_PARAMETER,
            f"Unknown parameter: {param!r}.",
            param=param,
            suggestion=f"Did you mean {close[0]!r}?" if close else None,
        )
    is_type = kind.endswith(("_type", "_parsing", "_unicode"))
    return SpeechError(
        ErrorCode.INVALID_TYPE if is_type else ErrorCode.INVALID_VALUE,
        f"Invalid {param}: {problem['msg']}.",
        param=param,
    )


def _answer(request: Request, error: SpeechError) -> Response:
    request.app.state.runtime.metrics.failed(error.code)
    return error_response(error)


async def _on_speech_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, SpeechError):
        raise error
    return _answer(request, error)


async def _on_invalid_body(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    return _answer(request, from_validation(error.errors()))


async def _on_http_exception(request: Request, error: Exception) -> Response:
    """What the framework itself refuses: paths, methods, and bodies it cannot decode."""
    if not isinstance(error, HTTPException):
        raise error
    response = _answer(request, _from_http_exception(request, error))
    response.headers.update(error.headers or {})
    return response


def _from_http_exception(request: Request, error: HTTPException) -> SpeechError:
    if error.status_code == HTTPStatus.NOT_FOUND:
        return SpeechError(ErrorCode.PATH_NOT_FOUND, f"There is no path {request.url.path}.")
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return SpeechError(
            ErrorCode.METHOD_NOT_ALLOWED,
            f"{request.url.path} has no method {request.method}.",
        )
    return SpeechError(ErrorCode.INVALID_JSON, "The body cannot be decoded as JSON in UTF-8.")

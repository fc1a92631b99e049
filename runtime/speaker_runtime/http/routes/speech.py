"""``POST /v1/audio/speech``."""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Body, Depends, Request, Response

from speaker_runtime.audio.formats import CONTENT_TYPES
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.http.bodies import SpeechBody, StreamOptions
from speaker_runtime.http.caching import CACHE_HEADER, CacheControl, cache_use
from speaker_runtime.http.clients import client_of
from speaker_runtime.http.disconnect import unless_gone
from speaker_runtime.http.openapi import examples
from speaker_runtime.http.openapi.answers import SPEECH_REFUSALS, Answers, refusals
from speaker_runtime.http.openapi.schema import EVENT_STREAM
from speaker_runtime.http.orders import order_of, warnings_of
from speaker_runtime.http.responses import SpeechResponse, as_events
from speaker_runtime.http.runtime import CurrentRuntime
from speaker_runtime.services.source import CacheStatus
from speaker_runtime.services.speech import Speech

router = APIRouter(tags=["Speech"])

WARNING_HEADER: Final = "X-Speaker-Warning"
QUEUE_HEADER: Final = "X-Speaker-Queue-Time"
PACE_HEADER: Final = "X-Speaker-Real-Time-Factor"
_MOST_WARNINGS: Final = 8
_EVENTS: Final = "text/event-stream"

_RESPONSES: Final[Answers] = {
    200: {
        "description": "The audio, streamed from the first sentence on.",
        "content": {
            **{
                kind: {"schema": {"type": "string", "format": "binary"}}
                for kind in CONTENT_TYPES.values()
            },
            _EVENTS: EVENT_STREAM,
        },
        "headers": {
            WARNING_HEADER: {
                "description": "What of the request is not followed to the letter, if anything.",
                "schema": {"type": "string"},
                "example": "instructions are not followed by this model",
            },
            QUEUE_HEADER: {
                "description": "Seconds for which the request waited for the model.",
                "schema": {"type": "number", "minimum": 0},
                "example": 0.012,
            },
            PACE_HEADER: {
                "description": "Seconds of the model's work per second of speech, a moving average "
                "of this process that includes the beginning of this answer; the answer's own is "
                "not known before its end.",
                "schema": {"type": "number", "minimum": 0},
                "example": 0.0071,
            },
            CACHE_HEADER: {
                "description": "`hit`: all of it was spoken before; `partial`: some sentences were;"
                " `miss`: none was; `bypass`: nothing was looked up, as the request or the service "
                "has it.",
                "schema": {"type": "string", "enum": [each.value for each in CacheStatus]},
                "example": "miss",
            },
        },
    },
    **refusals(*SPEECH_REFUSALS),
}


async def require_json(request: Request) -> None:
    """Refuse a body that is not said to be JSON."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise SpeechError(
            ErrorCode.UNSUPPORTED_MEDIA_TYPE,
            f"The body's Content-Type is {kind or 'missing'}, not application/json.",
        )


@router.post(
    "/v1/audio/speech",
    summary="Speak a text",
    response_class=Response,
    responses=_RESPONSES,
    dependencies=[Depends(require_json)],
)
async def create_speech(
    body: Annotated[SpeechBody, Body(openapi_examples=examples.orders())],
    request: Request,
    runtime: CurrentRuntime,
    cache_control: CacheControl = None,
) -> Response:
    """Speak `input`. The status is known once the first sentence is spoken; from then on audio
    is streamed, and a failure breaks the connection off (`audio`) or sends an `error` event
    (`sse`).
    """  # noqa: D205  shown as one paragraph in the API reference
    runtime.models.resolve(body.model)
    if body.stream_options and body.stream_format != "sse":
        raise SpeechError(
            ErrorCode.INVALID_VALUE,
            "stream_options has a meaning only with stream_format sse.",
            param="stream_options",
        )
    speech = await runtime.service.speak(
        order_of(
            body,
            body.input,
            client=client_of(request),
            label=request.state.request_id,
            cache=cache_use(cache_control),
        )
    )
    request.state.speech = speech
    try:
        await unless_gone(request.receive, speech.start())
        return _response(body, speech, runtime.engine.load.real_time_factor)
    except BaseException:
        speech.close()
        raise


def _response(body: SpeechBody, speech: Speech, real_time_factor: float) -> SpeechResponse:
    headers = {
        QUEUE_HEADER: f"{speech.queue_seconds:.3f}",
        PACE_HEADER: f"{real_time_factor:.4f}",
        CACHE_HEADER: speech.cache_status.value,
    }
    warnings = [*warnings_of(body), *speech.warnings]
    if warnings:
        headers[WARNING_HEADER] = _header(warnings)
    if body.stream_format == "sse":
        events = as_events(speech, body.stream_options or StreamOptions())
        return SpeechResponse(speech, events, media_type=_EVENTS, headers=headers)
    return SpeechResponse(
        speech, aiter(speech), media_type=CONTENT_TYPES[body.response_format], headers=headers
    )


def _header(warnings: Sequence[str]) -> str:
    """The first warnings as one line of ASCII."""
    told = list(warnings[:_MOST_WARNINGS])
    if len(warnings) > len(told):
        told.append(f"and {len(warnings) - len(told)} more")
    return " ".join("; ".join(told).split()).encode("ascii", "backslashreplace").decode()

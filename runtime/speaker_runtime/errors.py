"""Every error the API can answer with: its code, status, cause and remedy, in one catalogue.

Any layer may raise :class:`SpeechError`; only ``http`` turns it into a response. The error
reference in the docs is written from :data:`CATALOGUE`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class ErrorType(StrEnum):
    """Whose fault it is, in OpenAI's words."""

    INVALID_REQUEST = "invalid_request_error"
    RATE_LIMIT = "requests"
    SERVER = "server_error"


class ErrorCode(StrEnum):
    """The value of ``error.code``; names that OpenAI has keep OpenAI's spelling."""

    INVALID_JSON = "invalid_json"
    MISSING_PARAMETER = "missing_required_parameter"
    UNKNOWN_PARAMETER = "unknown_parameter"
    INVALID_TYPE = "invalid_type"
    INVALID_VALUE = "invalid_value"
    EMPTY_INPUT = "empty_input"
    INPUT_TOO_LONG = "string_above_max_length"
    INVALID_SSML = "invalid_ssml"
    TEXT_NOT_SPEAKABLE = "text_not_speakable"
    LANGUAGE_NOT_SUPPORTED = "language_not_supported"
    VOICE_NOT_FOUND = "voice_not_found"
    VOICE_UNAVAILABLE = "voice_unavailable"
    VOICE_NOT_READY = "voice_not_ready"
    SYNC_UNAUTHORIZED = "sync_unauthorized"
    VOICES_OUTDATED = "voices_outdated"
    MODEL_NOT_FOUND = "model_not_found"
    PREVIEW_NOT_FOUND = "preview_not_found"
    PATH_NOT_FOUND = "path_not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    REQUEST_TIMEOUT = "request_timeout"
    BODY_TOO_LARGE = "body_too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    RATE_LIMITED = "rate_limit_exceeded"
    SPEECH_FAILED = "speech_failed"
    INTERNAL_ERROR = "internal_error"
    UPSTREAM_FAILED = "upstream_failed"
    UPSTREAM_UNAVAILABLE = "upstream_unavailable"
    MODEL_NOT_READY = "model_not_ready"
    OVERLOADED = "overloaded"
    OUT_OF_MEMORY = "out_of_memory"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    SHUTTING_DOWN = "shutting_down"
    SESSION_ENDED = "session_ended"


@dataclass(frozen=True)
class ErrorKind:
    """What is true of one error code.

    Attributes:
        status: Of the HTTP answer.
        type: Whose fault it is.
        when: The cause.
        remedy: What to do.
        param: The field that is to blame, where it is usually the same one.
    """

    status: int
    type: ErrorType
    when: str
    remedy: str
    param: str | None = None


def _request(status: int, when: str, remedy: str, param: str | None = None) -> ErrorKind:
    return ErrorKind(status, ErrorType.INVALID_REQUEST, when, remedy, param)


def _server(status: int, when: str, remedy: str) -> ErrorKind:
    return ErrorKind(status, ErrorType.SERVER, when, remedy)


CATALOGUE: Final[Mapping[ErrorCode, ErrorKind]] = MappingProxyType(
    {
        ErrorCode.INVALID_JSON: _request(
            400,
            "The body is not JSON, or not a JSON object.",
            'Send one JSON object in UTF-8, such as {"model": "tts-1", "input": "Hello", '
            '"voice": "alloy"}.',
        ),
        ErrorCode.MISSING_PARAMETER: _request(
            400, "A required field is absent.", "Add the field that `param` names."
        ),
        ErrorCode.UNKNOWN_PARAMETER: _request(
            400,
            "The body has a field that this API does not know.",
            "Remove the field, or correct its spelling.",
        ),
        ErrorCode.INVALID_TYPE: _request(
            400,
            "A field has a value of the wrong JSON type.",
            "Send the type that the message asks for.",
        ),
        ErrorCode.INVALID_VALUE: _request(
            400,
            "A field has a value outside what is allowed.",
            "Send one of the values, or a value in the range, that the message names.",
        ),
        ErrorCode.EMPTY_INPUT: _request(
            400,
            "`input` is empty or only white space.",
            "Write the text to speak in `input`.",
            "input",
        ),
        ErrorCode.INPUT_TOO_LONG: _request(
            400,
            "`input` is longer than this service accepts in one request.",
            "Split the text into several requests, at the end of a sentence.",
            "input",
        ),
        ErrorCode.INVALID_SSML: _request(
            400,
            "The SSML is no XML, has a DTD or `audio`, is too deep, or cannot be followed.",
            "Correct what the message names; GET /v1/audio/capabilities lists what is understood.",
            "input",
        ),
        ErrorCode.TEXT_NOT_SPEAKABLE: _request(
            400,
            "The model cannot read a part of the text, for example another script or only emoji.",
            "Remove or rewrite the part that the message quotes, or use a model of its language.",
            "input",
        ),
        ErrorCode.LANGUAGE_NOT_SUPPORTED: _request(
            400,
            "The model does not speak the language that was asked for.",
            "Use a language that the message names, or a model of yours.",
            "language",
        ),
        ErrorCode.VOICE_NOT_FOUND: _request(
            400,
            "No voice has the name or alias that was asked for.",
            "Use a voice that GET /v1/audio/voices lists.",
            "voice",
        ),
        ErrorCode.VOICE_UNAVAILABLE: _request(
            400,
            "The voice exists, but could not be made ready.",
            "Correct the voice as the message says, or use another one meanwhile.",
            "voice",
        ),
        ErrorCode.SYNC_UNAUTHORIZED: _request(
            401,
            "The voices of a running process were to be changed, but not by its operator.",
            "Declare voices as Voice objects: the operator alone hands them to pods.",
        ),
        ErrorCode.VOICES_OUTDATED: _request(
            409,
            "The process has newer voices than those that it was sent.",
            "Nothing: the newer ones are in effect.",
        ),
        ErrorCode.MODEL_NOT_FOUND: _request(
            404,
            "No model has the name that was asked for.",
            "Use a model that GET /v1/models lists.",
            "model",
        ),
        ErrorCode.PREVIEW_NOT_FOUND: _request(
            404,
            "No preview has this address here, or it has gone.",
            "Ask POST /tts/preview again; what was spoken is not spoken anew.",
        ),
        ErrorCode.PATH_NOT_FOUND: _request(
            404, "The API has no such path.", "See /docs for every path."
        ),
        ErrorCode.METHOD_NOT_ALLOWED: _request(
            405,
            "The path exists, but not with this HTTP method.",
            "Use a method that the Allow header names.",
        ),
        ErrorCode.REQUEST_TIMEOUT: _request(
            408,
            "The body did not arrive in time.",
            "Send the whole body at once; check the connection.",
        ),
        ErrorCode.BODY_TOO_LARGE: _request(
            413,
            "The body is larger than any request within the limits can be.",
            "Shorten the text, or split it into several requests.",
        ),
        ErrorCode.UNSUPPORTED_MEDIA_TYPE: _request(
            415,
            "The Content-Type is not JSON.",
            "Send the header `Content-Type: application/json`.",
        ),
        ErrorCode.RATE_LIMITED: ErrorKind(
            429,
            ErrorType.RATE_LIMIT,
            "More speech of this client is waiting than one client may queue.",
            "Try again after the seconds in the Retry-After header, or send fewer requests at a "
            "time.",
        ),
        ErrorCode.SPEECH_FAILED: _server(
            500,
            "The model failed while speaking.",
            "Try once more; if it fails again, report it with the X-Request-Id.",
        ),
        ErrorCode.INTERNAL_ERROR: _server(
            500,
            "The service has a fault.",
            "Try once more; if it fails again, report it with the X-Request-Id.",
        ),
        ErrorCode.UPSTREAM_FAILED: _server(
            502,
            "A server behind the gateway answered with what is no answer: a redirect, a refusal of "
            "the gateway's own API key, or half of one.",
            "Try once more; if it fails again, look at GET /status of the gateway.",
        ),
        ErrorCode.UPSTREAM_UNAVAILABLE: _server(
            503,
            "No server behind the gateway that could answer is in service.",
            "Try again after the seconds in the Retry-After header; GET /status of the gateway "
            "says what is wrong with each server.",
        ),
        ErrorCode.MODEL_NOT_READY: _server(
            503,
            "The model is still loading, or could not be loaded.",
            "Wait until GET /health/ready answers 200, then try again.",
        ),
        ErrorCode.VOICE_NOT_READY: _server(
            503,
            "The voice is still being made of its reference audio.",
            "Try again after the seconds in the Retry-After header; GET /status tells how far it "
            "is.",
        ),
        ErrorCode.OVERLOADED: _server(
            503,
            "More speech is waiting than this service may queue.",
            "Try again after the seconds in the Retry-After header.",
        ),
        ErrorCode.OUT_OF_MEMORY: _server(
            503,
            "The device has no memory left for this speech, and the service goes on.",
            "Try again after the seconds in the Retry-After header; whoever runs the service gives "
            "it more memory, or fewer copies on a device.",
        ),
        ErrorCode.DEADLINE_EXCEEDED: _server(
            503,
            "The speech could not begin within the request's own `deadline`.",
            "Allow more time, or send it with a higher `priority`.",
        ),
        ErrorCode.SHUTTING_DOWN: _server(
            503,
            "This process is ending and takes no new requests.",
            "Try again; another replica, or the restarted one, will answer.",
        ),
        ErrorCode.SESSION_ENDED: _request(
            408,
            "A WebSocket session was idle for too long, or has lasted as long as one may.",
            "Open a new session; it can begin while this one is still heard.",
        ),
    }
)


class SpeechError(Exception):
    """A request that cannot be answered with speech.

    Args:
        code: Which error it is; it decides the HTTP status.
        message: What happened here, with the offending value.
        param: The request's field that is to blame, if one is.
        suggestion: What to do instead; the catalogue's remedy when nothing better is known.
        retry_after: Seconds after which trying again makes sense.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        param: str | None = None,
        suggestion: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param
        self.suggestion = suggestion or CATALOGUE[code].remedy
        self.retry_after = retry_after

    @property
    def kind(self) -> ErrorKind:
        """The catalogue's entry: status, type, cause and remedy."""
        return CATALOGUE[self.code]

"""OpenAI's error envelope, plus what to do about the error."""

from typing import Final

from speaker_runtime.errors import SpeechError
from speaker_runtime.http.schemas import ErrorBody, ErrorEnvelope

ERRORS_PATH: Final = "/docs/errors"


def envelope(error: SpeechError) -> ErrorEnvelope:
    """The answer's body for an error."""
    return ErrorEnvelope(
        error=ErrorBody(
            message=error.message,
            type=error.kind.type,
            param=error.param,
            code=error.code,
            suggestion=error.suggestion,
            docs=f"{ERRORS_PATH}#{error.code}",
        )
    )

"""What Schemathesis cannot know from the schema; loaded into its own process.

The schema cannot say which names the service has or which letters the model reads, so a request
that is right in form may be refused for its content. What may not be is a refusal of its form.
"""

from collections.abc import Callable, Mapping
from typing import Any

import schemathesis
from schemathesis.generation import GenerationMode

from speaker_runtime.errors import ErrorCode

CHANGES: Mapping[str, Callable[[str], str]] = {
    "model": lambda _: "tts-1",
    "voice": lambda _: "ana",
    "input": "Say {} now.".format,
}
LONGEST_NAME = 253
ABOUT_FORM = frozenset(
    {
        ErrorCode.INVALID_JSON,
        ErrorCode.MISSING_PARAMETER,
        ErrorCode.UNKNOWN_PARAMETER,
        ErrorCode.INVALID_TYPE,
        ErrorCode.INVALID_VALUE,
        ErrorCode.UNSUPPORTED_MEDIA_TYPE,
        ErrorCode.BODY_TOO_LARGE,
    }
)


@schemathesis.hook
def map_body(_context: schemathesis.HookContext, body: Any) -> Any:
    """Ask mostly for what exists and can be read: behind a refusal nothing else is looked at."""
    if isinstance(body, dict):
        for field, change in CHANGES.items():
            value = body.get(field)
            # What is too long is so on purpose.
            if isinstance(value, str) and len(value) % 4 and len(value) <= LONGEST_NAME:
                body[field] = change(value)
    return body


@schemathesis.check
def right_form_is_not_refused(
    _context: schemathesis.CheckContext,
    response: schemathesis.Response,
    case: schemathesis.Case[Any],
) -> None:
    """A body that the schema allows is not refused for its form."""
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    if response.status_code < 400 or response.status_code >= 500:
        return
    code = response.json()["error"]["code"]
    assert code not in ABOUT_FORM, f"the schema allows what was refused as {code}"


@schemathesis.check
def only_a_refusal_for_now_is_a_server_error(
    _context: schemathesis.CheckContext,
    response: schemathesis.Response,
    _case: schemathesis.Case[Any],
) -> None:
    """Nothing that a client sends makes the server fail; only 503 may be its own fault."""
    assert response.status_code < 500 or response.status_code == 503, response.text

"""docs/reference/websocket.md, from the messages as the runtime defines them."""

import json
from collections.abc import Iterator
from http import HTTPStatus
from importlib.resources import files
from typing import Any, Final, get_args

from pydantic import BaseModel

from generate.reference.markdown import table
from speaker_runtime.errors import CATALOGUE
from speaker_runtime.http.bodies import SpeechSettings
from speaker_runtime.http.openapi import samples
from speaker_runtime.http.routes.stream import CLOSE_CODES, MAX_SESSIONS, PATH
from speaker_runtime.http.stream.conversation import MAX_MESSAGE_BYTES, Limits
from speaker_runtime.http.stream.messages import ClientMessage, ServerMessage, Start

LIMITS: Final = Limits()
FAULT: Final = HTTPStatus.INTERNAL_SERVER_ERROR
INTRODUCTION: Final = f"""# Speech over a WebSocket

`ws://…{PATH}` speaks text while it is being written, for voice agents: send a language model's
tokens as they come, and hear each sentence as soon as it is complete. It is not part of
`/openapi.json`, which cannot describe WebSockets.

Written by `make generate` from the messages as the code defines them.

```python
{{example}}```

## How it goes

The client sends JSON objects as text messages. The first one is `start`; then come `text`, `flush`
and `cancel` in any order, and at last `end`.

The server sends JSON objects as text messages, and audio as binary messages: they belong to the
`sentence` that was told last. Sentences are spoken in the order in which they were written, each
with all of `POST /v1/audio/speech`: queue, cache, deadline and errors. What has no letter or digit
is not a sentence of its own; text of {LIMITS.sentence_characters} characters without an end is cut.
What an HTTP answer tells in `X-Speaker-Warning`, a sentence tells in `warnings`.

- **`cancel`** stops the model at its next step. Messages that were under way still arrive; all that
  comes after `cancelled` is new, and has its `generation`.
- **Errors** have the object that HTTP answers have ([all errors](errors.md)). Unless it is `final`,
  only one sentence or message is lost and the session goes on.
- **Backpressure**: audio is made no faster than the client reads it. Up to
  {LIMITS.waiting_characters} characters of text may wait to be spoken; until there is room again,
  the server reads nothing, not even a `cancel`.
- **Browsers** may connect from pages of the same address only.

| limit | value |
| --- | --- |
| one message of the client | {MAX_MESSAGE_BYTES} bytes |
| no message while nothing is spoken | {LIMITS.idle_seconds:.0f} s |
| a client that reads nothing | {LIMITS.send_seconds:.0f} s |
| a session | {LIMITS.session_seconds:.0f} s |
| sessions of one process | {MAX_SESSIONS}; more are refused with HTTP 503 |

The connection is closed with 1000 after `done`, with 1009 after too long a message, and after a
final error with:
"""


def page() -> str:
    """Describe the protocol."""
    example = (files(samples) / "stream_speech.py").read_text("utf-8")
    closed = [
        *((f"`{error}`", str(code)) for error, code in CLOSE_CODES.items()),
        (" and ".join(f"`{error}`" for error in _faults()), "1011"),
        ("any other", "1008"),
    ]
    return "\n".join(
        [
            INTRODUCTION.replace("{example}", example),
            table(("error", "code"), closed),
            "## From the client\n",
            *(_section(message) for message in get_args(get_args(ClientMessage)[0])),
            "## From the server\n",
            *(_section(message) for message in get_args(ServerMessage)),
        ]
    )


def _faults() -> Iterator[str]:
    return (code.value for code, kind in CATALOGUE.items() if kind.status == FAULT)


def _section(message: type[BaseModel]) -> str:
    schema = message.model_json_schema(mode="validation" if message is Start else "serialization")
    kind = schema["properties"].pop("type")["const"]
    shared = set(SpeechSettings.model_fields) if message is Start else set()
    required = set(schema.get("required", ()))
    rows = [
        (
            f"`{name}`",
            _type(field, schema.get("$defs", {})),
            "yes" if name in required else _default(field),
            field.get("description", ""),
        )
        for name, field in schema["properties"].items()
    ]
    lines = [f"### `{kind}`\n", f"{schema['description']}\n"]
    if rows:
        header = ("field", "type", "required, or default" if shared else "always there", "meaning")
        lines.append(table(header, rows))
    return "\n".join(lines)


def _default(field: dict[str, Any]) -> str:
    return f"`{json.dumps(field['default'])}`" if field.get("default") is not None else "-"


def _type(field: dict[str, Any], definitions: dict[str, Any]) -> str:
    if "$ref" in field:
        return _type(definitions[field["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in field:
        return " or ".join(_type(each, definitions) for each in field["anyOf"])
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if field["type"] == "array":
        return f"list of {_type(field['items'], definitions)}s"
    return str(field["type"])

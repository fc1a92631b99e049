"""What of a request decides who answers it, and its body as that server wants it."""

import json
from dataclasses import dataclass
from typing import Any

from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.services.gateway.gateway import Wish
from speaker_runtime.services.gateway.upstream import Server


@dataclass(frozen=True)
class Order:
    """A request's body, read only as far as the gateway needs it: the servers check the rest.

    Attributes:
        body: As it came.
        fields: The same as an object.
        wish: What decides who answers it.
    """

    body: bytes
    fields: dict[str, Any]
    wish: Wish

    def body_for(self, server: Server) -> bytes:
        """The body with the model's name as the server knows it; else byte for byte as it came."""
        model = server.model_called(self.wish.model)
        if model == self.wish.model:
            return self.body
        return json.dumps({**self.fields, "model": model}).encode()


def read_order(body: bytes, *, native: bool = False) -> Order:
    """Read a body.

    Args:
        body: As it came.
        native: Whether only a server of this project can answer.

    Raises:
        SpeechError: It is no JSON object, or names no model.
    """
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SpeechError(ErrorCode.INVALID_JSON, "The body is not JSON.") from error
    if not isinstance(fields, dict):
        raise SpeechError(ErrorCode.INVALID_JSON, "The body is not a JSON object.")
    return Order(body, fields, wish_of(fields, native=native))


def wish_of(fields: dict[str, Any], *, native: bool) -> Wish:
    """What of a request decides who answers it.

    Raises:
        SpeechError: It names no model, or what it names is no name.
    """
    if "model" not in fields:
        raise SpeechError(
            ErrorCode.MISSING_PARAMETER, "Missing required parameter: 'model'.", param="model"
        )
    model, voice, text = fields["model"], fields.get("voice"), fields.get("input")
    if not isinstance(model, str):
        raise SpeechError(ErrorCode.INVALID_TYPE, "model is no string.", param="model")
    if isinstance(voice, dict):
        voice = voice.get("id")
    return Wish(
        model=model,
        # Whatever else it is, the server says what is wrong with it.
        voice=voice if isinstance(voice, str) else None,
        native=native,
        characters=len(text) if isinstance(text, str) else 0,
    )

"""What goes over the WebSocket; the reference of the protocol is written from these types."""

import json
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from speaker_runtime.audio.formats import AudioFormat
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.http.bodies import SpeechSettings
from speaker_runtime.http.envelope import envelope
from speaker_runtime.http.errors import from_validation
from speaker_runtime.http.events import Usage
from speaker_runtime.http.schemas import ErrorBody


def _is_string(value: object) -> str:
    """A string as JSON has it, which may end with half of a surrogate pair."""
    if not isinstance(value, str):
        raise PydanticCustomError("string_type", "it is no string")
    return value


Generation = Annotated[int, Field(description="How many cancels came before.")]
Index = Annotated[int, Field(description="Which sentence of the session, from 0.")]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Start(SpeechSettings):
    """The first message: how to speak. The fields are those of `POST /v1/audio/speech`."""

    type: Literal["start"]
    response_format: AudioFormat = Field(
        default=AudioFormat.PCM,
        description="Audio format. `pcm` is 16-bit little-endian mono, without gaps between "
        "sentences; in any other format each sentence is a complete file of its own.",
    )


class TextPiece(_Message):
    """More text, of any length, such as one token of a language model."""

    type: Literal["text"]
    text: Annotated[str, PlainValidator(_is_string), WithJsonSchema({"type": "string"})] = Field(
        description="Continues what was sent before, without a space between. A character may be "
        "split between two pieces as JavaScript splits it (half a surrogate pair in each)."
    )


class Flush(_Message):
    """Speak what is there now, though its last sentence may not be complete."""

    type: Literal["flush"]


class Cancel(_Message):
    """Drop all text that was sent, and all audio that was not; the session goes on."""

    type: Literal["cancel"]


class End(_Message):
    """No more text: speak what is there, then close."""

    type: Literal["end"]


ClientMessage: TypeAlias = Annotated[
    Start | TextPiece | Flush | Cancel | End, Field(discriminator="type")
]
_CLIENT: TypeAdapter[ClientMessage] = TypeAdapter(ClientMessage)


class Started(BaseModel):
    """The session is ready for text."""

    type: Literal["started"] = "started"
    session: str = Field(description="Names the session in the server's log.")
    generation: Generation
    content_type: str = Field(description="Of the audio.")
    sample_rate: int = Field(description="Hertz of the audio.")


class SentenceStarted(BaseModel):
    """The binary messages that follow are this sentence's audio."""

    type: Literal["sentence"] = "sentence"
    generation: Generation
    index: Index
    text: str = Field(description="As it was written.")
    start: float = Field(description="Seconds of audio before it, in this generation.")
    warnings: list[str] = Field(description="What of the request is not followed to the letter.")


class SentenceDone(BaseModel):
    """All audio of a sentence was sent."""

    type: Literal["sentence_done"] = "sentence_done"
    generation: Generation
    index: Index
    start: float = Field(description="As in `sentence`.")
    end: float = Field(description="Seconds of audio by its end, in this generation.")
    warnings: list[str] = Field(
        description="Those of `sentence`, and what was found wrong with the audio."
    )


class Flushed(BaseModel):
    """All audio of the text before a `flush` was sent."""

    type: Literal["flushed"] = "flushed"
    generation: Generation


class Cancelled(BaseModel):
    """All that comes after it is new: nothing of the text before the `cancel` follows."""

    type: Literal["cancelled"] = "cancelled"
    generation: int = Field(description="The new one.")


class Done(BaseModel):
    """The last message after an `end`; the connection is then closed with 1000."""

    type: Literal["done"] = "done"
    usage: Usage = Field(description="`input_tokens`, `output_tokens`, `total_tokens`; estimated.")
    audio_seconds: float = Field(description="All audio that was made.")


class Failed(BaseModel):
    """A sentence or a message was refused, or the session ends: see `final`."""

    type: Literal["error"] = "error"
    generation: Generation
    index: int | None = Field(description="Which sentence is not spoken (any further).")
    final: bool = Field(description="Whether the connection is closed after it.")
    retry_after: int | None = Field(description="Seconds after which trying again makes sense.")
    error: ErrorBody = Field(description="The same object as in an HTTP answer.")

    @classmethod
    def of(cls, error: SpeechError, *, generation: int, index: int | None, final: bool) -> "Failed":
        """The message of an error."""
        return cls(
            generation=generation,
            index=index,
            final=final,
            retry_after=error.retry_after,
            error=envelope(error).error,
        )


ServerMessage: TypeAlias = (
    Started | SentenceStarted | SentenceDone | Flushed | Cancelled | Done | Failed
)


def parse(data: str | None) -> ClientMessage:
    """Read what a client sent; None stands for a binary message.

    Raises:
        SpeechError: It is no message.
    """
    if data is None:
        raise SpeechError(ErrorCode.INVALID_JSON, "A binary message is no JSON.")
    try:
        document: Any = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise SpeechError(ErrorCode.INVALID_JSON, "The message is not JSON.") from error
    if not isinstance(document, dict):
        raise SpeechError(ErrorCode.INVALID_JSON, "The message is not a JSON object.")
    try:
        return _CLIENT.validate_python(document)
    except ValidationError as error:
        raise _refusal(error) from error


def _refusal(error: ValidationError) -> SpeechError:
    problem = error.errors()[0]
    kind = problem["type"]
    if kind == "union_tag_not_found":
        return SpeechError(
            ErrorCode.MISSING_PARAMETER, "Missing required parameter: 'type'.", param="type"
        )
    if kind == "union_tag_invalid":
        expected = problem["ctx"]["expected_tags"]
        return SpeechError(
            ErrorCode.INVALID_VALUE, f"Invalid type: it is none of {expected}.", param="type"
        )
    # Behind the tag of the union stands what `from_validation` knows.
    return from_validation([{**problem, "loc": problem["loc"][1:]}])


def to_json(message: ServerMessage) -> str:
    """Write what a client reads."""
    # With escapes, as an error may quote what has no UTF-8 (half a surrogate pair).
    return json.dumps(message.model_dump())

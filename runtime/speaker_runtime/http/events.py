"""The events of ``stream_format: sse``: OpenAI's two, the marks of SSML, and errors."""

import base64
import math
from typing import Final, Literal, TypeAlias

from pydantic import BaseModel, Field

from speaker_runtime.audio.pipeline import Mark
from speaker_runtime.errors import SpeechError
from speaker_runtime.http.envelope import envelope
from speaker_runtime.http.schemas import ErrorBody
from speaker_runtime.services.timing import Spoken

_AUDIO_TOKENS_PER_SECOND: Final = 20
_CHARACTERS_PER_TOKEN: Final = 4


class AudioDelta(BaseModel):
    """The next bytes of audio."""

    type: Literal["speech.audio.delta"] = "speech.audio.delta"
    audio: str = Field(description="Base64 of the bytes.")

    @classmethod
    def of(cls, data: bytes) -> "AudioDelta":
        """The event of some bytes."""
        return cls(audio=base64.b64encode(data).decode())


class AudioMark(BaseModel):
    """A mark of the SSML document; the audio that it stands in comes after it."""

    type: Literal["speech.audio.mark"] = "speech.audio.mark"
    name: str
    seconds: float = Field(description="From the beginning of the audio.")

    @classmethod
    def of(cls, mark: Mark) -> "AudioMark":
        """The event of a mark."""
        return cls(name=mark.name, seconds=round(mark.seconds, 3))


class AudioSentence(BaseModel):
    """A sentence begins; where the end was not known then, the event comes again with it."""

    type: Literal["speech.audio.sentence"] = "speech.audio.sentence"
    index: int = Field(description="Which sentence of the text, from 0.")
    text: str = Field(description="As it was written.")
    characters: tuple[int, int] | None = Field(
        description="Where it stands in a plain `input`: its first character, and the one after it."
    )
    start: float = Field(description="Seconds from the beginning of the audio.")
    end: float | None = Field(description="Likewise; null while it is not known.")

    @classmethod
    def of(cls, spoken: Spoken) -> "AudioSentence":
        """The event of a sentence."""
        return cls(
            index=spoken.index,
            text=spoken.caption.text,
            characters=spoken.caption.span,
            start=round(spoken.start, 3),
            end=None if spoken.end is None else round(spoken.end, 3),
        )


class Usage(BaseModel):
    """What was asked for and made, in OpenAI's units, estimated.

    A token is four characters of text, or a twentieth of a second of audio.
    """

    input_tokens: int
    output_tokens: int
    total_tokens: int

    @classmethod
    def of(cls, characters: int, audio_seconds: float) -> "Usage":
        """The usage of so much text and audio."""
        asked = math.ceil(characters / _CHARACTERS_PER_TOKEN)
        made = math.ceil(audio_seconds * _AUDIO_TOKENS_PER_SECOND)
        return cls(input_tokens=asked, output_tokens=made, total_tokens=asked + made)


class AudioDone(BaseModel):
    """The end: all audio was sent."""

    type: Literal["speech.audio.done"] = "speech.audio.done"
    usage: Usage


class ErrorEvent(BaseModel):
    """The end: the speech failed half-way."""

    type: Literal["error"] = "error"
    error: ErrorBody

    @classmethod
    def of(cls, error: SpeechError) -> "ErrorEvent":
        """The event of an error."""
        return cls(error=envelope(error).error)


SpeechEvent: TypeAlias = AudioDelta | AudioMark | AudioSentence | AudioDone | ErrorEvent

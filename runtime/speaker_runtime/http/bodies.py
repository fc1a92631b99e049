"""What clients send as JSON, as the API reference shows it."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from speaker_runtime import contract
from speaker_runtime.audio.formats import AudioFormat
from speaker_runtime.engine.job import Priority
from speaker_runtime.text.languages import LONGEST_TAG, TAG_PATTERN, is_tag
from speaker_runtime.text.ssml.script import Mode


def _is_unicode(text: str) -> str:
    """JSON can escape half a surrogate pair, which is no character."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise PydanticCustomError("string_unicode", "it has half of a surrogate pair")
    return text


def _is_language(text: str) -> str:
    if not is_tag(text):
        raise PydanticCustomError("language_tag", "it is no BCP 47 tag such as en or en-GB")
    return text


def _whole(number: object) -> object:
    """JSON knows no integers: 7.0 is the same number as 7."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


Text = Annotated[str, AfterValidator(_is_unicode)]
LanguageTag = Annotated[
    str,
    AfterValidator(_is_language),
    WithJsonSchema({"type": "string", "pattern": TAG_PATTERN, "maxLength": LONGEST_TAG}),
]
Name = Annotated[Text, Field(max_length=253)]


class VoiceReference(BaseModel):
    """A voice by its id."""

    model_config = ConfigDict(extra="forbid")

    id: Name = Field(description="A name or alias of a voice.", examples=["heart"])


class StreamOptions(BaseModel):
    """What else is told while audio is streamed as events."""

    model_config = ConfigDict(extra="forbid")

    sentences: bool = Field(
        default=False,
        strict=True,
        description="Each sentence is the event `speech.audio.sentence`: its `text` as it was "
        "written, its place among the `characters` of a plain `input`, and the seconds at which it "
        "begins (`start`) and ends (`end`). Where the end is not known at once, the event comes "
        "again with it.",
    )


class Sampling(BaseModel):
    """How a model that draws from chance does so."""

    model_config = ConfigDict(extra="forbid")

    temperature: contract.Temperature = None
    top_k: Annotated[contract.TopK, BeforeValidator(_whole)] = None
    top_p: contract.TopP = None
    repetition_penalty: contract.RepetitionPenalty = None

    def of_order(self) -> contract.Sampling:
        """The same as the services know it."""
        return contract.Sampling(**self.model_dump())


class SpeechSettings(BaseModel):
    """How to speak, whatever the text."""

    model_config = ConfigDict(extra="forbid")

    model: Name = Field(description="A model that `GET /v1/models` lists.", examples=["tts-1"])
    voice: Name | VoiceReference = Field(
        description="A name or alias of a voice that `GET /v1/audio/voices` lists, or one of "
        "OpenAI's voice names, which mean the default voice where no voice claims them. Some "
        "models mix voices: `af_heart*0.3+am_adam*0.7`.",
        examples=["alloy"],
    )
    response_format: AudioFormat = Field(
        default=AudioFormat.MP3,
        description="Audio format. `pcm` is 16-bit little-endian mono without a header; `wav`'s "
        "header has no length, as it is streamed.",
    )
    speed: float | None = Field(
        default=None,
        ge=0.25,
        le=4.0,
        allow_inf_nan=False,
        description="Pace; the pitch stays. Unless given, the voice's own, usually 1.",
    )
    instructions: Text | None = Field(
        default=None,
        max_length=4096,
        description="How to speak. A model that cannot follow it says so in the header "
        "`X-Speaker-Warning`.",
    )
    seed: Annotated[int, BeforeValidator(_whole)] = Field(
        default=0,
        ge=0,
        le=2**32 - 1,
        strict=True,
        description="Extension. Another seed gives another reading of the same text, where the "
        "model has chance in it; the same request always gives the same bytes.",
    )
    sampling: Sampling | None = Field(
        default=None,
        description="Extension. How the model draws from chance: `temperature`, `top_k`, `top_p` "
        "and `repetition_penalty`. Whatever is not given is the voice's own, or the model's. "
        "`GET /v1/audio/capabilities` lists what the model follows, the header "
        "`X-Speaker-Warning` tells what it does not.",
        examples=[{"temperature": 0.65, "top_p": 0.8}],
    )
    language: LanguageTag | None = Field(
        default=None,
        description="Extension. BCP 47 tag of the text, such as `en` or `en-GB`. Unless given, "
        "the voice's own; where it has several, the one that the text shows to be in, said in the "
        "header `X-Speaker-Warning`, or the first one. A language that the model does not speak "
        "is refused.",
        examples=["en-US"],
    )
    normalize: bool = Field(
        default=True,
        strict=True,
        description="Extension. Whether written forms are put into words before the model reads "
        "them: addresses of pages and mail, versions, telephone numbers, powers and fractions in "
        "English; emoji are left out. With false the model reads the text with its own rules only.",
    )
    priority: Priority = Field(
        default=Priority.NORMAL,
        description="Extension. Who is served first: `interactive` before `normal` before "
        "`batch`. A request that had no turn for ten seconds counts as one class more urgent.",
    )
    deadline: float | None = Field(
        default=None,
        gt=0,
        le=3600,
        allow_inf_nan=False,
        description="Extension. Seconds within which the first audio is of use. A request that "
        "has not begun by then ends with `deadline_exceeded` and costs the model nothing.",
    )


class TextBody(SpeechSettings):
    """A text, and how to speak it."""

    input: Text = Field(
        description="The text to speak. Its greatest length is the service's own "
        "(4096 characters unless configured otherwise).",
        examples=["Hello there!"],
    )
    ssml: Mode | None = Field(
        default=None,
        description="Extension. Says that `input` is an SSML document: `strict` refuses markup "
        "that cannot be followed, `lenient` leaves it aside with a warning. "
        "`GET /v1/audio/capabilities` lists what is understood.",
    )


class SpeechBody(TextBody):
    """A text to speak."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"model": "tts-1", "input": "Hello there!", "voice": "alloy"}],
            "if": {
                "properties": {"stream_options": {"type": "object"}},
                "required": ["stream_options"],
            },
            "then": {
                "properties": {"stream_format": {"const": "sse"}},
                "required": ["stream_format"],
            },
        },
    )

    stream_format: Literal["audio", "sse"] = Field(
        default="audio",
        description="`audio` streams the bytes of the audio; `sse` wraps them in the events "
        "`speech.audio.delta` and `speech.audio.done`, and for each `mark` of an SSML document "
        "`speech.audio.mark` with its `name` and `seconds` from the beginning.",
    )
    stream_options: StreamOptions | None = Field(
        default=None,
        description="Extension. What else is told in the events of `stream_format` `sse`.",
    )


class PreviewBody(TextBody):
    """A text to look at sentence by sentence."""

    stream_format: Literal["audio"] = Field(
        default="audio", description="Each sentence's audio is the bytes as they are."
    )

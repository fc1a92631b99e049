"""What goes over the wire, as the API reference shows it."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from speaker_runtime.audio.formats import AudioFormat
from speaker_runtime.engine.job import Priority
from speaker_runtime.text.languages import LONGEST_TAG, TAG_PATTERN, is_tag
from speaker_runtime.text.phonemes import Alphabet
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


class PreviewSentence(BaseModel):
    """One sentence of a preview."""

    index: int = Field(description="Which sentence of the text, from 0.")
    text: str = Field(description="As it was written.")
    characters: tuple[int, int] | None = Field(
        description="Where it stands in a plain `input`: its first character, and the one after it."
    )
    voice: str = Field(description="Who speaks it, by a name that `voice` may have.")
    language: str = Field(description="BCP 47 tag of the language that it is read in.")
    audio: str = Field(
        description="Where its audio is, on this server: the same audio has the same address, and "
        "is spoken when it is first asked for."
    )
    start: float = Field(description="Seconds before it in the whole text's audio.")
    end: float = Field(description="Seconds up to its end in the whole text's audio.")
    timing: Literal["measured", "estimated"] = Field(
        description="Whether its length was measured, or is estimated from its text."
    )


class Preview(BaseModel):
    """A text, sentence by sentence."""

    sentences: list[PreviewSentence]
    seconds: float = Field(description="Of the whole text's audio.")
    timing: Literal["measured", "estimated"] = Field(
        description="`measured` where every sentence's is."
    )
    expires_in: int = Field(description="Seconds for which the addresses hold at least.")
    warnings: list[str] = Field(description="What of the request is not followed to the letter.")


class ErrorBody(BaseModel):
    """One error: OpenAI's four fields, and what to do about it."""

    message: str = Field(description="What went wrong, with the offending value.")
    type: str = Field(description="`invalid_request_error` or `server_error`.")
    param: str | None = Field(description="The field of the request that is to blame.")
    code: str | None = Field(description="Which error it is; programs should compare this.")
    suggestion: str = Field(description="What to do instead.")
    docs: str = Field(description="Where the error is explained.")


class ErrorEnvelope(BaseModel):
    """What every answer but a successful one is."""

    error: ErrorBody


class Model(BaseModel):
    """A name that `model` may have."""

    id: str
    object: Literal["model"] = "model"
    created: int = Field(description="Unix time at which this process started.")
    owned_by: str


class ModelList(BaseModel):
    """All models."""

    object: Literal["list"] = "list"
    data: list[Model]


class SpeechModel(BaseModel):
    """A name that `model` may have, as programs with a list to choose from read it."""

    id: str
    name: str = Field(description="Name to show to people.")


class SpeechModelList(BaseModel):
    """All models that speak."""

    models: list[SpeechModel]


class VoiceInfo(BaseModel):
    """A voice that `voice` may name."""

    id: str
    name: str = Field(description="Name to show to people.")
    description: str | None = None
    languages: list[str] = Field(description="BCP 47 tags, the main one first.")
    gender: str | None = None
    aliases: list[str] = Field(description="Other names that mean this voice.")
    default: bool = Field(description="Whether OpenAI's voice names mean this voice.")


class VoiceList(BaseModel):
    """All voices that can speak."""

    voices: list[VoiceInfo]


class PaceRange(BaseModel):
    """From the slowest to the fastest pace; 1 is a voice's own."""

    slowest: float
    fastest: float


class SsmlElement(BaseModel):
    """What becomes of one SSML element."""

    name: str
    support: Literal["full", "ignored", "refused"] = Field(
        description="`full` is followed, `ignored` gives a warning, `refused` an error."
    )
    attributes: list[str] = Field(description="Attributes that are followed.")
    ignored_attributes: list[str] = Field(description="Attributes that give a warning.")
    note: str


class SsmlCapabilities(BaseModel):
    """How SSML is read; other elements are refused (`strict`) or left aside (`lenient`)."""

    modes: list[Mode]
    elements: list[SsmlElement]
    max_depth: int = Field(description="Of elements in each other, `speak` included.")
    max_passages: int = Field(description="Of text between changes of style, breaks and marks.")
    max_break_seconds: float
    max_silence_seconds: float = Field(description="Of all breaks of a document together.")


class Capabilities(BaseModel):
    """What a request may ask for."""

    backend: str
    languages: list[str] = Field(description="BCP 47 tags, the main one first.")
    language_detection: bool = Field(
        description="Whether there are several languages, among which a text without `language` "
        "is looked at."
    )
    phoneme_alphabets: list[Alphabet] = Field(
        description="What SSML's `phoneme` may be written in; none where the model follows none."
    )
    sample_rate: int = Field(description="Hertz of the model; opus always plays at 48000.")
    response_formats: list[AudioFormat]
    speed: PaceRange = Field(description="What `speed` may be.")
    native_speed: PaceRange = Field(
        description="What the model does itself; beyond, the samples are stretched."
    )
    max_input_characters: int
    lexicon_words: int = Field(description="Words that this deployment respells.")
    instructions: bool = Field(description="Whether `instructions` are followed.")
    ssml: SsmlCapabilities


class Live(BaseModel):
    """The process answers."""

    status: Literal["live"] = "live"


class Readiness(BaseModel):
    """Whether speech can be asked for, and if not, why."""

    ready: bool
    phase: str = Field(description="loading, warming, ready, failed, draining or stopped.")
    reason: str = Field(description="Which part is being loaded, or what failed.")


class ModelStatus(BaseModel):
    """The loaded model."""

    source: str
    digest: str | None = Field(description="Of the loaded files; null until they are loaded.")
    device: str | None = Field(description="Where it runs; null until it is loaded.")


class VoiceStatus(BaseModel):
    """One voice's state."""

    name: str
    state: Annotated[str, Field(description="ready, or failed with a message.")]
    message: str
    preset: str


class CopyStatus(BaseModel):
    """One copy of the model."""

    device: str
    phase: str
    reason: str = Field(description="Which part is being loaded, or what failed.")
    fallback: str = Field(description="Why it runs on the CPU and not on a GPU; empty otherwise.")


class WaitingRequest(BaseModel):
    """One request that has not begun."""

    request_id: str
    position: int = Field(description="1 is the next to begin.")
    priority: Priority
    waited_seconds: float
    speech_seconds: float = Field(description="Estimated from its text.")


class QueueStatus(BaseModel):
    """How busy the engine is."""

    running: int
    waiting: int
    requests: list[WaitingRequest] = Field(
        description="The first hundred of those that wait, in the order in which they will begin."
    )
    queued_seconds: float = Field(description="Estimated speech of the waiting requests.")
    real_time_factor: float = Field(description="Seconds of work per second of speech, lately.")


class Status(BaseModel):
    """Everything about this process that may help to understand it."""

    service: str
    version: str
    backend: str
    phase: str
    reason: str
    model: ModelStatus
    copies: list[CopyStatus]
    default_voice: str | None
    default_voice_message: str
    voices: list[VoiceStatus]
    queue: QueueStatus

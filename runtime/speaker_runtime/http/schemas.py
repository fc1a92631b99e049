"""What clients are answered as JSON, as the API reference shows it."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from speaker_runtime.audio.formats import AudioFormat
from speaker_runtime.engine.job import Priority
from speaker_runtime.http.bodies import Sampling
from speaker_runtime.text.phonemes import Alphabet
from speaker_runtime.text.ssml.script import Mode


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
    tags: list[str] = Field(default=[], description="What the voice is good for.")
    license: str | None = Field(default=None, description="Terms of the voice's use.")
    cloned: bool = Field(default=False, description="Whether it sounds like a recording.")
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


class CloningCapabilities(BaseModel):
    """Which recordings voices can be made of."""

    shortest_seconds: float = Field(description="Least speech of all clips together.")
    longest_seconds: float = Field(description="Most speech of all clips together.")
    most_clips: int
    languages: list[str] = Field(description="BCP 47 tags of what cloned voices speak.")
    needs_transcript: bool = Field(description="Whether it has to be told what is said in them.")


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
    sampling: Sampling = Field(
        description="How the model draws from chance unless `sampling` says otherwise; it does not "
        "follow what is null here."
    )
    cloning: CloningCapabilities | None = Field(
        default=None, description="Which recordings voices can be made of; null where of none."
    )
    ssml: SsmlCapabilities


class Live(BaseModel):
    """The process answers."""

    status: Literal["live"] = "live"


class Readiness(BaseModel):
    """Whether speech can be asked for, and if not, why."""

    ready: bool
    phase: str = Field(description="loading, warming, ready, failed, draining or stopped.")
    reason: str = Field(description="Which part is being loaded, or what failed.")
    queued_seconds: float = Field(description="Estimated speech of the requests that wait.")


class ModelStatus(BaseModel):
    """The loaded model."""

    source: str
    digest: str | None = Field(description="Of the loaded files; null until they are loaded.")
    device: str | None = Field(description="Where it runs; null until it is loaded.")
    precision: str | None = Field(
        default=None,
        description="What it computes with, such as bfloat16; null until it is loaded, and where "
        "its backend leaves no choice.",
    )


class VoiceStatus(BaseModel):
    """One voice's state."""

    name: str
    state: Annotated[
        str, Field(description="ready; pending while it is made of its reference; or failed.")
    ]
    reason: str = Field(default="", description="What is in the way, as one CamelCase word.")
    message: str
    preset: str | None = Field(description="None of a voice that sounds like a recording.")


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

"""Examples of requests and answers, made of the types that they are examples of."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from speaker_runtime.audio.formats import AudioFormat
from speaker_runtime.engine.job import Priority
from speaker_runtime.http.bodies import PreviewBody, Sampling, SpeechBody, VoiceReference
from speaker_runtime.http.events import AudioDelta, AudioDone, Usage
from speaker_runtime.http.schemas import (
    Capabilities,
    CopyStatus,
    Live,
    Model,
    ModelList,
    ModelStatus,
    PaceRange,
    Preview,
    PreviewSentence,
    QueueStatus,
    Readiness,
    SpeechModel,
    SpeechModelList,
    SsmlCapabilities,
    SsmlElement,
    Status,
    VoiceInfo,
    VoiceList,
    VoiceStatus,
    WaitingRequest,
)
from speaker_runtime.text.phonemes import Alphabet
from speaker_runtime.text.ssml.script import Mode

_STARTED: Final = 1_790_000_000

MODEL: Final = Model(id="tts-1", created=_STARTED, owned_by="speaker-tts")
MODELS: Final = ModelList(
    data=[Model(id="hibari", created=_STARTED, owned_by="speaker-tts"), MODEL]
)
SPEECH_MODELS: Final = SpeechModelList(
    models=[SpeechModel(id="hibari", name="hibari"), SpeechModel(id="tts-1", name="tts-1")]
)
VOICES: Final = VoiceList(
    voices=[
        VoiceInfo(
            id="ana",
            name="Ana",
            description="Warm and calm; for long texts.",
            languages=["en-US"],
            gender="female",
            aliases=["nova"],
            default=True,
        )
    ]
)
CAPABILITIES: Final = Capabilities(
    backend="hibari",
    languages=["en-US"],
    language_detection=False,
    phoneme_alphabets=list(Alphabet),
    sample_rate=24_000,
    response_formats=list(AudioFormat),
    speed=PaceRange(slowest=0.25, fastest=4.0),
    native_speed=PaceRange(slowest=0.5, fastest=2.0),
    max_input_characters=4096,
    lexicon_words=1,
    instructions=False,
    sampling=Sampling(),
    ssml=SsmlCapabilities(
        modes=list(Mode),
        elements=[
            SsmlElement(
                name="break",
                support="full",
                attributes=["time", "strength"],
                ignored_attributes=[],
                note="Silence.",
            )
        ],
        max_depth=10,
        max_passages=256,
        max_break_seconds=10,
        max_silence_seconds=60,
    ),
)
LIVE: Final = Live()
READY: Final = Readiness(ready=True, phase="ready", reason="", queued_seconds=0.0)
LOADING: Final = Readiness(ready=False, phase="loading", reason="the voices", queued_seconds=0.0)
STATUS: Final = Status(
    service="narrator",
    version="0.1.0",
    backend="hibari",
    phase="ready",
    reason="",
    model=ModelStatus(source="package://hibari-tts", digest="sha256:2c1f", device="cpu"),
    copies=[CopyStatus(device="cpu", phase="ready", reason="", fallback="")],
    default_voice="ana",
    default_voice_message="",
    voices=[VoiceStatus(name="ana", state="ready", message="", preset="heart")],
    queue=QueueStatus(
        running=16,
        waiting=1,
        requests=[
            WaitingRequest(
                request_id="4f3c2b1a",
                position=1,
                priority=Priority.BATCH,
                waited_seconds=0.8,
                speech_seconds=12.5,
            )
        ],
        queued_seconds=12.5,
        real_time_factor=0.0071,
    ),
)
METRICS: Final = """# HELP tts_requests_running Requests being spoken.
# TYPE tts_requests_running gauge
tts_requests_running{model="hibari"} 1.0
"""
EVENTS: Final = "".join(
    f"data: {event.model_dump_json()}\n\n"
    for event in (
        AudioDelta.of(b"the first bytes"),
        AudioDone(usage=Usage.of(characters=12, audio_seconds=1.05)),
    )
)

ORDERS: Final[Mapping[str, tuple[str, SpeechBody]]] = {
    "short": (
        "The least that OpenAI's API asks for.",
        SpeechBody(model="tts-1", input="Hello there!", voice="alloy"),
    ),
    "wav": (
        "A WAV file at a slower pace, by a voice's id.",
        SpeechBody(
            model="tts-1",
            input="Please speak slowly.",
            voice=VoiceReference(id="ana"),
            response_format=AudioFormat.WAV,
            speed=0.8,
        ),
    ),
    "events": (
        "Server-sent events with raw samples.",
        SpeechBody(
            model="gpt-4o-mini-tts",
            input="Every sentence is sent as soon as it is spoken.",
            voice="coral",
            response_format=AudioFormat.PCM,
            stream_format="sse",
        ),
    ),
    "ssml": (
        "An SSML document.",
        SpeechBody(
            model="tts-1",
            input='<speak>Wait. <break time="500ms"/> Now <mark name="go"/> go on.</speak>',
            voice="alloy",
            language="en-US",
            ssml=Mode.STRICT,
        ),
    ),
}


PREVIEW: Final = Preview(
    sentences=[
        PreviewSentence(
            index=0,
            text="Hello there!",
            characters=(0, 12),
            voice="ana",
            language="en-US",
            audio="/tts/preview/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            start=0.0,
            end=1.05,
            timing="estimated",
        )
    ],
    seconds=1.05,
    timing="estimated",
    expires_in=900,
    warnings=[],
)


def previews() -> dict[str, dict[str, Any]]:
    """Bodies that a preview may be asked for with."""
    body = PreviewBody(model="tts-1", input="Hello there! How are you?", voice="alloy")
    return {"short": shown(body, "Two sentences.")}


def shown(value: BaseModel, summary: str = "") -> dict[str, Any]:
    """One example as OpenAPI has it."""
    example: dict[str, Any] = {"value": value.model_dump(mode="json", exclude_unset=True)}
    return {"summary": summary, **example} if summary else example


def of_json(value: BaseModel) -> dict[str, Any]:
    """An answer of JSON, such as ``value``."""
    example = value.model_dump(mode="json")
    return {"content": {"application/json": {"example": example}}}


def orders() -> dict[str, dict[str, Any]]:
    """Bodies that speech may be asked for with."""
    return {name: shown(body, summary) for name, (summary, body) in ORDERS.items()}

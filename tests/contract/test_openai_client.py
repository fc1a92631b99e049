"""What the official client asks for, and gets."""

import base64
import json
import struct
import time
from typing import Any, Literal

import httpx2
import openai
import pytest
from openai import OpenAI

from speaker_runtime.contract import ServingConfig
from tests.support.audio import Decoded, decode, decode_pcm
from tests.support.figures import RecordFigure
from tests.support.tone import ToneBackend
from tests.support.tone_server import (
    FULL,
    FULL_FOR_ONE,
    KEY,
    TOO_MUCH,
    Fullness,
    full_service,
    tone_server,
)
from tests.support.transcribe import transcribe, word_error_rate

SENTENCE = "The quick brown fox jumps over the lazy dog."
PARAGRAPH = (
    "The quick brown fox jumps over the lazy dog, and then it walks home through the quiet valley. "
    "Tomorrow morning we will meet at the old railway station near the river. "
    "Kubernetes runs the service, and everybody listens."
)
MODELS = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts")
VOICES = (
    *("alloy", "ash", "ballad", "cedar", "coral", "echo", "fable"),
    *("marin", "nova", "onyx", "sage", "shimmer", "verse"),
)
WORD_ERROR_GOAL = 0.05
Format = Literal["mp3", "opus", "aac", "flac", "wav", "pcm"]
FORMATS: tuple[tuple[Format, str, int], ...] = (
    ("mp3", "audio/mpeg", 24_000),
    ("opus", "audio/ogg", 48_000),
    ("aac", "audio/aac", 24_000),
    ("flac", "audio/flac", 24_000),
    ("wav", "audio/wav", 24_000),
    ("pcm", "audio/pcm", 24_000),
)


def _listen(data: bytes, audio_format: str) -> Decoded:
    return decode_pcm(data) if audio_format == "pcm" else decode(data)


@pytest.fixture(scope="module")
def reference(openai: OpenAI) -> Decoded:
    """The sentence, without loss."""
    answer = openai.audio.speech.create(
        model="tts-1", voice="alloy", input=SENTENCE, response_format="pcm"
    )
    return decode_pcm(answer.content)


@pytest.mark.parametrize(("audio_format", "content_type", "rate"), FORMATS)
def test_every_format_is_whole_speech(
    openai: OpenAI, reference: Decoded, audio_format: Format, content_type: str, rate: int
) -> None:
    answer = openai.audio.speech.create(
        model="gpt-4o-mini-tts", voice="coral", input=SENTENCE, response_format=audio_format
    )
    heard = _listen(answer.content, audio_format)
    assert answer.response.headers["content-type"] == content_type
    assert heard.sample_rate == rate
    assert heard.seconds == pytest.approx(reference.seconds, abs=0.12)
    assert heard.loudness == pytest.approx(reference.loudness, rel=0.2)


@pytest.mark.parametrize(("audio_format", "content_type", "rate"), FORMATS)
def test_every_format_streams(
    openai: OpenAI, audio_format: Format, content_type: str, rate: int
) -> None:
    with openai.audio.speech.with_streaming_response.create(
        model="tts-1", voice="ana", input=PARAGRAPH, response_format=audio_format
    ) as answer:
        chunks = [chunk for chunk in answer.iter_bytes() if chunk]
    assert len(chunks) > 1
    assert _listen(b"".join(chunks), audio_format).seconds > 8


def test_a_streamed_wav_does_not_claim_a_length(openai: OpenAI) -> None:
    data = openai.audio.speech.create(
        model="tts-1", voice="ana", input=SENTENCE, response_format="wav"
    ).content
    unknown = 0xFFFFFFFF
    riff, riff_size, wave = struct.unpack_from("<4sI4s", data)
    assert (riff, riff_size, wave) == (b"RIFF", unknown, b"WAVE")
    assert struct.unpack_from("<4sI", data, 36) == (b"data", unknown)


def test_mp3_is_the_default(openai: OpenAI) -> None:
    answer = openai.audio.speech.create(model="tts-1-hd", voice="onyx", input=SENTENCE)
    assert answer.response.headers["content-type"] == "audio/mpeg"


@pytest.mark.parametrize("speed", [0.25, 0.5, 0.8, 1.5, 2.0, 3.0, 4.0])
def test_speed_changes_the_duration(openai: OpenAI, reference: Decoded, speed: float) -> None:
    answer = openai.audio.speech.create(
        model="tts-1", voice="ana", input=SENTENCE, response_format="pcm", speed=speed
    )
    heard = decode_pcm(answer.content)
    # The model stretches speech more than the pauses around it.
    assert heard.seconds * speed == pytest.approx(reference.seconds, rel=0.2)
    assert heard.loudness > 0.3 * reference.loudness


@pytest.mark.parametrize("voice", ["ana", "nova", "narrator", "heart", "alloy", "verse"])
def test_names_aliases_presets_and_openai_names_mean_a_voice(
    openai: OpenAI, reference: Decoded, voice: str
) -> None:
    answer = openai.audio.speech.create(
        model="hibari", voice=voice, input=SENTENCE, response_format="pcm"
    )
    assert decode_pcm(answer.content).seconds == pytest.approx(reference.seconds)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("voice", VOICES)
def test_every_model_of_openai_speaks_with_every_voice(
    openai: OpenAI, model: str, voice: str
) -> None:
    answer = openai.audio.speech.create(
        model=model, voice=voice, input="Yes.", response_format="pcm"
    )
    assert decode_pcm(answer.content).seconds > 0.2


def test_a_voice_may_be_an_object(openai: OpenAI) -> None:
    answer = openai.audio.speech.create(
        model="tts-1", voice={"id": "ana"}, input=SENTENCE, response_format="pcm"
    )
    assert decode_pcm(answer.content).seconds > 1


def test_the_same_request_gives_the_same_bytes(openai: OpenAI) -> None:
    def speak(audio_format: Format) -> bytes:
        return openai.audio.speech.create(
            model="tts-1", voice="ana", input="Again. And again.", response_format=audio_format
        ).content

    for audio_format, _, _ in FORMATS:
        assert speak(audio_format) == speak(audio_format), audio_format


def test_instructions_that_cannot_be_followed_give_a_warning(openai: OpenAI) -> None:
    answer = openai.audio.speech.create(
        model="gpt-4o-mini-tts", voice="ana", input=SENTENCE, instructions="Whisper."
    )
    assert "instructions" in answer.response.headers["x-speaker-warning"]


def test_letters_that_cannot_be_read_give_a_warning(openai: OpenAI) -> None:
    answer = openai.audio.speech.create(model="tts-1", voice="ana", input="I live in 東京 now.")
    assert r"\u6771\u4eac" in answer.response.headers["x-speaker-warning"]


def _events(openai: OpenAI, text: str) -> list[dict[str, Any]]:
    with openai.audio.speech.with_streaming_response.create(
        model="tts-1", voice="ana", input=text, response_format="pcm", stream_format="sse"
    ) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in answer.iter_lines() if line]
    assert all(line.startswith("data: ") for line in lines)
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def test_events_carry_the_same_audio(openai: OpenAI) -> None:
    *deltas, done = _events(openai, PARAGRAPH)
    assert {event["type"] for event in deltas} == {"speech.audio.delta"}
    plain = openai.audio.speech.create(
        model="tts-1", voice="ana", input=PARAGRAPH, response_format="pcm"
    )
    assert b"".join(base64.b64decode(event["audio"]) for event in deltas) == plain.content
    assert done["type"] == "speech.audio.done"
    usage = done["usage"]
    assert usage["input_tokens"] > 0
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


def test_the_models_are_listed(openai: OpenAI) -> None:
    names = [model.id for model in openai.models.list()]
    assert names == ["hibari", "tts-1", "tts-1-hd", "gpt-4o-mini-tts"]
    assert openai.models.retrieve("hibari").owned_by == "speaker-tts"


def test_an_unknown_model_is_not_found(openai: OpenAI) -> None:
    with pytest.raises(openai_error("NotFoundError")) as refused:
        openai.audio.speech.create(model="tts-2", voice="ana", input=SENTENCE)
    assert (refused.value.code, refused.value.param, refused.value.type) == (
        "model_not_found",
        "model",
        "invalid_request_error",
    )


def test_an_unknown_voice_is_a_bad_request(openai: OpenAI) -> None:
    with pytest.raises(openai_error("BadRequestError")) as refused:
        openai.audio.speech.create(model="tts-1", voice="anna", input=SENTENCE)
    assert (refused.value.code, refused.value.param) == ("voice_not_found", "voice")


def test_an_error_names_its_request(openai: OpenAI) -> None:
    with pytest.raises(openai_error("BadRequestError")) as refused:
        openai.audio.speech.create(
            model="tts-1", voice="anna", input=SENTENCE, extra_headers={"X-Request-Id": "mine-1"}
        )
    assert refused.value.request_id == "mine-1"


def test_a_refusal_is_raised_before_a_stream_begins(openai: OpenAI) -> None:
    with (
        pytest.raises(openai_error("BadRequestError")) as refused,
        openai.audio.speech.with_streaming_response.create(model="tts-1", voice="ana", input=""),
    ):
        pass
    assert (refused.value.code, refused.value.param) == ("empty_input", "input")


def test_a_model_that_fails_is_a_server_error() -> None:
    with (
        tone_server(ServingConfig(), ToneBackend()) as broken,
        OpenAI(base_url=f"{broken.url}/v1", api_key="none", max_retries=0) as client,
        pytest.raises(openai_error("InternalServerError")) as failed,
    ):
        client.audio.speech.create(model="tts-1", voice="low", input="Broken!")
    assert (failed.value.status_code, failed.value.code) == (500, "speech_failed")


@pytest.mark.parametrize("full", [FULL, FULL_FOR_ONE], ids=lambda full: full.code)
def test_it_comes_back_when_it_was_told_to(full: Fullness) -> None:
    answers: list[tuple[float, httpx2.Response]] = []

    def note(response: httpx2.Response) -> None:
        answers.append((time.monotonic(), response))

    with (
        full_service(full) as service,
        OpenAI(
            base_url=f"{service.url}/v1",
            api_key=KEY,
            http_client=httpx2.Client(event_hooks={"response": [note]}),
        ) as client,
    ):
        spoken = client.audio.speech.create(model="tts-1", voice="low", input=TOO_MUCH)
    assert spoken.content
    (refused_at, refused), (again_at, _), *_ = answers
    assert refused.status_code == full.status
    assert again_at - refused_at >= float(refused.headers["retry-after"])


@pytest.mark.parametrize(
    ("full", "error"), [(FULL, "InternalServerError"), (FULL_FOR_ONE, "RateLimitError")]
)
def test_without_retries_it_is_told_why_there_is_no_room(full: Fullness, error: str) -> None:
    with (
        full_service(full) as service,
        OpenAI(base_url=f"{service.url}/v1", api_key=KEY, max_retries=0) as client,
        pytest.raises(openai_error(error)) as refused,
    ):
        client.audio.speech.create(model="tts-1", voice="low", input=TOO_MUCH)
    assert (refused.value.status_code, refused.value.code) == (full.status, full.code)
    assert int(refused.value.response.headers["retry-after"]) >= 1


def openai_error(name: str) -> type[openai.APIStatusError]:
    """One of the client's error classes."""
    error: type[openai.APIStatusError] = getattr(openai, name)
    return error


def test_the_speech_says_what_was_written(openai: OpenAI, record_figure: RecordFigure) -> None:
    answer = openai.audio.speech.create(
        model="tts-1", voice="ana", input=PARAGRAPH, response_format="wav"
    )
    heard = transcribe(answer.content)
    error = word_error_rate(PARAGRAPH, heard)
    record_figure("word error rate of a paragraph", error, "", goal=f"<= {WORD_ERROR_GOAL}")
    assert error <= WORD_ERROR_GOAL, heard


def test_voices_are_listed_as_other_tools_read_them(http: httpx2.Client) -> None:
    voices = http.get("/v1/audio/voices").json()["voices"]
    assert [(voice["id"], voice["name"]) for voice in voices] == [
        ("ana", "Ana"),
        ("heart", "heart"),
    ]

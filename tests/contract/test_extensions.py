"""What the API can do beyond OpenAI's: every field optional, every answer as documented."""

import json
from collections.abc import Mapping
from pathlib import Path

import httpx2
import pytest

from speaker_runtime.contract import ServingConfig
from tests.support.runtime import serving
from tests.support.transcribe import transcribe

GOOD: Mapping[str, object] = {
    "model": "tts-1",
    "input": "The weather is fine today.",
    "voice": "ana",
    "response_format": "pcm",
}


def speak(http: httpx2.Client, **more: object) -> httpx2.Response:
    answer = http.post("/v1/audio/speech", json={**GOOD, **more})
    assert answer.status_code == 200, answer.text
    return answer


def test_a_seed_gives_another_reading_and_always_the_same(http: httpx2.Client) -> None:
    first, again, other = (speak(http, seed=seed).content for seed in (1, 1, 2))
    assert first == again != other


def test_the_seed_is_0_unless_given(http: httpx2.Client) -> None:
    assert speak(http).content == speak(http, seed=0).content


def test_a_model_that_does_not_draw_like_this_says_so_and_speaks(http: httpx2.Client) -> None:
    answer = speak(http, sampling={"temperature": 0.5, "top_k": 7.0})
    warning = "this model does not follow the sampling's temperature, top_k"
    assert answer.headers["x-speaker-warning"] == warning
    assert answer.content == speak(http).content
    own = http.get("/v1/audio/capabilities").json()["sampling"]
    assert own == dict.fromkeys(["temperature", "top_k", "top_p", "repetition_penalty"])


def test_no_parameter_of_chance_needs_no_warning(http: httpx2.Client) -> None:
    for nothing in ({}, None, {"temperature": None}):
        assert "x-speaker-warning" not in speak(http, sampling=nothing).headers


@pytest.mark.parametrize("language", ["en", "en-US", "EN-us"])
def test_a_language_that_the_model_speaks_needs_no_warning(
    http: httpx2.Client, language: str
) -> None:
    answer = speak(http, language=language)
    assert "x-speaker-warning" not in answer.headers


def test_a_region_that_the_model_does_not_speak_gives_a_warning(http: httpx2.Client) -> None:
    warning = speak(http, language="en-AU").headers["x-speaker-warning"]
    assert warning == "the text is read as en-US, not en-AU"


def test_an_answer_tells_how_long_it_waited_and_how_fast_the_model_is(http: httpx2.Client) -> None:
    headers = speak(http).headers
    assert 0 <= float(headers["x-speaker-queue-time"]) < 10
    assert 0 < float(headers["x-speaker-real-time-factor"]) < 10


def test_sentences_are_told_with_their_time_where_they_are_wanted(http: httpx2.Client) -> None:
    body = {"input": "One is here. Two is there.", "stream_format": "sse"}
    answer = speak(http, **body, stream_options={"sentences": True})
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line]
    one, two = (each for each in events if each["type"] == "speech.audio.sentence")
    assert (one["text"], one["characters"], one["start"]) == ("One is here.", [0, 13], 0.0)
    assert (two["text"], two["start"]) == ("Two is there.", one["end"])
    assert "speech.audio.sentence" not in speak(http, **body).text


def test_stream_options_need_a_stream_of_events(http: httpx2.Client) -> None:
    answer = http.post("/v1/audio/speech", json={**GOOD, "stream_options": {"sentences": True}})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "stream_options"


@pytest.mark.parametrize("priority", ["interactive", "normal", "batch"])
def test_the_priority_changes_when_not_what(http: httpx2.Client, priority: str) -> None:
    assert speak(http, priority=priority).content == speak(http).content


def test_a_deadline_that_cannot_be_met_is_told(http: httpx2.Client) -> None:
    answer = http.post("/v1/audio/speech", json={**GOOD, "deadline": 1e-9})
    assert answer.status_code == 503
    error = answer.json()["error"]
    assert (error["code"], error["param"]) == ("deadline_exceeded", "deadline")
    assert int(answer.headers["retry-after"]) >= 1


def test_an_address_is_heard_as_words_unless_it_is_to_be_left_alone(http: httpx2.Client) -> None:
    text = "Please go to https://www.paris.com/music for more, or write to anna@paris.com today."

    def heard(*, normalize: bool) -> str:
        answer = speak(http, input=text, normalize=normalize, response_format="wav")
        return transcribe(answer.content).lower()

    in_words = heard(normalize=True)
    assert "http" not in in_words
    assert "paris.com" in in_words.replace(" dot ", ".")
    assert "h" in heard(normalize=False).split("go to")[1].split("for more")[0].split("paris")[0]


def test_emoji_are_left_out_of_a_sentence(http: httpx2.Client) -> None:
    with_emoji = speak(http, input="The weather \U0001f324\ufe0f is fine today.")
    assert with_emoji.content == speak(http).content
    assert "x-speaker-warning" not in with_emoji.headers


def test_a_deployments_lexicon_is_heard(tmp_path: Path) -> None:
    words = {"Wdbc": "wonderful"}
    with (
        serving(tmp_path, ServingConfig(lexicon=words)) as runtime,
        httpx2.Client(base_url=runtime.url, timeout=60) as http,
    ):
        written = speak(http, input="What a wdbc day.")
        assert written.content == speak(http, input="What a wonderful day.").content

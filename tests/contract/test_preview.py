"""A text sentence by sentence, for editors."""

from typing import Any

import httpx2
import pytest

from tests.contract.test_bad_requests import refusal
from tests.support.audio import decode, decode_pcm
from tests.support.runtime import RuntimeProcess

TEXT = "The first sentence is short. Is the second one a question? Yes!"
SENTENCES = ["The first sentence is short.", "Is the second one a question?", "Yes!"]


def body(text: str, **more: object) -> dict[str, object]:
    return {"model": "tts-1", "voice": "ana", "input": text, "response_format": "pcm", **more}


def preview(http: httpx2.Client, text: str, **more: object) -> dict[str, Any]:
    answer = http.post("/tts/preview", json=body(text, **more))
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def hear(http: httpx2.Client, sentence: dict[str, Any]) -> bytes:
    answer = http.get(sentence["audio"])
    assert answer.status_code == 200, answer.text
    return answer.content


def speak(http: httpx2.Client, text: str, **more: object) -> bytes:
    return http.post("/v1/audio/speech", json=body(text, **more)).content


def test_sentences_stand_where_they_were_written(http: httpx2.Client) -> None:
    shown = preview(http, TEXT)
    assert [each["text"] for each in shown["sentences"]] == SENTENCES
    for index, each in enumerate(shown["sentences"]):
        start, end = each["characters"]
        assert TEXT[start:end].strip() == each["text"]
        assert (each["index"], each["voice"], each["language"]) == (index, "ana", "en-US")


def test_all_audio_one_after_the_other_is_that_of_the_whole_text(http: httpx2.Client) -> None:
    shown = preview(http, TEXT)
    heard = b"".join(hear(http, each) for each in shown["sentences"])
    assert heard == speak(http, TEXT)


def test_a_sentence_is_measured_once_it_was_heard(http: httpx2.Client) -> None:
    text = "Nobody has ever heard this. Nor that."
    before = preview(http, text)
    assert before["timing"] == "estimated"
    assert 0.5 < before["seconds"] < 10
    seconds = [decode_pcm(hear(http, each)).seconds for each in before["sentences"]]
    after = preview(http, text)
    assert after["timing"] == "measured"
    assert after["seconds"] == pytest.approx(sum(seconds), abs=0.002)
    assert after["sentences"][1]["start"] == pytest.approx(seconds[0], abs=0.002)


def test_a_change_of_one_sentence_leaves_the_others_where_they_are(http: httpx2.Client) -> None:
    before = [each["audio"] for each in preview(http, TEXT)["sentences"]]
    after = [each["audio"] for each in preview(http, TEXT.replace("second", "next"))["sentences"]]
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, True]


@pytest.mark.parametrize(
    "change", [{"voice": "heart", "speed": 1.5}, {"seed": 1}, {"response_format": "wav"}]
)
def test_other_audio_has_another_address(http: httpx2.Client, change: dict[str, object]) -> None:
    assert preview(http, TEXT)["sentences"][0]["audio"] not in {
        each["audio"] for each in preview(http, TEXT, **change)["sentences"]
    }


def test_pauses_and_styles_of_ssml_are_heard(http: httpx2.Client) -> None:
    text = '<speak>One.<break time="2s"/> Two. <prosody rate="fast">Three.</prosody></speak>'
    shown = preview(http, text, ssml="strict")
    assert [each["characters"] for each in shown["sentences"]] == [None] * 3
    heard = b"".join(hear(http, each) for each in shown["sentences"])
    assert heard == speak(http, text, ssml="strict")


@pytest.mark.parametrize("audio_format", ["mp3", "opus", "aac", "flac", "wav"])
def test_each_sentence_is_a_whole_file(http: httpx2.Client, audio_format: str) -> None:
    shown = preview(http, TEXT, response_format=audio_format)
    for each in shown["sentences"]:
        assert decode(hear(http, each)).seconds > 0.3


def test_an_address_may_be_kept_as_long_as_it_holds(http: httpx2.Client) -> None:
    shown = preview(http, TEXT)
    answer = http.get(shown["sentences"][0]["audio"])
    assert answer.headers["cache-control"] == "private, max-age=900, immutable"
    assert shown["expires_in"] == 900


def test_what_may_not_be_stored_says_so(http: httpx2.Client) -> None:
    order = body("This stays between us.")
    anew = {"Cache-Control": "no-store"}
    shown = http.post("/tts/preview", json=order, headers=anew).json()
    answer = http.get(shown["sentences"][0]["audio"])
    assert answer.headers["cache-control"] == "no-store"


def test_an_unknown_address_is_not_found(http: httpx2.Client) -> None:
    answer = http.get("/tts/preview/" + "0" * 64)
    assert answer.status_code == 404
    assert refusal(answer)["code"] == "preview_not_found"


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"input": ""}, "empty_input", "input"),
        ({"voice": "nobody"}, "voice_not_found", "voice"),
        ({"model": "tts-2"}, "model_not_found", "model"),
        ({"stream_format": "sse"}, "invalid_value", "stream_format"),
        ({"input": "こんにちは。"}, "text_not_speakable", "input"),
    ],
)
def test_what_cannot_be_spoken_is_refused_at_once(
    http: httpx2.Client, change: dict[str, object], code: str, param: str
) -> None:
    error = refusal(http.post("/tts/preview", json={**body(TEXT), **change}))
    assert (error["code"], error["param"]) == (code, param)


def test_warnings_are_told(http: httpx2.Client) -> None:
    shown = preview(http, "I live in 東京 now.", instructions="Whisper.")
    assert "instructions" in shown["warnings"][0]
    assert len(shown["warnings"]) == 2


def test_the_log_does_not_tell_the_text(runtime: RuntimeProcess, http: httpx2.Client) -> None:
    hear(http, preview(http, "Something confidential.")["sentences"][0])
    assert not any("confidential" in str(line) for line in runtime.lines)

"""SSML over the real server: breaks are silence, volume is gain, and nothing ends in a 5xx."""

import json
from collections.abc import Mapping
from typing import Any

import httpx2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.transcribe import transcribe

RATE = 24_000
GOOD: Mapping[str, object] = {
    "model": "tts-1",
    "voice": "ana",
    "response_format": "pcm",
    "ssml": "strict",
}


def ask(http: httpx2.Client, inside: str, **more: object) -> httpx2.Response:
    body = {**GOOD, "input": f"<speak>{inside}</speak>", **more}
    return http.post("/v1/audio/speech", json=body)


def hear(http: httpx2.Client, inside: str, **more: object) -> npt.NDArray[np.int16]:
    answer = ask(http, inside, **more)
    assert answer.status_code == 200, answer.text
    return np.frombuffer(answer.content, "<i2")


def plain(http: httpx2.Client, text: str, **more: object) -> npt.NDArray[np.int16]:
    answer = http.post("/v1/audio/speech", json={**GOOD, "input": text, "ssml": None, **more})
    assert answer.status_code == 200, answer.text
    return np.frombuffer(answer.content, "<i2")


def test_a_document_without_markup_sounds_like_its_text(http: httpx2.Client) -> None:
    np.testing.assert_array_equal(
        hear(http, "<p>One is here. Two is there.</p>"), plain(http, "One is here. Two is there.")
    )


def test_a_break_is_exact_silence_between_two_sentences(http: httpx2.Client) -> None:
    one, two = plain(http, "One is here."), plain(http, "Two is there.")
    heard = hear(http, 'One is here.<break time="1250ms"/>Two is there.<break time="2s"/>')
    silence = np.zeros(RATE * 5 // 4, np.int16)
    expected = np.concatenate([one, silence, two, np.zeros(RATE * 2, np.int16)])
    np.testing.assert_array_equal(heard, expected)


@pytest.mark.parametrize("written", ['ph="ˈwɔtɚ"', 'alphabet="x-sampa" ph="&quot;wOt@`"'])
def test_a_phoneme_is_heard_in_the_place_of_its_text(http: httpx2.Client, written: str) -> None:
    inside = f"Please bring me a glass of <phoneme {written}>banana</phoneme> from the kitchen."
    answer = ask(http, inside, response_format="wav")
    assert answer.status_code == 200, answer.text
    assert "x-speaker-warning" not in answer.headers
    assert "glass of water from" in transcribe(answer.content)


def test_volume_is_gain(http: httpx2.Client) -> None:
    loud = plain(http, "One is here.").astype(np.float64)
    soft = hear(http, '<prosody volume="-6dB">One is here.</prosody>').astype(np.float64)
    np.testing.assert_allclose(soft, loud * 10 ** (-6 / 20), atol=1.0)
    assert not hear(http, '<prosody volume="silent">One is here.</prosody>').any()


def test_rate_is_speed(http: httpx2.Client) -> None:
    np.testing.assert_array_equal(
        hear(http, '<prosody rate="150%">One is here.</prosody>'),
        plain(http, "One is here.", speed=1.5),
    )


def test_voice_switches_the_voice(http: httpx2.Client) -> None:
    voices = http.get("/v1/audio/voices").json()["voices"]
    presets = [voice["id"] for voice in voices if voice["id"] != "ana"]
    assert presets
    for preset in presets:
        heard = hear(http, f'One is here. <voice name="{preset}">Two is there.</voice>')
        expected = [plain(http, "One is here."), plain(http, "Two is there.", voice=preset)]
        np.testing.assert_array_equal(heard, np.concatenate(expected))


def test_what_is_to_be_said_another_way_is_heard_that_way(http: httpx2.Client) -> None:
    inside = (
        'My <sub alias="friend">f.</sub> took the <say-as interpret-as="ordinal">3</say-as> door.'
    )
    heard = transcribe(ask(http, inside, response_format="wav").content).lower()
    assert "my friend took" in heard
    assert "third" in heard or "3rd" in heard


def test_marks_tell_their_time(http: httpx2.Client) -> None:
    inside = '<mark name="a"/>One is here.<break time="1s"/><mark name="b"/>Two.<mark name="c"/>'
    answer = ask(http, inside, stream_format="sse")
    events: list[dict[str, Any]] = [
        json.loads(line.removeprefix("data: ")) for line in answer.text.splitlines() if line
    ]
    marks = {each["name"]: each["seconds"] for each in events if "mark" in each["type"]}
    one, two = len(plain(http, "One is here.")) / RATE, len(plain(http, "Two.")) / RATE
    assert marks == {
        "a": 0.0,
        "b": pytest.approx(one + 1, abs=0.001),
        "c": pytest.approx(one + 1 + two, abs=0.001),
    }
    assert events[-1]["type"] == "speech.audio.done"


@pytest.mark.parametrize("audio_format", ["mp3", "opus", "aac", "flac", "wav"])
def test_ssml_comes_in_every_format(http: httpx2.Client, audio_format: str) -> None:
    inside = '<break time="1s"/>One.<prosody rate="x-fast" volume="loud">Two.</prosody><break/>'
    answer = ask(http, inside, response_format=audio_format, speed=2.5)
    assert answer.status_code == 200
    assert "x-speaker-warning" in answer.headers  # 5 times as fast is too fast


@pytest.mark.parametrize(
    ("inside", "code"),
    [
        ("<whisper>Hello.</whisper>", "invalid_ssml"),
        ("Hello & goodbye.", "invalid_ssml"),
        ('<break time="1s"/>', "text_not_speakable"),
        ("\U0001f600", "text_not_speakable"),
        ('<voice name="nobody">Hello.</voice>', "voice_not_found"),
        ('<lang xml:lang="de">Hallo.</lang>', "language_not_supported"),
    ],
)
def test_what_cannot_be_spoken_is_refused_with_its_reason(
    http: httpx2.Client, inside: str, code: str
) -> None:
    answer = ask(http, inside)
    assert answer.status_code == 400
    assert (answer.json()["error"]["code"], answer.json()["error"]["param"]) == (code, "input")


def test_a_lenient_reading_warns_and_speaks(http: httpx2.Client) -> None:
    answer = ask(http, "<wh\u00efsper>One is here.</wh\u00efsper>", ssml="lenient")
    assert "not understood" in answer.headers["x-speaker-warning"]
    np.testing.assert_array_equal(np.frombuffer(answer.content, "<i2"), plain(http, "One is here."))


def test_the_table_of_capabilities_says_what_is_understood(http: httpx2.Client) -> None:
    can = http.get("/v1/audio/capabilities").json()
    assert can["backend"] == "hibari"
    assert "en-US" in can["languages"]
    assert can["ssml"]["modes"] == ["strict", "lenient"]
    support = {element["name"]: element["support"] for element in can["ssml"]["elements"]}
    assert (support["break"], support["emphasis"], support["audio"]) == (
        "full",
        "ignored",
        "refused",
    )


markup = st.text(alphabet="<>/&;!?[]-=\"' speakbrti10\u00e9\U0001f600\ufffe", max_size=60)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(markup, st.sampled_from(["strict", "lenient"]))
def test_no_document_ends_in_a_fault(http: httpx2.Client, inside: str, mode: str) -> None:
    for text in (inside, f"<speak>{inside}</speak>"):
        answer = http.post("/v1/audio/speech", json={**GOOD, "input": text, "ssml": mode})
        assert answer.status_code in {200, 400}, (text, answer.text)

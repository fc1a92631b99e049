"""The second backend behind the same API: its voices, and mixes of them."""

from collections.abc import Iterator

import httpx2
import pytest

from speaker_runtime.contract import (
    CONFIG_FILE,
    VOICES_FILE,
    RuntimeConfig,
    VoiceEntry,
    VoiceManifest,
)
from tests.support.kokoro import kokoro_model
from tests.support.runtime import start
from tests.support.transcribe import transcribe, word_error_rate

SAID = "Tomorrow it will rain in the morning."


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    directory = tmp_path_factory.mktemp("kokoro")
    config = RuntimeConfig(service="test", backend="kokoro", model=kokoro_model())
    ana = VoiceEntry(name="ana", preset="bf_emma")
    blend = VoiceEntry(name="blend", preset="af_heart*0.4+am_michael*0.6", languages=("en",))
    voices = VoiceManifest(voices=(ana, blend))
    (directory / CONFIG_FILE).write_text(config.to_json())
    (directory / VOICES_FILE).write_text(voices.to_json())
    with start(directory) as runtime:
        runtime.wait_ready()
        with httpx2.Client(base_url=runtime.url, timeout=120) as client:
            yield client


def speak(client: httpx2.Client, voice: str) -> httpx2.Response:
    body = {"model": "tts-1", "input": SAID, "voice": voice, "response_format": "wav"}
    return client.post("/v1/audio/speech", json=body)


def test_a_mix_of_a_declared_voice_and_a_preset_can_be_understood(client: httpx2.Client) -> None:
    answer = speak(client, "ana*0.3+am_michael*0.7")
    assert answer.status_code == 200
    assert word_error_rate(SAID, transcribe(answer.content)) <= 0.15


def test_a_declared_voice_that_is_a_mix_can_be_understood(client: httpx2.Client) -> None:
    answer = speak(client, "blend")
    assert answer.status_code == 200
    assert word_error_rate(SAID, transcribe(answer.content)) <= 0.15


def test_a_wrong_mix_is_refused_with_what_to_write(client: httpx2.Client) -> None:
    answer = speak(client, "ana*0+am_michael")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "invalid_value", "voice")
    assert "ana*0.3+ben*0.7" in error["suggestion"]


def test_every_preset_is_listed_with_the_language_that_it_speaks(client: httpx2.Client) -> None:
    listed = client.get("/v1/audio/voices").json()["voices"]
    languages = {voice["id"]: voice["languages"] for voice in listed}
    assert {"ana", "blend", "af_heart", "bm_george"} <= languages.keys()
    for voice, tags in languages.items():
        if voice.startswith(("af_", "am_")):
            assert tags == ["en-US"]
        if voice.startswith(("bf_", "bm_")):
            assert tags == ["en-GB"]

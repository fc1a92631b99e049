"""What programs that know OpenAI's speech API read and send, exactly as they do it."""

from typing import Any

import httpx2
import pytest

from tests.support.audio import decode
from tests.support.runtime import RuntimeProcess

OPEN_WEBUI_HEADERS = {
    "Authorization": "Bearer none",
    "X-OpenWebUI-User-Name": "Jo%20Doe",
    "X-OpenWebUI-User-Id": "1",
    "X-OpenWebUI-User-Email": "jo@example.org",
    "X-OpenWebUI-User-Role": "admin",
}


SPEECH = "/v1/audio/speech"
HOME_ASSISTANT_HEADERS = {
    "User-Agent": "HomeAssistant-OpenAI-TTS",
    "Authorization": "Bearer none",
}


class TestOpenWebui:
    """Its administrator enters the base address with /v1; it adds /audio/… to it."""

    def test_finds_the_voices_by_id_with_their_names(self, http: httpx2.Client) -> None:
        answer = http.get("/v1/audio/voices", headers=OPEN_WEBUI_HEADERS)
        answer.raise_for_status()
        voices = {voice["id"]: voice["name"] for voice in answer.json()["voices"]}
        assert voices == {"ana": "Ana", "heart": "heart"}

    def test_finds_the_models(self, http: httpx2.Client) -> None:
        answer = http.get("/v1/audio/models", headers=OPEN_WEBUI_HEADERS)
        answer.raise_for_status()
        models = [model["id"] for model in answer.json()["models"]]
        assert models == ["hibari", "tts-1", "tts-1-hd", "gpt-4o-mini-tts"]

    def test_gets_mp3_without_asking_for_it(self, http: httpx2.Client) -> None:
        order = {"input": "A chat's answer.", "voice": "alloy", "model": "tts-1"}
        answer = http.post(SPEECH, json=order, headers=OPEN_WEBUI_HEADERS)
        answer.raise_for_status()
        assert answer.headers["content-type"] == "audio/mpeg"
        assert decode(answer.content).seconds > 0.5

    def test_shows_why_it_failed(self, http: httpx2.Client) -> None:
        order = {"input": "A chat's answer.", "voice": "nobody", "model": "tts-1"}
        answer = http.post(SPEECH, json=order, headers=OPEN_WEBUI_HEADERS)
        assert "nobody" in answer.json()["error"]["message"]


class TestHomeAssistant:
    """Its openai_tts takes the address of /v1/audio/speech, and looks for voices beside it."""

    def test_finds_the_voices_beside_the_speech(self, http: httpx2.Client) -> None:
        beside = SPEECH.rsplit("/", 1)[0] + "/voices"
        answer = http.get(beside, params={"limit": 100}, headers=HOME_ASSISTANT_HEADERS)
        assert answer.status_code == 200
        payload = answer.json()
        found = payload.get("items") or payload.get("data") or payload.get("voices")
        assert [(voice["id"], voice["name"]) for voice in found] == [
            ("ana", "Ana"),
            ("heart", "heart"),
        ]

    @pytest.mark.parametrize("speed", [1, 1.0, "1.0"])
    def test_gets_a_wav_at_a_speed(self, http: httpx2.Client, speed: Any) -> None:
        order = {
            "model": "tts-1",
            "input": "The washing machine is done.",
            "voice": "shimmer",
            "response_format": "wav",
            "speed": speed,
        }
        answer = http.post(SPEECH, json=order, headers=HOME_ASSISTANT_HEADERS)
        assert answer.status_code == 200, answer.text
        assert decode(answer.content).seconds > 1


def test_an_openai_client_lists_the_models(runtime: RuntimeProcess) -> None:
    answer = httpx2.get(f"{runtime.url}/v1/models", headers={"Authorization": "Bearer none"})
    listed = answer.json()
    assert listed["object"] == "list"
    assert all(set(model) >= {"id", "object", "created", "owned_by"} for model in listed["data"])

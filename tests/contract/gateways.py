"""How the tests of gateways ask them."""

import httpx2

from tests.support.runtime import eventually

TIMEOUT = 60.0


WITHIN = 10.0


LONG_TEXT = " ".join(f"This is sentence number {number} of a long text." for number in range(80))


def body(text: object = "Hello there.", **more: object) -> dict[str, object]:
    return {"model": "tts-1", "voice": "ana", "input": text, "response_format": "wav", **more}


def speak(url: str, **more: object) -> httpx2.Response:
    return httpx2.post(f"{url}/v1/audio/speech", json=body(**more), timeout=TIMEOUT)


def upstreams(url: str) -> dict[str, dict[str, object]]:
    listed = httpx2.get(f"{url}/status").json()["upstreams"]
    return {each["name"]: each for each in listed}


def wait_for(url: str, name: str, state: str) -> None:
    eventually(
        lambda: upstreams(url)[name]["state"] == state, within=WITHIN, what=f"{name} is {state}"
    )

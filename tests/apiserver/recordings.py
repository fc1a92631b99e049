"""Recordings in objects of a cluster, and the voices that are to sound like them."""

import base64

from speaker_operator.kube.resources import SECRET, VOICE
from tests.apiserver.api import Api, Json, eventually, voice
from tests.support.clips import voiced, wav
from tests.support.kubernetes import condition

TOLD_SECONDS = 15
CLONES = {"image": "registry.test/a-runtime-that:clones"}
CONSENT = {
    "statement": "My voice may be cloned for audiobooks.",
    "givenBy": "Ana",
    "recordedAt": "2026-11-29T10:00:00Z",
}


def clip(pitch: float) -> bytes:
    """Four seconds of somebody; 64 kB."""
    return wav(voiced(pitch, rate=8000), 8000)


LOW = clip(110)


def holder(kind: str, name: str, content: bytes, key: str = "clip.wav") -> Json:
    """A Secret or ConfigMap with a recording."""
    field = "data" if kind == SECRET.kind else "binaryData"
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": name},
        field: {key: base64.b64encode(content).decode()},
    }


def clone(name: str, *audio: Json, **other: object) -> Json:
    """A Voice of recordings, with everything that it takes."""
    declared = voice(name, reference={"audio": list(audio)}, license="CC-BY-4.0", consent=CONSENT)
    del declared["spec"]["preset"]
    declared["spec"] |= other
    return declared


def of_secret(name: str, key: str = "clip.wav") -> Json:
    return {"secretKeyRef": {"name": name, "key": key}}


def of_config_map(name: str, key: str = "clip.wav") -> Json:
    return {"configMapKeyRef": {"name": name, "key": key}}


def await_reason(api: Api, name: str, reason: str) -> str:
    """The message of the voice's Ready, once it has the reason."""

    def told() -> str | None:
        found = condition(api.require(VOICE, name), "Ready")
        return found["message"] if found.get("reason") == reason else None

    return eventually(told, within=TOLD_SECONDS, what=f"{name} is {reason}")

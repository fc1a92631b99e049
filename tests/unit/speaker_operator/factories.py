"""Small objects for tests: say only what the test is about."""

from collections.abc import Mapping
from typing import Any

from speaker_operator.api.admission import admit
from speaker_operator.api.v1alpha1 import TTSService, Voice
from speaker_operator.api.v1alpha1.common import API_VERSION
from speaker_operator.render.images import ImageSettings
from speaker_operator.render.settings import RenderSettings

PUBLIC_KEY = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"  # RFC 8037, appendix A
SETTINGS = RenderSettings(
    ImageSettings("speaker-tts-runtime:{engine}-1.2.3"),
    public_key=PUBLIC_KEY,
)
UID = "11111111-2222-3333-4444-555555555555"

Json = dict[str, Any]


def service_manifest(name: str = "hello", /, **spec: Any) -> Json:
    """A TTSService as the API server gives it."""
    return {
        "apiVersion": API_VERSION,
        "kind": "TTSService",
        "metadata": {
            "name": name,
            "namespace": "speech",
            "uid": UID,
            "generation": 3,
            "resourceVersion": "7",
        },
        "spec": {"backend": "hibari", **spec},
    }


def service(name: str = "hello", /, **spec: Any) -> TTSService:
    """A service that admission lets pass."""
    admitted = admit(service_manifest(name, **spec))
    assert isinstance(admitted, TTSService)
    return admitted


TERMS: Json = {
    "license": "CC-BY-4.0",
    "consent": {
        "statement": "My voice may be cloned.",
        "givenBy": "Ana",
        "recordedAt": "2026-11-29T10:00:00Z",
    },
}
"""Without which no recording becomes a voice."""


def voice_manifest(
    name: str = "ana", labels: Mapping[str, str] | None = None, /, **spec: Any
) -> Json:
    """A Voice as the API server gives it."""
    return {
        "apiVersion": API_VERSION,
        "kind": "Voice",
        "metadata": {
            "name": name,
            "namespace": "speech",
            "uid": f"uid-of-{name}",
            "generation": 1,
            "resourceVersion": "8",
            "labels": dict(labels or {}),
        },
        "spec": {"languages": ["en"], "preset": "heart", **spec},
    }


def voice(name: str = "ana", labels: Mapping[str, str] | None = None, /, **spec: Any) -> Voice:
    """A voice that admission lets pass."""
    admitted = admit(voice_manifest(name, labels, **spec))
    assert isinstance(admitted, Voice)
    return admitted

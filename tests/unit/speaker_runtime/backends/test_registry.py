"""Backends by name."""

from pathlib import Path

import pytest

from speaker_runtime.backends import registry
from speaker_runtime.contract import ModelConfig

MODEL = ModelConfig(source="package://hibari-tts", directory=Path("nowhere"))


def test_the_installed_backends_are_known() -> None:
    assert "hibari" in registry.available()


def test_a_backend_is_made_without_reading_anything() -> None:
    assert type(registry.create("hibari", MODEL)).__name__ == "HibariBackend"


def test_an_unknown_backend_is_answered_with_the_known() -> None:
    with pytest.raises(registry.UnknownBackendError, match="hibari") as failed:
        registry.create("nothing", MODEL)
    assert failed.value.name == "nothing"

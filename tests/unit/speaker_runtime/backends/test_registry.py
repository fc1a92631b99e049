"""Backends by name."""

import pytest

from speaker_runtime.backends import registry


def test_the_installed_backends_are_known() -> None:
    assert "hibari" in registry.available()


def test_a_backend_is_found_by_its_name() -> None:
    assert getattr(registry.load("hibari"), "__name__", "") == "HibariBackend"


def test_an_unknown_backend_is_answered_with_the_known() -> None:
    with pytest.raises(registry.UnknownBackendError, match="hibari") as failed:
        registry.load("nothing")
    assert failed.value.name == "nothing"

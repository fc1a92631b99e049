"""Which cache a configuration gets."""

import logging
from pathlib import Path

import pytest

from speaker_runtime.contract import (
    AudioCacheConfig,
    ModelConfig,
    RuntimeConfig,
    ServingConfig,
)
from speaker_runtime.services.cache.opening import open_cache
from tests.unit.speaker_runtime.services.cache.counting import Counted


def config(directory: Path | None) -> RuntimeConfig:
    kept = directory and AudioCacheConfig(directory=directory, max_bytes=2**24)
    return RuntimeConfig(
        service="test",
        backend="hibari",
        model=ModelConfig(source="package://hibari-tts", directory=Path("nowhere")),
        serving=ServingConfig(audio_cache=kept),
    )


def test_without_a_folder_and_a_server_nothing_is_kept() -> None:
    assert open_cache(config(None), None, Counted().metrics) is None


def test_a_folder_that_cannot_be_used_costs_the_cache_and_not_the_service(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    with caplog.at_level(logging.WARNING):
        assert open_cache(config(tmp_path / "file" / "audio"), None, Counted().metrics) is None
    assert "nothing is kept on disk" in caplog.text


def test_a_folder_that_is_missing_is_made(tmp_path: Path) -> None:
    cache = open_cache(config(tmp_path / "deep" / "audio"), None, Counted().metrics)
    assert cache is not None
    cache.close()
    assert (tmp_path / "deep" / "audio").is_dir()

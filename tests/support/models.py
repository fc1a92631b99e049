"""Fetch a model from an address, and look at what came of it."""

from pathlib import Path

import pytest

from speaker_runtime.contract import ModelConfig
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.fetching import fetch
from speaker_runtime.models.sources.base import Progress
from speaker_runtime.models.store import open_model


def config(tmp_path: Path, source: str) -> ModelConfig:
    return ModelConfig(source=source, directory=tmp_path / "model")


def ignore(_: Progress) -> None:
    pass


def fetched(tmp_path: Path, source: str) -> dict[str, bytes]:
    asked = config(tmp_path, source)
    fetch(asked, ignore)
    stored = open_model(asked)
    return {entry.name: stored.path(entry.name).read_bytes() for entry in stored.manifest.files}


def failure(tmp_path: Path, source: str) -> ModelError:
    with pytest.raises(ModelError) as failed:
        fetch(config(tmp_path, source), ignore)
    assert failed.value.remedy
    return failed.value

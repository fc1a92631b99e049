"""Fetch a model from an address, and look at what came of it."""

import hashlib
from pathlib import Path

import pytest

from speaker_runtime.contract import ModelConfig
from speaker_runtime.models import manifest as manifests
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.fetching import fetch
from speaker_runtime.models.manifest import MANIFEST_FILE, FileEntry
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


def offer(directory: Path) -> str:
    """Offer a directory's files with a manifest of theirs; gives the address."""
    entries = [
        FileEntry(
            name=str(path.relative_to(directory)),
            size=path.stat().st_size,
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in directory.rglob("*")
        if path.is_file() and path.name != MANIFEST_FILE
    ]
    manifest = manifests.build("file:///original", entries)
    (directory / MANIFEST_FILE).write_text(manifest.to_json())
    return f"file://{directory}"


def failure(tmp_path: Path, source: str) -> ModelError:
    with pytest.raises(ModelError) as failed:
        fetch(config(tmp_path, source), ignore)
    assert failed.value.remedy
    return failed.value

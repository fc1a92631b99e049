"""A model's directory, as :mod:`speaker_runtime.models.fetching` filled it."""

import hashlib
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from speaker_runtime.contract import ExitCode, ModelConfig
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.licenses import require_accepted
from speaker_runtime.models.manifest import MANIFEST_FILE, FileEntry, ModelManifest

FETCH_COMMAND: Final = "speaker-runtime model fetch"
_AHEAD: Final = 4 * 2**20
"""Bytes that the system is asked at a time to read ahead."""


@dataclass(frozen=True)
class StoredModel:
    """A model whose files lie complete in ``directory``."""

    directory: Path
    manifest: ModelManifest

    def path(self, name: str) -> Path:
        """Where the file ``name`` lies.

        Raises:
            ModelError: The model has no such file.
        """
        if all(entry.name != name for entry in self.manifest.files):
            raise ModelError(
                ExitCode.MODEL_UNAVAILABLE,
                f"The model {self.manifest.source} has no file {name}.",
                "Name a model.source that fits the backend.",
            )
        return self.directory / name

    def read_ahead(self) -> threading.Thread:
        """Let the system read the files from their disk while this process does something else.

        Whoever maps a file waits for one part of it after the other, and most of a start is spent
        on imports. Gives the thread that asks for it, which is waited for where the disk is slow.
        """
        thread = threading.Thread(target=self._read_ahead, name="read-ahead", daemon=True)
        thread.start()
        return thread

    def _read_ahead(self) -> None:
        if not hasattr(os, "posix_fadvise"):  # as on macOS
            return
        for entry in self.manifest.files:
            with (self.directory / entry.name).open("rb") as stream:
                # Of one larger request, Linux does as much as this and forgets the rest.
                for start in range(0, entry.size, _AHEAD):
                    os.posix_fadvise(stream.fileno(), start, _AHEAD, os.POSIX_FADV_WILLNEED)


def open_model(config: ModelConfig) -> StoredModel:
    """Open what was fetched, checking that it is this source's and that no file is cut short.

    Digests are not computed here: `fetch` does that, before every start of a pod, and hashing
    gigabytes once more would delay readiness.

    Raises:
        ModelError: Nothing was fetched, it is another model, a file is missing or cut short, or the
            model's licence asks to be accepted.
    """
    stored = read_manifest(config.directory)
    if stored is None:
        raise ModelError(
            ExitCode.MODEL_UNAVAILABLE,
            f"{config.directory} holds no fetched model.",
            f"Run `{FETCH_COMMAND} --config DIR` first.",
        )
    if stored.source != config.source:
        raise ModelError(
            ExitCode.MODEL_UNAVAILABLE,
            f"{config.directory} holds {stored.source}, but model.source is {config.source}.",
            f"Run `{FETCH_COMMAND} --config DIR`, or name another model.directory.",
        )
    require_accepted(stored.accept_license, config)
    for entry in stored.files:
        if size_of(config.directory / entry.name) != entry.size:
            raise ModelError(
                ExitCode.MODEL_CORRUPT,
                f"{config.directory / entry.name} is missing or not {entry.size} bytes long.",
                f"Run `{FETCH_COMMAND} --config DIR`, which repairs it.",
            )
    return StoredModel(config.directory, stored)


def verify(config: ModelConfig) -> StoredModel:
    """Open what was fetched, comparing every byte with its digest.

    Raises:
        ModelError: As of :func:`open_model`, or a file has other content.
    """
    stored = open_model(config)
    damaged = [each.name for each in stored.manifest.files if not is_intact(stored.directory, each)]
    if damaged:
        raise ModelError(
            ExitCode.MODEL_CORRUPT,
            f"In {stored.directory} these files are damaged: {', '.join(damaged)}.",
            f"Run `{FETCH_COMMAND} --config DIR`, which repairs them.",
        )
    return stored


def stored_models(cache: Path) -> Sequence[StoredModel]:
    """Every model below a model cache, by its directory's name.

    Raises:
        ModelError: One of them is damaged.
    """
    found = ((path.parent, read_manifest(path.parent)) for path in cache.glob(f"*/{MANIFEST_FILE}"))
    return sorted(
        (StoredModel(directory, manifest) for directory, manifest in found if manifest),
        key=lambda each: each.directory,
    )


def read_manifest(directory: Path) -> ModelManifest | None:
    """What ``directory`` should hold; None where nothing was ever fetched.

    Raises:
        ModelError: The manifest is damaged.
    """
    try:
        text = (directory / MANIFEST_FILE).read_bytes()
        return ModelManifest.model_validate_json(text)
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise ModelError(
            ExitCode.MODEL_CORRUPT,
            f"{directory / MANIFEST_FILE} cannot be read: {error}.",
            f"Delete it and run `{FETCH_COMMAND} --config DIR`.",
        ) from error


def size_of(path: Path) -> int | None:
    """Bytes of a file; None if there is none."""
    return path.stat().st_size if path.is_file() else None


def is_intact(directory: Path, entry: FileEntry) -> bool:
    """Whether a file lies there with the size and digest that it should have."""
    path = directory / entry.name
    if size_of(path) != entry.size:
        return False
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == entry.sha256

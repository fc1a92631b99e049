"""A model's directory: :func:`fetch` alone fills it, :func:`open_model` reads it."""

import errno
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from pydantic import ValidationError

from speaker_runtime.contract import ExitCode, ModelConfig
from speaker_runtime.models import manifest as manifests
from speaker_runtime.models import sources
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.manifest import MANIFEST_FILE, FileEntry, ModelManifest

FETCH_COMMAND: Final = "speaker-runtime model fetch"
_BLOCK: Final = 1 << 20
_PARTIAL: Final = ".partial"
_ABANDONED_SECONDS: Final = 3600.0
"""A partial file this old belongs to a fetch that died: the slowest block takes far less."""


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


@dataclass(frozen=True)
class Progress:
    """How far a fetch has come; sizes in bytes."""

    file: str
    done: int
    total: int


@dataclass(frozen=True)
class Fetched:
    """How a fetch ended; ``copied`` is 0 where everything was there already."""

    model: StoredModel
    copied: int


def open_model(config: ModelConfig) -> StoredModel:
    """Open what was fetched, checking that it is this source's and that no file is cut short.

    Digests are not computed here: `fetch` does that, before every start of a pod, and hashing
    gigabytes once more would delay readiness.

    Raises:
        ModelError: Nothing was fetched, it is another model, or a file is missing or cut short.
    """
    stored = _read_manifest(config.directory)
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
    for entry in stored.files:
        if _size(config.directory / entry.name) != entry.size:
            raise ModelError(
                ExitCode.MODEL_CORRUPT,
                f"{config.directory / entry.name} is missing or not {entry.size} bytes long.",
                f"Run `{FETCH_COMMAND} --config DIR`, which repairs it.",
            )
    return StoredModel(config.directory, stored)


def fetch(config: ModelConfig, report: Callable[[Progress], None]) -> Fetched:
    """Bring the model's files into its directory; what is there and right stays untouched.

    Every file is written beside its place, checked and renamed, and the manifest comes last, so
    an interrupted fetch never looks complete, and several at once do each other no harm.

    Raises:
        ModelError: The source, the digest or the space was not as needed.
    """
    source, location = sources.resolve(config.source)
    wanted = manifests.build(config.source, source.list(location))
    directory = config.directory
    with _storage_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(directory)
        missing = [entry for entry in wanted.files if not _is_intact(directory, entry)]
        _require_space(directory, sum(entry.size for entry in missing))
        done = wanted.size - sum(entry.size for entry in missing)
        for entry in missing:
            with source.open(location, entry) as stream:
                for count in _install(stream, directory, entry):
                    done += count
                    report(Progress(entry.name, done, wanted.size))
        if _read_manifest(directory) != wanted:
            _write(directory / MANIFEST_FILE, wanted.to_json().encode())
    return Fetched(StoredModel(directory, wanted), sum(entry.size for entry in missing))


def _read_manifest(directory: Path) -> ModelManifest | None:
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


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _is_intact(directory: Path, entry: FileEntry) -> bool:
    path = directory / entry.name
    if _size(path) != entry.size:
        return False
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == entry.sha256


def _require_space(directory: Path, needed: int) -> None:
    free = shutil.disk_usage(directory).free
    if needed > free:
        raise ModelError(
            ExitCode.NO_SPACE,
            f"The model needs {needed} bytes more in {directory}, but {free} are free.",
            "Make the cache volume larger (spec.cache.size).",
        )


def _install(stream: BinaryIO, directory: Path, entry: FileEntry) -> Iterator[int]:
    """Copy ``stream`` to its place, yielding the bytes of each block written."""
    target = directory / entry.name
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with _replacing(target) as out:
        while block := stream.read(_BLOCK):
            digest.update(block)
            out.write(block)
            yield len(block)
        if digest.hexdigest() != entry.sha256:
            raise ModelError(
                ExitCode.MODEL_CORRUPT,
                f"{entry.name} was read with sha256 {digest.hexdigest()}, not {entry.sha256}.",
                "Its source is damaged or was changed: install it anew or name another one.",
            )


def _write(target: Path, content: bytes) -> None:
    with _replacing(target) as out:
        out.write(content)


@contextmanager
def _replacing(target: Path) -> Iterator[BinaryIO]:
    """Write a file that takes ``target``'s place only when the block ends without an error."""
    descriptor, name = tempfile.mkstemp(
        prefix=f".{target.name}.", suffix=_PARTIAL, dir=target.parent
    )
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        # mkstemp makes files that only their owner reads; pods of other users share the cache.
        partial.chmod(0o644)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _remove_abandoned(directory: Path) -> None:
    oldest = time.time() - _ABANDONED_SECONDS
    for partial in directory.rglob(f".*{_PARTIAL}"):
        with suppress(FileNotFoundError):  # another fetch was quicker
            if partial.stat().st_mtime < oldest:
                partial.unlink()


@contextmanager
def _storage_errors(directory: Path) -> Iterator[None]:
    """Tell a full disk from one that cannot be written at all."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ModelError(
                ExitCode.NO_SPACE,
                f"{directory} is full: {error}.",
                "Make the cache volume larger (spec.cache.size).",
            ) from error
        raise ModelError(
            ExitCode.FAILED,
            f"{directory} cannot be written: {error}.",
            "Name a model.directory that this user may write.",
        ) from error

"""Brings a model's files into its directory: only what is missing, and checked."""

import errno
import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from speaker_runtime.contract import ExitCode, ModelConfig
from speaker_runtime.models import manifest as manifests
from speaker_runtime.models import sources
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.files import install, remove_abandoned, write
from speaker_runtime.models.manifest import MANIFEST_FILE, FileEntry, ModelManifest
from speaker_runtime.models.sources.base import Progress, Workspace
from speaker_runtime.models.store import StoredModel, read_manifest, size_of

if TYPE_CHECKING:
    from speaker_runtime.models.web import Web

_ARCHIVES: Final = ".archives"


@dataclass(frozen=True)
class Fetched:
    """How a fetch ended; ``copied`` is 0 where everything was there already."""

    model: StoredModel
    copied: int


def fetch(config: ModelConfig, report: Callable[[Progress], None]) -> Fetched:
    """Bring the model's files into its directory; what is there and right stays untouched.

    Every file is written beside its place, checked and renamed, and the manifest comes last, so
    an interrupted fetch never looks complete, and several at once do each other no harm. What an
    interrupted one has brought is used by the next.

    Raises:
        ModelError: The source, the digest or the space was not as needed.
    """
    directory = config.directory
    archives = directory / _ARCHIVES
    source = sources.resolve(config.source, Workspace(archives, _web, report))
    with _storage_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
        wanted = None if source.local else _settled(config)
        if wanted is None:
            wanted = manifests.build(config.source, source.list())
        missing = [entry for entry in wanted.files if not _is_intact(directory, entry)]
        _require_space(directory, sum(entry.size for entry in missing))
        done = wanted.size - sum(entry.size for entry in missing)
        for entry in missing:
            read = partial(source.read, entry)
            for count in install(read, directory / entry.name, f"sha256:{entry.sha256}"):
                done += count
                report(Progress(entry.name, done, wanted.size))
        if read_manifest(directory) != wanted:
            write(directory / MANIFEST_FILE, wanted.to_json().encode())
        shutil.rmtree(archives, ignore_errors=True)
        remove_abandoned(directory)
    return Fetched(StoredModel(directory, wanted), sum(entry.size for entry in missing))


def _web() -> "Web":
    from speaker_runtime.models.web import Web  # noqa: PLC0415  as long to import as all the rest

    return Web()


def _settled(config: ModelConfig) -> ModelManifest | None:
    """What was fetched from this very address before, so that it need not be asked again."""
    stored = read_manifest(config.directory)
    return stored if stored is not None and stored.source == config.source else None


def _is_intact(directory: Path, entry: FileEntry) -> bool:
    path = directory / entry.name
    if size_of(path) != entry.size:
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

"""Brings a model's files into its directory: only what is missing, and checked."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from speaker_runtime.contract import ExitCode, ModelConfig
from speaker_runtime.models import manifest as manifests
from speaker_runtime.models import sources
from speaker_runtime.models.bundle import opened
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.files import install, remove_abandoned, storage_errors, write
from speaker_runtime.models.licenses import require_accepted
from speaker_runtime.models.manifest import MANIFEST_FILE, FileEntry, ModelManifest
from speaker_runtime.models.sources.base import Progress, Workspace
from speaker_runtime.models.store import StoredModel, is_intact, read_manifest

if TYPE_CHECKING:
    from speaker_runtime.models.web import Web

_ARCHIVES: Final = ".archives"


@dataclass(frozen=True)
class Fetched:
    """How a fetch ended; ``copied`` is 0 where everything was there already."""

    model: StoredModel
    copied: int


def fetch(
    config: ModelConfig, report: Callable[[Progress], None], *, capacity: int | None = None
) -> Fetched:
    """Bring the model's files into its directory; what is there and right stays untouched.

    Every file is written beside its place, checked and renamed, and the manifest comes last, so
    an interrupted fetch never looks complete, and several at once do each other no harm. What an
    interrupted one has brought is used by the next.

    Args:
        config: Which model, and where to.
        report: Told how far it is.
        capacity: Bytes of the volume, where the file system that it lies on is larger.

    Raises:
        ModelError: The source, the digest or the space was not as needed, or the model's licence
            asks to be accepted.
    """
    directory = config.directory
    archives = directory / _ARCHIVES
    source = sources.resolve(config.source, Workspace(archives, _web, report))
    with storage_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
        wanted = None if source.local else _settled(config)
        license_name = source.license() if wanted is None else wanted.accept_license
        require_accepted(license_name, config)
        if wanted is None:
            wanted = manifests.build(config.source, source.list(), license_name)
        _require_capacity(directory, wanted, source.scratch, capacity)
        result = _bring(directory, wanted, source.read, report, scratch=source.scratch)
        shutil.rmtree(archives, ignore_errors=True)
        remove_abandoned(directory)
    return result


def check_source(config: ModelConfig) -> None:
    """Look at the address alone; nothing is asked for.

    Raises:
        ModelError: It cannot be a model's.
    """
    sources.resolve(config.source, Workspace(config.directory / _ARCHIVES, _web, lambda _: None))


def load(config: ModelConfig, bundle: Path, report: Callable[[Progress], None]) -> Fetched:
    """Bring the files of a bundle that :func:`speaker_runtime.models.bundle.pack` wrote.

    Raises:
        ModelError: It is no bundle, or another model's, or the digest or the space is wrong, or the
            model's licence asks to be accepted.
    """
    with opened(bundle) as packed, storage_errors(config.directory):
        if packed.manifest.source != config.source:
            raise ModelError(
                ExitCode.INVALID_CONFIG,
                f"{bundle} holds {packed.manifest.source}, but model.source is {config.source}.",
                "Name the bundle of this model, or correct model.source.",
            )
        require_accepted(packed.manifest.accept_license, config)
        config.directory.mkdir(parents=True, exist_ok=True)
        return _bring(config.directory, packed.manifest, packed.read, report)


def _bring(
    directory: Path,
    wanted: ModelManifest,
    read: Callable[[FileEntry, int], Iterator[bytes]],
    report: Callable[[Progress], None],
    *,
    scratch: int = 0,
) -> Fetched:
    """Install what is missing of ``wanted``, and then its manifest."""
    missing = [entry for entry in wanted.files if not is_intact(directory, entry)]
    needed = sum(entry.size for entry in missing)
    _require_space(directory, needed + (scratch if missing else 0))
    done = wanted.size - needed
    for entry in missing:
        content = partial(read, entry)
        for count in install(content, directory / entry.name, f"sha256:{entry.sha256}"):
            done += count
            report(Progress(entry.name, done, wanted.size))
    if read_manifest(directory) != wanted:
        write(directory / MANIFEST_FILE, wanted.to_json().encode())
    return Fetched(StoredModel(directory, wanted), needed)


def _web() -> "Web":
    from speaker_runtime.models.web import Web  # noqa: PLC0415  as long to import as all the rest

    return Web()


def _settled(config: ModelConfig) -> ModelManifest | None:
    """What was fetched from this very address before, so that it need not be asked again."""
    stored = read_manifest(config.directory)
    return stored if stored is not None and stored.source == config.source else None


def _require_capacity(
    directory: Path, wanted: ModelManifest, scratch: int, capacity: int | None
) -> None:
    """Not every volume is a file system of its own: one that is too small may not show it."""
    if capacity is not None and wanted.size + scratch > capacity:
        beside = f", and {scratch} bytes beside them while it is fetched" if scratch else ""
        raise ModelError(
            ExitCode.NO_SPACE,
            f"The model's files have {wanted.size} bytes{beside}; the volume at {directory} was "
            f"made for {capacity}.",
            "Make the cache volume larger (spec.cache.size).",
        )


def _require_space(directory: Path, needed: int) -> None:
    free = shutil.disk_usage(directory).free
    if needed > free:
        raise ModelError(
            ExitCode.NO_SPACE,
            f"The model needs {needed} bytes more in {directory}, but {free} are free.",
            "Make the cache volume larger (spec.cache.size).",
        )

"""Brings a model's files into its directory: only what is missing, and checked."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from speaker_runtime.contract import ExitCode, ModelConfig
from speaker_runtime.models import manifest as manifests
from speaker_runtime.models import sources
from speaker_runtime.models.bundle import opened
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.files import install, remove_abandoned, storage_errors, write
from speaker_runtime.models.licenses import require_accepted, together
from speaker_runtime.models.manifest import MANIFEST_FILE, FileEntry, ModelManifest
from speaker_runtime.models.recipe import Recipe
from speaker_runtime.models.sources.base import Progress, Source, Workspace
from speaker_runtime.models.sources.converted import ConvertedSource
from speaker_runtime.models.space import Space
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
    config: ModelConfig,
    report: Callable[[Progress], None],
    *,
    capacity: int | None = None,
    recipe: Recipe | None = None,
) -> Fetched:
    """Bring the model's files into its directory; what is there and right stays untouched.

    Every file is written beside its place, checked and renamed, and the manifest comes last, so
    an interrupted fetch never looks complete, and several at once do each other no harm. What an
    interrupted one has brought is used by the next.

    Args:
        config: Which model, and where to.
        report: Told how far it is.
        capacity: Bytes of the volume, where the file system that it lies on is larger.
        recipe: What the backend makes of the published files; they stay as they are without.

    Raises:
        ModelError: The source, the digest or the space was not as needed, or the model's licence
            asks to be accepted.
    """
    directory = config.directory
    archives = directory / _ARCHIVES
    space = Space(directory, capacity)
    source = _source(config.source, Workspace(archives, _web, report), space, recipe)
    with storage_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
        wanted = None if source.local else _settled(config, recipe)
        license_name = source.license() if wanted is None else wanted.accept_license
        require_accepted(license_name, config)
        if wanted is None:
            wanted = _described(config, source, license_name, recipe)
        space.require_capacity(wanted.size, source.scratch)
        result = _bring(space, wanted, source.read, report, scratch=source.scratch)
        shutil.rmtree(archives, ignore_errors=True)
        remove_abandoned(directory)
    return result


def _described(
    config: ModelConfig, source: Source, license_name: str | None, recipe: Recipe | None
) -> ModelManifest:
    """What the source has, once it was asked."""
    try:
        return manifests.build(config.source, source.list(), license_name)
    except FileNotFoundError:
        # Another fetch into the same directory may have ended, and cleaned up, meanwhile.
        settled = _settled(config, recipe)
        if settled is None:
            raise
        return settled


def _source(address: str, workspace: Workspace, space: Space, recipe: Recipe | None) -> Source:
    if recipe is None:
        return sources.resolve(address, workspace)
    choosing = replace(workspace, choose=lambda names: recipe.select(names).names)
    source = sources.resolve(address, choosing)
    return ConvertedSource(source, recipe, workspace, space, sources.resolve)


def check_source(config: ModelConfig) -> None:
    """Look at the address alone; nothing is asked for.

    Raises:
        ModelError: It cannot be a model's.
    """
    sources.resolve(config.source, Workspace(config.directory / _ARCHIVES, _web, lambda _: None))


def load(
    config: ModelConfig,
    bundle: Path,
    report: Callable[[Progress], None],
    *,
    recipe: Recipe | None = None,
) -> Fetched:
    """Bring the files of a bundle that :func:`speaker_runtime.models.bundle.pack` wrote.

    Args:
        config: Which model, and where to.
        bundle: The file.
        report: Told how far it is.
        recipe: Of the backend, if it has one: the bundle has to be of what it makes.

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
        manifest = _usable(packed.manifest, recipe)
        if manifest is None:
            raise ModelError(
                ExitCode.INVALID_CONFIG,
                f"{bundle} holds files as they were published, which the backend cannot load.",
                "Name a bundle that was packed where `model fetch` had fetched for this backend.",
            )
        require_accepted(manifest.accept_license, config)
        config.directory.mkdir(parents=True, exist_ok=True)
        return _bring(Space(config.directory), manifest, packed.read, report)


def _bring(
    space: Space,
    wanted: ModelManifest,
    read: Callable[[FileEntry, int], Iterator[bytes]],
    report: Callable[[Progress], None],
    *,
    scratch: int = 0,
) -> Fetched:
    """Install what is missing of ``wanted``, and then its manifest."""
    directory = space.directory
    missing = [entry for entry in wanted.files if not is_intact(directory, entry)]
    needed = sum(entry.size for entry in missing)
    space.require_free(needed + (scratch if missing else 0))
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


def _settled(config: ModelConfig, recipe: Recipe | None) -> ModelManifest | None:
    """What was fetched from this very address before, so that it need not be asked again."""
    stored = read_manifest(config.directory)
    return _usable(stored, recipe) if stored and stored.source == config.source else None


def _usable(manifest: ModelManifest, recipe: Recipe | None) -> ModelManifest | None:
    """What such files are to the backend that has the recipe; None if it cannot load them."""
    if recipe is None:
        return manifest
    if not recipe.select([entry.name for entry in manifest.files]).finished:
        return None
    both = together(manifest.accept_license, recipe.license)
    return manifest.model_copy(update={"accept_license": both})

"""One tar file with a whole model, to carry to where there is no network."""

import io
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from speaker_runtime.contract import ExitCode, ModelConfig
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.files import BLOCK, skip, storage_errors
from speaker_runtime.models.manifest import MANIFEST_FILE, FileEntry, ModelManifest
from speaker_runtime.models.store import StoredModel, verify

_PARTIAL: Final = ".partial"


@dataclass(frozen=True)
class Bundle:
    """An open bundle."""

    manifest: ModelManifest
    tar: tarfile.TarFile

    def read(self, entry: FileEntry, offset: int) -> Iterator[bytes]:
        """One of the manifest's files, from ``offset`` on.

        Raises:
            ModelError: The bundle lacks it.
        """
        return skip(_member(self.tar, entry.name), offset)


def pack(config: ModelConfig, target: Path) -> StoredModel:
    """Write the fetched model into ``target``; equal models give equal bytes.

    Raises:
        ModelError: Nothing was fetched, or it is damaged, or ``target`` cannot be written.
    """
    stored = verify(config)
    partial = target.with_name(f".{target.name}.{os.getpid()}{_PARTIAL}")
    with storage_errors(target.parent):
        try:
            with tarfile.open(partial, "w", format=tarfile.PAX_FORMAT) as tar:
                manifest = stored.manifest.to_json().encode()
                tar.addfile(_header(MANIFEST_FILE, len(manifest)), io.BytesIO(manifest))
                for entry in stored.manifest.files:
                    with stored.path(entry.name).open("rb") as content:
                        tar.addfile(_header(entry.name, entry.size), content)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    return stored


@contextmanager
def opened(path: Path) -> Iterator[Bundle]:
    """Open a bundle for reading.

    Raises:
        ModelError: It cannot be read, or is no bundle.
    """
    try:
        tar = tarfile.open(path, "r:")  # noqa: SIM115  closed below
    except (OSError, tarfile.TarError) as error:
        raise _no_bundle(path, str(error)) from error
    with tar:
        try:
            manifest = ModelManifest.model_validate_json(b"".join(_member(tar, MANIFEST_FILE)))
        except ValidationError as error:
            raise _no_bundle(path, f"its {MANIFEST_FILE} is none") from error
        yield Bundle(manifest, tar)


def _member(tar: tarfile.TarFile, name: str) -> Iterator[bytes]:
    path = Path(str(tar.name))
    try:
        content = tar.extractfile(name)
        if content is None:
            raise _no_bundle(path, f"its {name} is no file")
        with content:
            while block := content.read(BLOCK):
                yield block
    except KeyError as error:
        raise _no_bundle(path, f"it has no file {name}") from error
    except tarfile.TarError as error:
        raise _no_bundle(path, str(error)) from error


def _header(name: str, size: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.size = size
    return header


def _no_bundle(path: Path, why: str) -> ModelError:
    return ModelError(
        ExitCode.MODEL_UNAVAILABLE,
        f"{path} is no bundle of a model: {why}.",
        "Name a file that `speaker-runtime model pack` wrote.",
    )

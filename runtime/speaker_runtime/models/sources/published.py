"""``pypi://NAME==VERSION/PATH`` and ``npm://NAME@VERSION/PATH``: files of a published package."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import ClassVar

from pydantic import ValidationError

from speaker_runtime.contract import ExitCode
from speaker_runtime.models.archives import Address, Packages
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.manifest import FileEntry
from speaker_runtime.models.sources.base import Workspace


class PublishedSource:
    """Takes a file, or every file below a folder, of one package."""

    local: ClassVar[bool] = False
    scratch: int = 0
    """Its archive is there, and counts as used, once the files are named."""

    def __init__(self, address: str, workspace: Workspace) -> None:
        self._address = Address.parse(address)
        self._packages = Packages(workspace)

    def license(self) -> str | None:
        """None: the licence that a package names is that of its code."""
        return None

    def list(self) -> Sequence[FileEntry]:
        """Download the package and name its files, by their paths below the folder."""
        if not self._paths:
            package = self._address.package
            raise ModelError(
                ExitCode.MODEL_UNAVAILABLE,
                f"The package {package.name} {package.version} has nothing at "
                f"{self._address.path or 'its root'}.",
                "Check the path after the version.",
            )
        return [self._entry(name, path) for name, path in self._paths.items()]

    def read(self, entry: FileEntry, offset: int) -> Iterator[bytes]:
        """Read a file of the package."""
        return self._packages.read(self._at(self._paths[entry.name]), offset)

    @cached_property
    def _paths(self) -> Mapping[str, str]:
        """The model's files: from their names in the model to their paths in the package."""
        files = self._packages.files(self._address.package)
        return {name: path for path in files if (name := _below(self._address.path, path))}

    def _at(self, path: str) -> Address:
        return Address(self._address.package, path)

    def _entry(self, name: str, path: str) -> FileEntry:
        hasher, size = hashlib.sha256(), 0
        for block in self._packages.read(self._at(path)):
            hasher.update(block)
            size += len(block)
        try:
            return FileEntry(name=name, size=size, sha256=hasher.hexdigest())
        except ValidationError as error:
            raise ModelError(
                ExitCode.MODEL_UNAVAILABLE,
                f"The package's file {name!r} has a name that no model's file may have.",
                "Name the folder of the model's files after the version.",
            ) from error


def _below(path: str, file: str) -> str:
    """What a file is called, seen from ``path``; empty if it does not lie there."""
    if file == path:
        return file.rpartition("/")[2]
    folder = f"{path}/" if path else ""
    return file.removeprefix(folder) if file.startswith(folder) else ""

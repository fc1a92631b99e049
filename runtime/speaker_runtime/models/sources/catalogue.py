"""``catalogue://NAME``: a model that this version knows, put together from published packages."""

from collections.abc import Iterator, Sequence
from importlib import resources
from typing import ClassVar, Final

from speaker_runtime.contract import Document, ExitCode
from speaker_runtime.models.archives import Address, Packages
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.files import skip
from speaker_runtime.models.licenses import to_accept
from speaker_runtime.models.manifest import FileEntry
from speaker_runtime.models.sources.base import Workspace

_ROOM: Final = "speaker_runtime.models.catalogue"


class KnownFile(FileEntry):
    """A file of a known model: the files of packages that it is made of, one after the other."""

    parts: tuple[str, ...]


class KnownModel(Document):
    """Every file of a known model."""

    description: str
    license: str
    archive_bytes: int
    files: tuple[KnownFile, ...]


class CatalogueSource:
    """Knows sizes and digests by itself; registries only have to deliver."""

    local: ClassVar[bool] = True

    def __init__(self, address: str, workspace: Workspace) -> None:
        name = address.removeprefix("catalogue://")
        path = resources.files(_ROOM) / f"{name}.json"
        if name not in _names():
            raise ModelError(
                ExitCode.INVALID_CONFIG,
                f"model.source {address!r} names no model of the catalogue.",
                f"Write one of: {', '.join(f'catalogue://{each}' for each in _names())}.",
            )
        self._model = KnownModel.model_validate_json(path.read_bytes())
        self.scratch = self._model.archive_bytes
        self._packages = Packages(workspace)

    def license(self) -> str | None:
        """The model's, where it asks to be accepted."""
        return to_accept(self._model.license)

    def list(self) -> Sequence[FileEntry]:
        """Name the files of the model."""
        return [
            FileEntry(name=each.name, size=each.size, sha256=each.sha256)
            for each in self._model.files
        ]

    def read(self, entry: FileEntry, offset: int) -> Iterator[bytes]:
        """Read a file, part after part, downloading the packages that hold them."""
        (known,) = (each for each in self._model.files if each.name == entry.name)
        parts = (part for each in self._model.files for part in each.parts)
        self._packages.reach(Address.parse(part).package for part in parts)
        return skip(
            (block for part in known.parts for block in self._packages.read(Address.parse(part))),
            offset,
        )


def _names() -> Sequence[str]:
    files = (each.name for each in resources.files(_ROOM).iterdir())
    return sorted(name.removesuffix(".json") for name in files if name.endswith(".json"))

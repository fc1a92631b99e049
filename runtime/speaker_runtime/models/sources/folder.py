"""``file:///PATH``: a model's directory on this machine, or on a volume of the pod."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote

from speaker_runtime.contract import ExitCode
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.files import blocks
from speaker_runtime.models.manifest import MANIFEST_FILE, FileEntry, ModelManifest
from speaker_runtime.models.sources.base import Workspace
from speaker_runtime.models.sources.listing import read_listing, split_pin


class FolderSource:
    """Copies the files that the directory's manifest names."""

    local: ClassVar[bool] = False
    scratch: int = 0

    def __init__(self, address: str, workspace: Workspace) -> None:  # noqa: ARG002  needs none
        directory, self._pin = split_pin(address)
        self._directory = Path(unquote(directory.removeprefix("file://")))
        if not self._directory.is_absolute():
            raise ModelError(
                ExitCode.INVALID_CONFIG,
                f"model.source {address!r} names no absolute path.",
                "Write file:// and a path that begins with /, for example file:///mnt/model.",
            )

    def license(self) -> str | None:
        """The one that the directory's manifest tells of."""
        return self._listing.accept_license

    def list(self) -> Sequence[FileEntry]:
        """Name the files of the directory's manifest."""
        return self._listing.files

    def read(self, entry: FileEntry, offset: int) -> Iterator[bytes]:
        """Read a file of the directory."""
        path = self._directory / entry.name
        try:
            stream = path.open("rb")
        except OSError as error:
            raise _unreadable(path, error) from error
        stream.seek(offset)
        return blocks(stream)

    @cached_property
    def _listing(self) -> ModelManifest:
        path = self._directory / MANIFEST_FILE
        try:
            content = path.read_bytes()
        except OSError as error:
            raise _unreadable(path, error) from error
        return read_listing(content, str(path), self._pin)


def _unreadable(path: Path, error: OSError) -> ModelError:
    return ModelError(
        ExitCode.MODEL_UNAVAILABLE,
        f"{path} cannot be read: {error.strerror}.",
        "Name a directory that `speaker-runtime model fetch` filled.",
    )

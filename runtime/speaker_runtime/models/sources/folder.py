"""Model directories on a file system: ``file:///PATH``, and ``pvc://CLAIM/PATH`` in a pod."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote

from speaker_runtime.contract import CLAIM_SCHEME, ExitCode
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.files import blocks
from speaker_runtime.models.manifest import MANIFEST_FILE, FileEntry
from speaker_runtime.models.sources.base import Workspace
from speaker_runtime.models.sources.listing import OfferedDirectory, split_pin

_FILLED: Final = "Name a directory that `speaker-runtime model fetch` filled."


class _Directory(OfferedDirectory):
    """Copies the files that a directory's manifest names."""

    def __init__(self, directory: Path, pin: str | None) -> None:
        super().__init__(str(directory / MANIFEST_FILE), pin)
        self._directory = directory

    def read(self, entry: FileEntry, offset: int) -> Iterator[bytes]:
        """Read a file of the directory."""
        path = self._directory / entry.name
        try:
            stream = path.open("rb")
        except OSError as error:
            raise _unreadable(path, error) from error
        stream.seek(offset)
        return blocks(stream)

    def _manifest(self) -> bytes:
        path = self._directory / MANIFEST_FILE
        try:
            return path.read_bytes()
        except OSError as error:
            raise _unreadable(path, error) from error


class FolderSource(_Directory):
    """A directory of this machine, or of a volume that is mounted there."""

    def __init__(self, address: str, workspace: Workspace) -> None:  # noqa: ARG002  needs none
        location, pin = split_pin(address)
        directory = Path(unquote(location.removeprefix("file://")))
        if not directory.is_absolute():
            raise ModelError(
                ExitCode.INVALID_CONFIG,
                f"model.source {address!r} names no absolute path.",
                "Write file:// and a path that begins with /, for example file:///mnt/model.",
            )
        super().__init__(directory, pin)


class ClaimSource(_Directory):
    """A directory of a PersistentVolumeClaim, which the operator mounts for the fetch."""

    def __init__(self, address: str, workspace: Workspace) -> None:
        location, pin = split_pin(address)
        path = PurePosixPath(location.removeprefix(CLAIM_SCHEME))
        if path.is_absolute() or ".." in path.parts:
            raise ModelError(
                ExitCode.INVALID_CONFIG,
                f"model.source {address!r} names no directory of a claim.",
                f"Write {CLAIM_SCHEME}CLAIM/PATH, for example {CLAIM_SCHEME}models/kokoro.",
            )
        mount = workspace.claims / path.parts[0]
        if not mount.is_dir():
            raise ModelError(
                ExitCode.INVALID_CONFIG,
                f"model.source {address!r} is on a PersistentVolumeClaim, and {mount}, where the "
                "operator mounts it in a pod, is not there.",
                "Outside a cluster, write file:///PATH with a directory of this machine.",
            )
        super().__init__(workspace.claims / path, pin)


def _unreadable(path: Path, error: OSError) -> ModelError:
    return ModelError(
        ExitCode.MODEL_UNAVAILABLE, f"{path} cannot be read: {error.strerror}.", _FILLED
    )

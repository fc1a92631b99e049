"""``.status.json`` beside a model's files: how far its fetch is, for whoever looks into a cache."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from pydantic import ValidationError

from speaker_runtime.contract import FetchStatus, ModelConfig
from speaker_runtime.models.files import put
from speaker_runtime.models.sources.base import Progress

STATUS_FILE: Final = ".status.json"

_State = Literal["Downloading", "Ready", "Failed"]


class StatusFile:
    """Keeps the status file of one fetch; nobody ever reads half of one.

    Args:
        config: Of the model that is fetched.
        clock: Tells the time.
    """

    def __init__(
        self, config: ModelConfig, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._config = config
        self._clock = clock
        self._latest = Progress("", 0, None)
        self._written = self._latest

    @property
    def latest(self) -> FetchStatus:
        """How far the fetch is this very moment, for whoever asks while it lasts."""
        return self._status("Downloading")

    def progress(self, progress: Progress) -> None:
        """Note that a part has come, once for each percent, or megabyte of an unknown whole."""
        self._latest, before = progress, self._written
        step = progress.total // 100 if progress.total else 1 << 20
        if progress.file != before.file or progress.done - before.done >= step:
            self._written = progress
            self._write("Downloading")

    def done(self, size: int, copied: int) -> None:
        """Note that all ``size`` bytes are there; a fetch that copied nothing leaves no trace."""
        before = read_status(self._config.directory)
        self._latest = Progress("", size, size)
        if copied or (before is not None and before.state != "Ready"):
            self._write("Ready")

    def failed(self, message: str) -> None:
        """Note why the fetch ended."""
        if self._config.directory.is_dir():
            self._write("Failed", message)

    def _write(self, state: _State, message: str | None = None) -> None:
        status = self._status(state, message)
        put(self._config.directory / STATUS_FILE, status.to_json().encode())

    def _status(self, state: _State, message: str | None = None) -> FetchStatus:
        latest = self._latest
        return FetchStatus(
            state=state,
            source=self._config.source,
            time=self._clock(),
            file=latest.file or None,
            bytes=latest.done,
            total_bytes=latest.total,
            message=message,
        )


def read_status(directory: Path) -> FetchStatus | None:
    """The status of the model that belongs into ``directory``; None where there is none to read."""
    try:
        return FetchStatus.model_validate_json((directory / STATUS_FILE).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def unfinished(cache: Path) -> Sequence[tuple[Path, FetchStatus]]:
    """The models below a cache whose fetch has not ended well, by their directories' names."""
    found = ((path.parent, read_status(path.parent)) for path in cache.glob(f"*/{STATUS_FILE}"))
    return sorted(
        ((directory, status) for directory, status in found if status and status.state != "Ready"),
        key=lambda each: each[0],
    )

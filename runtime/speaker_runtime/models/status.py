"""``.status.json`` beside a model's files: how far its fetch is, for whoever looks into a cache."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, TypeAlias

from pydantic import Field, ValidationError

from speaker_runtime.contract import Document, ModelConfig
from speaker_runtime.models.files import put
from speaker_runtime.models.sources.base import Progress

STATUS_FILE: Final = ".status.json"

State: TypeAlias = Literal["Fetching", "Ready", "Failed"]


class FetchStatus(Document):
    """How far the fetch of one model is."""

    state: State
    source: str = Field(description="Address of the model.")
    time: datetime = Field(description="When this was written.")
    file: str | None = Field(default=None, description="What is being fetched.")
    bytes: int = Field(
        default=0,
        ge=0,
        description="How much has come: of the model, or of the package that holds a part of it.",
    )
    total_bytes: int | None = Field(default=None, ge=0, description="Of how much, where known.")
    message: str | None = Field(default=None, description="Why it failed, and what to do.")


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

    def progress(self, progress: Progress) -> None:
        """Note that a part has come, once for each percent, or megabyte of an unknown whole."""
        self._latest, before = progress, self._written
        step = progress.total // 100 if progress.total else 1 << 20
        if progress.file != before.file or progress.done - before.done >= step:
            self._written = progress
            self._write("Fetching")

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

    def _write(self, state: State, message: str | None = None) -> None:
        status = FetchStatus(
            state=state,
            source=self._config.source,
            time=self._clock(),
            file=self._latest.file or None,
            bytes=self._latest.done,
            total_bytes=self._latest.total,
            message=message,
        )
        put(self._config.directory / STATUS_FILE, status.to_json().encode())


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

"""Tells how far a model has come: to a person on a terminal, or as JSON lines to a collector."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from speaker_runtime.models.fetching import Fetched
from speaker_runtime.models.sources.base import Progress

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bars


class Reporter(Protocol):
    """Where a fetch is told about."""

    def progress(self, progress: Progress) -> None:
        """A part has come."""

    def done(self, fetched: Fetched) -> None:
        """Everything is there."""


@contextmanager
def reporter() -> Iterator[Reporter]:
    """The one that suits this process's output."""
    if sys.stdout.isatty():
        from rich.console import Console  # noqa: PLC0415  only a person sees it

        with terminal(Console()) as bar:
            yield bar
    else:
        yield _Lines()


@contextmanager
def terminal(console: "Console") -> Iterator[Reporter]:
    """A bar with size, speed and the time that is left, for a person; gone at the end."""
    from rich import progress  # noqa: PLC0415  only a person sees it

    columns = (
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.DownloadColumn(binary_units=True),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=console, transient=True) as bars:
        yield _Bar(bars)


def print_json(**fields: object) -> None:
    """Print one line."""
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def _told(progress: Progress) -> str:
    """How far it is, coarsely: a percentage, or megabytes where the whole is not known."""
    if progress.total:
        return f"{100 * progress.done // progress.total} %"
    return f"{progress.done >> 20} MiB"


class _Lines:
    """JSON lines for whoever collects the output, at most one for each percent."""

    def __init__(self) -> None:
        self._last = ("", "")

    def progress(self, progress: Progress) -> None:
        now = (progress.file, _told(progress))
        if now == self._last:
            return
        self._last = now
        print_json(
            event="progress", file=progress.file, bytes=progress.done, totalBytes=progress.total
        )

    def done(self, fetched: Fetched) -> None:
        manifest = fetched.model.manifest
        print_json(
            event="done",
            source=manifest.source,
            digest=manifest.digest,
            directory=str(fetched.model.directory),
            bytes=manifest.size,
            copiedBytes=fetched.copied,
        )


class _Bar:
    """Moves a bar; there is none before the first part comes."""

    def __init__(self, bars: "Bars") -> None:
        self._bars = bars
        self._file = ""

    def progress(self, progress: Progress) -> None:
        if progress.file != self._file:
            for task in self._bars.task_ids:
                self._bars.remove_task(task)
            self._bars.add_task(progress.file, total=progress.total, completed=progress.done)
            self._file = progress.file
        self._bars.update(self._bars.task_ids[0], completed=progress.done)

    def done(self, fetched: Fetched) -> None:
        manifest = fetched.model.manifest
        verb = "fetched into" if fetched.copied else "is already in"
        told = f"{manifest.source} {verb} {fetched.model.directory}"
        self._bars.console.print(told, markup=False, highlight=False, soft_wrap=True)

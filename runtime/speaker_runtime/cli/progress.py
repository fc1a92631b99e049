"""Tells how far a model has come: to a person on a terminal, or as JSON lines to a collector."""

import json
import sys
from typing import Protocol

from speaker_runtime.models.fetching import Fetched
from speaker_runtime.models.sources.base import Progress


class Reporter(Protocol):
    """Where a fetch is told about."""

    def progress(self, progress: Progress) -> None:
        """A part has come."""

    def done(self, fetched: Fetched) -> None:
        """Everything is there."""


def reporter() -> Reporter:
    """The one that suits this process's output."""
    return _Terminal() if sys.stdout.isatty() else _Lines()


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


class _Terminal:
    """One line that is rewritten, for a person."""

    def progress(self, progress: Progress) -> None:
        sys.stdout.write(f"\r\x1b[K{progress.file}: {_told(progress)}")
        sys.stdout.flush()

    def done(self, fetched: Fetched) -> None:
        manifest = fetched.model.manifest
        verb = "fetched into" if fetched.copied else "is already in"
        sys.stdout.write(f"\r\x1b[K{manifest.source} {verb} {fetched.model.directory}\n")

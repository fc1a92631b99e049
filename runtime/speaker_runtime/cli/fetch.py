"""``speaker-runtime model fetch``: the init container's work."""

import json
import signal
import sys
from pathlib import Path
from types import FrameType

from speaker_runtime.cli.documents import InvalidConfigError, read_config
from speaker_runtime.cli.ending import end
from speaker_runtime.contract import ExitCode
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.fetching import Fetched, fetch
from speaker_runtime.models.sources.base import Progress


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
        _print_json(
            event="progress", file=progress.file, bytes=progress.done, totalBytes=progress.total
        )

    def done(self, fetched: Fetched) -> None:
        manifest = fetched.model.manifest
        _print_json(
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


def run(directory: Path) -> ExitCode:
    """Fetch the model that the configuration in ``directory`` names."""
    reporter = _Terminal() if sys.stdout.isatty() else _Lines()
    # A pod that is stopped leaves what has arrived so that the next one goes on from there.
    signal.signal(signal.SIGTERM, _end)
    try:
        config = read_config(directory)
        reporter.done(fetch(config.model, reporter.progress))
    except InvalidConfigError as error:
        return end(ExitCode.INVALID_CONFIG, str(error))
    except ModelError as error:
        return end(error.exit_code, str(error))
    return ExitCode.OK


def _end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  as the signal module calls it
    raise SystemExit(128 + number)


def _print_json(**fields: object) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()

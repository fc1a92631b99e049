"""``speaker-runtime model``: brings, checks, lists and carries models."""

import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from speaker_runtime.cli.documents import InvalidConfigError, read_config
from speaker_runtime.cli.ending import end
from speaker_runtime.cli.progress import print_json, reporter
from speaker_runtime.contract import ExitCode, ModelConfig
from speaker_runtime.models import bundle, fetching, store
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.store import StoredModel


def fetch(directory: Path) -> ExitCode:
    """Fetch the model that the configuration in ``directory`` names: the init container's work."""
    to = reporter()
    return _ended(directory, lambda model: to.done(fetching.fetch(model, to.progress)))


def load(directory: Path, path: Path) -> ExitCode:
    """Install the bundle ``path`` as the model that the configuration names."""
    to = reporter()
    return _ended(directory, lambda model: to.done(fetching.load(model, path, to.progress)))


def pack(directory: Path, path: Path) -> ExitCode:
    """Write the fetched model into the bundle ``path``."""
    return _ended(directory, lambda model: _tell("packed", bundle.pack(model, path)))


def verify(directory: Path) -> ExitCode:
    """Compare every byte of the fetched model with its digest."""
    return _ended(directory, lambda model: _tell("verified", store.verify(model)))


def list_models(cache: Path) -> ExitCode:
    """Print what lies in a model cache, a line for each model."""
    try:
        for stored in store.stored_models(cache):
            _tell("model", stored)
    except ModelError as error:
        return end(error.exit_code, str(error))
    return ExitCode.OK


def _ended(directory: Path, work: Callable[[ModelConfig], None]) -> ExitCode:
    # A pod that is stopped leaves what has arrived so that the next one goes on from there.
    signal.signal(signal.SIGTERM, _end)
    try:
        work(read_config(directory).model)
    except InvalidConfigError as error:
        return end(ExitCode.INVALID_CONFIG, str(error))
    except ModelError as error:
        return end(error.exit_code, str(error))
    return ExitCode.OK


def _end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  as the signal module calls it
    raise SystemExit(128 + number)


def _tell(event: str, stored: StoredModel) -> None:
    print_json(
        event=event,
        source=stored.manifest.source,
        digest=stored.manifest.digest,
        directory=str(stored.directory),
        bytes=stored.manifest.size,
    )

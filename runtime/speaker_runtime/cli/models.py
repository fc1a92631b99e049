"""``speaker-runtime model``: brings, checks, lists and carries models."""

import signal
import sys
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from types import FrameType

from speaker_runtime.backends import registry
from speaker_runtime.cli.documents import InvalidConfigError, read_before_fetch, read_config
from speaker_runtime.cli.ending import end, last_words
from speaker_runtime.cli.fetchstatus import answers
from speaker_runtime.cli.progress import print_json, reporter
from speaker_runtime.contract import CUSTOM, ExitCode, FetchReport, ModelConfig, RuntimeConfig
from speaker_runtime.models import bundle, fetching, store
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.fetching import Fetched
from speaker_runtime.models.files import storage_errors
from speaker_runtime.models.recipe import Recipe
from speaker_runtime.models.sources.base import Progress
from speaker_runtime.models.status import StatusFile, unfinished
from speaker_runtime.models.store import StoredModel


def fetch(directory: Path) -> ExitCode:
    """Fetch the model that the configuration in ``directory`` names: the init container's work."""
    return _ended(
        directory,
        lambda config: _bring(config.model, _recipe(config.backend)),
        read_before_fetch,
    )


def fill(
    model: ModelConfig, backend: str | None, capacity: int | None, status: str | None
) -> ExitCode:
    """Fetch a model into a cache that services share: the work of the Job that fills it.

    Args:
        model: Which one, and where to.
        backend: Whose models are made of the published files; they stay as they are if None.
        capacity: Bytes of the cache's volume, where it is known.
        status: ``HOST:PORT`` that answers how far the fetch is; nowhere if None.
    """

    def work() -> None:
        _bring(model, None if backend is None else _recipe(backend), capacity, status)

    return _end_of(work)


def _recipe(backend: str) -> Recipe | None:
    return None if backend == CUSTOM else registry.recipe(backend)


def _bring(
    model: ModelConfig,
    recipe: Recipe | None,
    capacity: int | None = None,
    place: str | None = None,
) -> None:
    work = partial(fetching.fetch, model, capacity=capacity, recipe=recipe)
    manifest = _told(model, work, place).model.manifest
    last_words(FetchReport(digest=manifest.digest, bytes=manifest.size).to_json())


def load(directory: Path, path: Path) -> ExitCode:
    """Install the bundle ``path`` as the model that the configuration names."""

    def work(config: RuntimeConfig) -> None:
        recipe = _recipe(config.backend)
        _told(config.model, partial(fetching.load, config.model, path, recipe=recipe))

    return _ended(directory, work)


def pack(directory: Path, path: Path) -> ExitCode:
    """Write the fetched model into the bundle ``path``."""
    return _ended(directory, lambda config: _tell("packed", bundle.pack(config.model, path)))


def verify(directory: Path) -> ExitCode:
    """Compare every byte of the fetched model with its digest."""
    return _ended(directory, lambda config: _tell("verified", store.verify(config.model)))


def list_models(cache: Path) -> ExitCode:
    """Print what lies in a model cache, a line for each model."""
    try:
        for stored in store.stored_models(cache):
            _tell("model", stored)
        for directory, status in unfinished(cache):
            fields = status.model_dump(mode="json", by_alias=True, exclude_none=True)
            print_json(event="unfinished", directory=str(directory), **fields)
    except ModelError as error:
        return end(error.exit_code, str(error))
    return ExitCode.OK


def _told(
    model: ModelConfig,
    work: Callable[[Callable[[Progress], None]], Fetched],
    place: str | None = None,
) -> Fetched:
    """Do the work, and tell how it goes: to whoever watches or asks, and in its status file."""
    status = StatusFile(model)
    answering = nullcontext() if place is None else answers(lambda: status.latest, place)
    with answering, reporter() as to:

        def progress(progress: Progress) -> None:
            to.progress(progress)
            status.progress(progress)

        try:
            fetched = work(progress)
        except ModelError as error:
            _note_failure(status, error)
            raise
        with storage_errors(model.directory):
            status.done(fetched.model.manifest.size, fetched.copied)
        to.done(fetched)
    return fetched


def _note_failure(status: StatusFile, error: ModelError) -> None:
    try:
        status.failed(str(error))
    except OSError as why:
        sys.stderr.write(f"The model's status file cannot be written: {why}\n")


def _ended(
    directory: Path,
    work: Callable[[RuntimeConfig], object],
    read: Callable[[Path], RuntimeConfig] = read_config,
) -> ExitCode:
    return _end_of(lambda: work(read(directory)))


def _end_of(work: Callable[[], object]) -> ExitCode:
    # A pod that is stopped leaves what has arrived so that the next one goes on from there.
    signal.signal(signal.SIGTERM, _end)
    try:
        work()
    except (InvalidConfigError, registry.UnknownBackendError) as error:
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

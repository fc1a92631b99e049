"""The status file that tells how far a fetch is."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from speaker_runtime.contract import FetchStatus, ModelConfig
from speaker_runtime.models.sources.base import Progress
from speaker_runtime.models.status import (
    STATUS_FILE,
    StatusFile,
    read_status,
    unfinished,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SOURCE = "https://models.example/kokoro"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    path = tmp_path / "cache" / "model"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def status(directory: Path) -> StatusFile:
    return StatusFile(ModelConfig(source=SOURCE, directory=directory), clock=lambda: NOW)


def test_it_says_what_is_fetched_and_how_much_has_come(status: StatusFile, directory: Path) -> None:
    status.progress(Progress("model.onnx", 2_000, 10_000))
    assert read_status(directory) == FetchStatus(
        state="Downloading",
        source=SOURCE,
        time=NOW,
        file="model.onnx",
        bytes=2_000,
        total_bytes=10_000,
    )


def test_it_is_written_once_for_each_percent(status: StatusFile, directory: Path) -> None:
    status.progress(Progress("model.onnx", 2_000, 10_000))
    before = (directory / STATUS_FILE).stat().st_ino
    status.progress(Progress("model.onnx", 2_099, 10_000))
    assert (directory / STATUS_FILE).stat().st_ino == before
    status.progress(Progress("model.onnx", 2_100, 10_000))
    found = read_status(directory)
    assert found is not None
    assert found.bytes == 2_100


def test_it_is_written_once_for_each_megabyte_where_the_whole_is_not_known(
    status: StatusFile, directory: Path
) -> None:
    for kilobytes in (0, 64, 1000):
        status.progress(Progress("voices.tgz", kilobytes << 10, None))
    found = read_status(directory)
    assert found is not None
    assert (found.bytes, found.total_bytes) == (0, None)
    status.progress(Progress("voices.tgz", 1 << 20, None))
    found = read_status(directory)
    assert found is not None
    assert found.bytes == 1 << 20


def test_it_ends_ready(status: StatusFile, directory: Path) -> None:
    status.progress(Progress("model.onnx", 9_990, 10_000))
    status.done(10_000, copied=10_000)
    found = read_status(directory)
    assert found is not None
    assert (found.state, found.bytes, found.total_bytes) == ("Ready", 10_000, 10_000)


def test_it_ends_failed_with_the_reason_and_how_far_it_came(
    status: StatusFile, directory: Path
) -> None:
    status.progress(Progress("model.onnx", 2_000, 10_000))
    status.progress(Progress("model.onnx", 2_050, 10_000))
    status.failed("The disk is full.")
    found = read_status(directory)
    assert found is not None
    assert (found.state, found.message, found.bytes) == ("Failed", "The disk is full.", 2_050)


def test_a_fetch_with_nothing_to_do_writes_nothing(status: StatusFile, directory: Path) -> None:
    status.done(10_000, copied=0)
    assert list(directory.iterdir()) == []


def test_what_failed_once_is_ready_when_a_later_fetch_finds_it_complete(
    status: StatusFile, directory: Path
) -> None:
    status.failed("Out of reach.")
    status.done(10_000, copied=0)
    found = read_status(directory)
    assert found is not None
    assert found.state == "Ready"


def test_a_model_whose_directory_was_never_made_has_no_status(tmp_path: Path) -> None:
    nowhere = ModelConfig(source=SOURCE, directory=tmp_path / "nowhere")
    StatusFile(nowhere).failed("No such source.")
    assert not nowhere.directory.exists()


def test_nothing_but_the_file_is_left(status: StatusFile, directory: Path) -> None:
    for done in range(0, 10_001, 500):
        status.progress(Progress("model.onnx", done, 10_000))
    assert [path.name for path in directory.iterdir()] == [STATUS_FILE]
    assert (directory / STATUS_FILE).stat().st_mode & 0o044 == 0o044


def test_a_cache_tells_which_fetches_have_not_ended_well(
    status: StatusFile, directory: Path
) -> None:
    assert unfinished(directory.parent) == []
    status.failed("Out of reach.")
    ((where, found),) = unfinished(directory.parent)
    assert (where, found.message) == (directory, "Out of reach.")
    status.done(10_000, copied=1)
    assert unfinished(directory.parent) == []


def test_what_another_version_wrote_is_no_status(directory: Path) -> None:
    (directory / STATUS_FILE).write_text('{"state": "Sleeping"}')
    assert read_status(directory) is None

"""A model's directory: filled completely or not at all."""

import errno
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from speaker_runtime.contract import ExitCode, ModelConfig
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.fetching import fetch
from speaker_runtime.models.manifest import MANIFEST_FILE
from speaker_runtime.models.sources.base import Progress
from speaker_runtime.models.store import open_model

SOURCE = "package://hibari-tts"
WITHIN = 10.0


@pytest.fixture
def config(tmp_path: Path) -> ModelConfig:
    return ModelConfig(source=SOURCE, directory=tmp_path / "model")


@pytest.fixture
def fetched(config: ModelConfig) -> ModelConfig:
    fetch(config, ignore)
    return config


def ignore(_: Progress) -> None:
    pass


def failure(config: ModelConfig) -> ModelError:
    with pytest.raises(ModelError) as failed:
        open_model(config)
    assert failed.value.remedy
    return failed.value


def test_what_was_fetched_can_be_opened(config: ModelConfig) -> None:
    result = fetch(config, ignore)
    stored = open_model(config)
    assert stored == result.model
    assert stored.path("hibari.onnx").stat().st_size > 1_000_000
    assert result.copied == stored.manifest.size


def test_progress_ends_at_the_whole(config: ModelConfig) -> None:
    seen: list[Progress] = []
    fetch(config, seen.append)
    assert seen[-1].done == seen[-1].total
    assert [each.done for each in seen] == sorted(each.done for each in seen)


def test_a_second_fetch_touches_nothing(fetched: ModelConfig) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in fetched.directory.iterdir()}
    assert fetch(fetched, ignore).copied == 0
    assert {path.name: path.stat().st_mtime_ns for path in fetched.directory.iterdir()} == before


def test_a_damaged_file_is_fetched_again(fetched: ModelConfig) -> None:
    weights = fetched.directory / "hibari.onnx"
    good = weights.read_bytes()
    weights.write_bytes(b"\0" * len(good))
    assert fetch(fetched, ignore).copied == len(good)
    assert weights.read_bytes() == good


def test_other_users_can_read_what_was_fetched(fetched: ModelConfig) -> None:
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in fetched.directory.iterdir())


def test_an_interrupted_fetch_leaves_nothing_that_looks_like_a_model(config: ModelConfig) -> None:
    def interrupt(_: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(config, interrupt)
    assert all(path.suffix == ".partial" for path in config.directory.iterdir())
    assert failure(config).exit_code is ExitCode.MODEL_UNAVAILABLE


def test_what_a_dead_fetch_left_is_removed(config: ModelConfig) -> None:
    config.directory.mkdir()
    old, young = config.directory / ".a.x.partial", config.directory / ".b.y.partial"
    old.touch()
    young.touch()
    yesterday = time.time() - 86_400
    os.utime(old, (yesterday, yesterday))
    fetch(config, ignore)
    assert (old.exists(), young.exists()) == (False, True)


def test_a_full_volume_is_noticed_before_anything_is_written(
    config: ModelConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(ModelError) as failed:
        fetch(config, ignore)
    assert failed.value.exit_code is ExitCode.NO_SPACE
    assert "1000 are free" in failed.value.message
    assert list(config.directory.iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_volume_that_fills_up_on_the_way_is_told(config: ModelConfig, number: int) -> None:
    def fill(_: Progress) -> None:
        raise OSError(number, "no space left")

    with pytest.raises(ModelError, match="larger") as failed:
        fetch(config, fill)
    assert failed.value.exit_code is ExitCode.NO_SPACE


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ModelError) as failed:
        fetch(ModelConfig(source=SOURCE, directory=tmp_path / "file" / "model"), ignore)
    assert failed.value.exit_code is ExitCode.FAILED


def test_nothing_fetched_cannot_be_opened(config: ModelConfig) -> None:
    error = failure(config)
    assert error.exit_code is ExitCode.MODEL_UNAVAILABLE
    assert "model fetch" in error.remedy


def test_another_models_files_cannot_be_opened(fetched: ModelConfig) -> None:
    other = fetched.model_copy(update={"source": "package://other"})
    assert failure(other).exit_code is ExitCode.MODEL_UNAVAILABLE


def test_a_missing_file_cannot_be_opened(fetched: ModelConfig) -> None:
    (fetched.directory / "hibari.onnx").unlink()
    assert failure(fetched).exit_code is ExitCode.MODEL_CORRUPT


def test_a_broken_manifest_cannot_be_opened(fetched: ModelConfig) -> None:
    (fetched.directory / MANIFEST_FILE).write_text("{")
    assert failure(fetched).exit_code is ExitCode.MODEL_CORRUPT


def test_a_file_that_the_model_lacks_is_told(fetched: ModelConfig) -> None:
    with pytest.raises(ModelError, match="no file other"):
        open_model(fetched).path("other")


def test_reading_ahead_takes_from_the_disk_what_reading_does(fetched: ModelConfig) -> None:
    stored = open_model(fetched)
    paths = [stored.path(each.name) for each in stored.manifest.files]

    def from_disk(read: Callable[[], object]) -> int:
        for path in paths:
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
                os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        before = bytes_from_disk()
        read()
        return bytes_from_disk() - before

    read = from_disk(lambda: [path.read_bytes() for path in paths])
    assert from_disk(lambda: stored.read_ahead().join(WITHIN)) >= read


def bytes_from_disk() -> int:
    """What this process has had read from disks; of files in memory, nothing."""
    counters = Path("/proc/self/io").read_text().split()
    return int(counters[counters.index("read_bytes:") + 1])

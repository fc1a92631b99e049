"""One file with a whole model, and checks of what lies on a disk."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from speaker_runtime.contract import ExitCode, ModelConfig
from speaker_runtime.models.bundle import pack
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.fetching import fetch, load
from speaker_runtime.models.sources.base import Progress
from speaker_runtime.models.store import open_model, stored_models, verify

SOURCE = "package://hibari-tts"


def ignore(_: Progress) -> None:
    pass


@pytest.fixture
def config(tmp_path: Path) -> ModelConfig:
    return ModelConfig(source=SOURCE, directory=tmp_path / "cache" / "model")


@pytest.fixture
def fetched(config: ModelConfig) -> ModelConfig:
    fetch(config, ignore)
    return config


@pytest.fixture
def bundle(fetched: ModelConfig, tmp_path: Path) -> Path:
    path = tmp_path / "bundle.tar"
    pack(fetched, path)
    return path


def elsewhere(tmp_path: Path, source: str = SOURCE) -> ModelConfig:
    return ModelConfig(source=source, directory=tmp_path / "elsewhere")


def failure(tmp_path: Path, bundle: Path, source: str = SOURCE) -> ModelError:
    with pytest.raises(ModelError) as failed:
        load(elsewhere(tmp_path, source), bundle, ignore)
    assert failed.value.remedy
    return failed.value


def test_a_bundle_is_the_model_elsewhere(
    fetched: ModelConfig, bundle: Path, tmp_path: Path
) -> None:
    load(elsewhere(tmp_path), bundle, ignore)
    assert verify(elsewhere(tmp_path)).manifest == open_model(fetched).manifest


def test_nothing_is_left_to_fetch_after_a_bundle(bundle: Path, tmp_path: Path) -> None:
    load(elsewhere(tmp_path), bundle, ignore)
    assert fetch(elsewhere(tmp_path), ignore).copied == 0


def test_equal_models_give_equal_bundles(
    fetched: ModelConfig, bundle: Path, tmp_path: Path
) -> None:
    pack(fetched, tmp_path / "again.tar")
    assert (tmp_path / "again.tar").read_bytes() == bundle.read_bytes()


def test_a_bundle_of_another_model_is_refused(bundle: Path, tmp_path: Path) -> None:
    error = failure(tmp_path, bundle, source="package://other")
    assert error.exit_code is ExitCode.INVALID_CONFIG
    assert SOURCE in error.message


def test_a_bundle_with_changed_bytes_is_refused(bundle: Path, tmp_path: Path) -> None:
    content = bytearray(bundle.read_bytes())
    content[len(content) // 2] ^= 1
    bundle.write_bytes(content)
    assert failure(tmp_path, bundle).exit_code is ExitCode.MODEL_CORRUPT


def test_a_bundle_that_is_cut_short_is_refused(bundle: Path, tmp_path: Path) -> None:
    os.truncate(bundle, bundle.stat().st_size // 2)
    assert "no bundle" in failure(tmp_path, bundle).message


def test_what_is_no_bundle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "not.tar"
    assert "No such file" in failure(tmp_path, path).message
    path.write_bytes(b"something else")
    assert "no bundle" in failure(tmp_path, path).message
    with tarfile.open(path, "w") as tar:
        tar.addfile(tarfile.TarInfo("readme"), io.BytesIO())
    assert "manifest.json" in failure(tmp_path, path).message


def test_a_damaged_model_is_not_packed(fetched: ModelConfig, tmp_path: Path) -> None:
    damage(fetched)
    with pytest.raises(ModelError, match=r"hibari\.onnx"):
        pack(fetched, tmp_path / "bundle.tar")
    assert not (tmp_path / "bundle.tar").exists()


def test_a_bundle_that_cannot_be_written_leaves_nothing(
    fetched: ModelConfig, tmp_path: Path
) -> None:
    with pytest.raises(ModelError) as failed:
        pack(fetched, tmp_path / "nowhere" / "bundle.tar")
    assert failed.value.exit_code is ExitCode.FAILED


def damage(config: ModelConfig) -> None:
    weights = config.directory / "hibari.onnx"
    weights.write_bytes(bytes(weights.stat().st_size))


def test_verification_names_what_is_damaged(fetched: ModelConfig) -> None:
    assert verify(fetched) == open_model(fetched)
    damage(fetched)
    with pytest.raises(ModelError, match=r"hibari\.onnx") as failed:
        verify(fetched)
    assert failed.value.exit_code is ExitCode.MODEL_CORRUPT


def test_a_cache_lists_its_models(fetched: ModelConfig) -> None:
    cache = fetched.directory.parent
    (cache / "lost+found").mkdir()
    assert stored_models(cache) == [open_model(fetched)]
    assert stored_models(cache / "nothing") == []

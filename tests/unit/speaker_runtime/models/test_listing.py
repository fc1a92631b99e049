"""Models that others offer: a directory with its manifest, on a web server or on a volume."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from speaker_runtime.contract import ExitCode, ModelConfig
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.fetching import fetch
from speaker_runtime.models.sources import resolve
from speaker_runtime.models.sources.base import Progress, Workspace
from speaker_runtime.models.store import open_model
from speaker_runtime.models.web import Web
from tests.support.webserver import Answer, Site, website

WEIGHTS = bytes(range(256)) * 16384
FILES = {"weights.onnx": WEIGHTS, "voices/ana.bin": b"ana"}


@pytest.fixture
def site() -> Iterator[Site]:
    with website() as running:
        yield running


def ignore(_: Progress) -> None:
    pass


def failure(config: ModelConfig) -> ModelError:
    with pytest.raises(ModelError) as failed:
        fetch(config, ignore)
    assert failed.value.remedy
    return failed.value


@pytest.fixture
def config(site: Site, tmp_path: Path) -> ModelConfig:
    source = site.address("model", site.offer("model", FILES))
    return ModelConfig(source=source, directory=tmp_path / "here")


def test_every_file_of_the_manifest_is_fetched(config: ModelConfig) -> None:
    fetch(config, ignore)
    stored = open_model(config)
    assert {name: stored.path(name).read_bytes() for name in FILES} == FILES


def test_what_was_fetched_is_not_asked_for_again(site: Site, config: ModelConfig) -> None:
    fetch(config, ignore)
    asked = len(site.requests)
    assert fetch(config, ignore).copied == 0
    assert len(site.requests) == asked


def test_a_damaged_file_alone_is_fetched_again(site: Site, config: ModelConfig) -> None:
    fetch(config, ignore)
    (config.directory / "weights.onnx").write_bytes(b"damaged")
    site.requests.clear()
    assert fetch(config, ignore).copied == len(WEIGHTS)
    assert site.requests == [("/model/weights.onnx", None)]


def test_an_interrupted_fetch_goes_on_where_it_ended(site: Site, config: ModelConfig) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.done > len(WEIGHTS) // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(config, interrupt)
    site.requests.clear()
    fetch(config, ignore)
    asked = dict(site.requests)["/model/weights.onnx"]
    assert asked is not None
    assert int(asked.removeprefix("bytes=").removesuffix("-")) > len(WEIGHTS) // 4
    assert open_model(config).path("weights.onnx").read_bytes() == WEIGHTS


def test_wrong_bytes_are_refused_and_not_kept(site: Site, config: ModelConfig) -> None:
    site.files["/model/weights.onnx"] = bytes(len(WEIGHTS))
    error = failure(config)
    assert error.exit_code is ExitCode.MODEL_CORRUPT
    assert "weights.onnx" in error.message
    assert not any(path.name.startswith(".weights") for path in config.directory.iterdir())
    site.files["/model/weights.onnx"] = WEIGHTS
    fetch(config, ignore)


def test_a_file_of_another_length_is_refused(site: Site, config: ModelConfig) -> None:
    site.files["/model/weights.onnx"] = WEIGHTS[:-1]
    assert failure(config).exit_code is ExitCode.MODEL_CORRUPT


def test_a_manifest_other_than_the_pinned_one_is_refused(site: Site, config: ModelConfig) -> None:
    site.offer("model", {"weights.onnx": b"others"})
    error = failure(config)
    assert error.exit_code is ExitCode.MODEL_CORRUPT
    assert "as model.source says" in error.message


@pytest.mark.parametrize(
    "manifest",
    [
        b"<html>",
        b'{"files": 1}',
        b'{"source": "", "digest": "", "files": [{"name": "../x", "size": 0, "sha256": ""}]}',
    ],
)
def test_what_is_no_manifest_is_told(site: Site, config: ModelConfig, manifest: bytes) -> None:
    site.files["/model/manifest.json"] = manifest
    error = failure(config)
    assert error.exit_code is ExitCode.MODEL_CORRUPT
    assert "manifest.json is no model's manifest" in error.message


def test_a_directory_without_a_manifest_is_unavailable(site: Site, config: ModelConfig) -> None:
    del site.files["/model/manifest.json"]
    assert failure(config).exit_code is ExitCode.MODEL_UNAVAILABLE


def test_a_full_volume_is_noticed_before_any_file_is_asked_for(
    site: Site, config: ModelConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000})())
    assert failure(config).exit_code is ExitCode.NO_SPACE
    assert [path for path, _ in site.requests] == ["/model/manifest.json"]


def test_a_cut_connection_does_not_disturb(site: Site, config: ModelConfig) -> None:
    site.plans["/model/weights.onnx"] = [Answer(cut_after=2_000_000)]
    fetch(config, ignore)
    assert open_model(config).path("weights.onnx").read_bytes() == WEIGHTS


def test_a_fetched_directory_can_be_offered_as_it_is(config: ModelConfig, tmp_path: Path) -> None:
    digest = fetch(config, ignore).model.manifest.digest
    again = ModelConfig(source=f"file://{config.directory}@{digest}", directory=tmp_path / "copy")
    fetch(again, ignore)
    assert open_model(again).path("weights.onnx").read_bytes() == WEIGHTS


def test_a_claim_is_read_where_pods_mount_it(config: ModelConfig, tmp_path: Path) -> None:
    fetch(config, ignore)
    (tmp_path / "claims" / "models").mkdir(parents=True)
    config.directory.rename(tmp_path / "claims" / "models" / "kokoro")
    workspace = Workspace(tmp_path, Web, ignore, claims=tmp_path / "claims")
    source = resolve("pvc://models/kokoro", workspace)
    content = {entry.name: b"".join(source.read(entry, 0)) for entry in source.list()}
    assert content == FILES


def test_a_folder_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    config = ModelConfig(source=f"file://{tmp_path}/nothing", directory=tmp_path / "here")
    assert failure(config).exit_code is ExitCode.MODEL_UNAVAILABLE

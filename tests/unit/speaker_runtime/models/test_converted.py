"""Models whose backend loads other files than are published."""

import shutil
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from speaker_runtime.contract import ExitCode, ModelConfig
from speaker_runtime.models.bundle import pack
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.fetching import fetch, load
from speaker_runtime.models.manifest import MANIFEST_FILE
from speaker_runtime.models.recipe import Blocks, Selection
from speaker_runtime.models.sources.base import Progress
from speaker_runtime.models.store import open_model, verify
from speaker_runtime.models.web import ATTEMPTS
from tests.support.hub import publish
from tests.support.models import ignore, offer
from tests.support.webserver import Answer, Site, website

WEIGHTS = b"weights " * (1 << 19)
FILES = {"about.txt": b"version 2", "weights.raw": WEIGHTS, "samples/ana.wav": b"RIFF"}
MADE = {"about.txt": b"version 2", "weights.bin": WEIGHTS.upper()}


class Capitals:
    """Makes ``weights.bin`` of ``weights.raw``: the same in capitals."""

    license: str = "CPML"

    def select(self, names: Collection[str]) -> Selection:
        finished = "weights.bin" in names
        wanted = ("about.txt", "weights.bin" if finished else "weights.raw")
        if missing := [name for name in wanted if name not in names]:
            raise ModelError(ExitCode.MODEL_UNAVAILABLE, f"There is no {missing[0]}.", "Add it.")
        return Selection(wanted, finished)

    def check(self, directory: Path, name: str) -> None:
        if name == "about.txt" and (directory / name).read_bytes() != b"version 2":
            raise ModelError(ExitCode.MODEL_UNAVAILABLE, "It is of version 1.", "Name another.")

    def make(self, directory: Path) -> Mapping[str, Blocks]:
        def weights() -> Iterator[bytes]:
            content = (directory / "weights.raw").read_bytes().upper()
            return (content[at : at + 65536] for at in range(0, len(content), 65536))

        return {
            "about.txt": lambda: iter([(directory / "about.txt").read_bytes()]),
            "weights.bin": weights,
        }


RECIPE = Capitals()


@pytest.fixture
def site() -> Iterator[Site]:
    with website() as running:
        yield running


@pytest.fixture
def config(site: Site, tmp_path: Path) -> ModelConfig:
    return offered(site, tmp_path, FILES)


def offered(site: Site, tmp_path: Path, files: dict[str, bytes]) -> ModelConfig:
    source = site.address("model", site.offer("model", files))
    return ModelConfig(source=source, directory=tmp_path / "here", accept_license="CPML")


def failure(config: ModelConfig, **more: Any) -> ModelError:
    with pytest.raises(ModelError) as failed:
        fetch(config, ignore, recipe=RECIPE, **more)
    assert failed.value.remedy
    return failed.value


def asked(site: Site) -> list[str]:
    return [path for path, _ in site.requests]


def test_what_is_made_is_installed_and_only_what_it_is_made_of_is_fetched(
    site: Site, config: ModelConfig
) -> None:
    fetched = fetch(config, ignore, recipe=RECIPE)
    stored = verify(config)
    assert {name: stored.path(name).read_bytes() for name in MADE} == MADE
    assert fetched.copied == stored.manifest.size == sum(map(len, MADE.values()))
    assert stored.manifest.accept_license == "CPML"
    assert asked(site) == [f"/model/{name}" for name in (MANIFEST_FILE, "about.txt", "weights.raw")]
    assert sorted(path.name for path in config.directory.iterdir()) == sorted(
        [MANIFEST_FILE, *MADE]
    )


def test_what_was_made_is_not_asked_for_again(site: Site, config: ModelConfig) -> None:
    fetch(config, ignore, recipe=RECIPE)
    site.files.clear()
    assert fetch(config, ignore, recipe=RECIPE).copied == 0


def test_a_damaged_file_is_made_anew(site: Site, config: ModelConfig) -> None:
    fetch(config, ignore, recipe=RECIPE)
    (config.directory / "weights.bin").write_bytes(b"damaged")
    assert fetch(config, ignore, recipe=RECIPE).copied == len(WEIGHTS)
    assert verify(config).path("weights.bin").read_bytes() == MADE["weights.bin"]


def test_a_source_that_has_changed_cannot_repair(config: ModelConfig) -> None:
    there = config.directory.with_name("there")
    unpinned = config.model_copy(update={"source": _filled(there, FILES)})
    fetch(unpinned, ignore, recipe=RECIPE)
    (unpinned.directory / "weights.bin").unlink()
    _filled(there, FILES | {"weights.raw": b"others"})
    assert failure(unpinned).exit_code is ExitCode.MODEL_CORRUPT


def _filled(directory: Path, files: dict[str, bytes]) -> str:
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return offer(directory)


def test_an_interrupted_download_goes_on_where_it_ended(site: Site, config: ModelConfig) -> None:
    site.plans["/model/weights.raw"] = [Answer(cut_after=len(WEIGHTS) // 2)] + [
        Answer(status=404)
    ] * ATTEMPTS
    assert failure(config).exit_code is ExitCode.MODEL_UNAVAILABLE
    site.plans.clear()
    site.requests.clear()
    fetch(config, ignore, recipe=RECIPE)
    (position,) = [place for path, place in site.requests if path == "/model/weights.raw"]
    assert position is not None
    assert int(position.removeprefix("bytes=").removesuffix("-")) >= len(WEIGHTS) // 4
    assert verify(config)


def test_what_was_downloaded_is_not_downloaded_again_where_making_was_interrupted(
    site: Site, config: ModelConfig
) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.file == "weights.bin":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(config, interrupt, recipe=RECIPE)
    with pytest.raises(ModelError, match="holds no fetched model"):
        open_model(config)
    site.requests.clear()
    fetch(config, ignore, recipe=RECIPE)
    assert asked(site) == [f"/model/{MANIFEST_FILE}"]
    assert verify(config)


def test_two_fetches_at_once_do_each_other_no_harm(config: ModelConfig) -> None:
    told: list[Progress] = []

    def overtaken(progress: Progress) -> None:
        if not told and progress.file == "weights.raw":
            told.append(progress)
            fetch(config, ignore, recipe=RECIPE)

    assert fetch(config, overtaken, recipe=RECIPE).copied == 0
    assert told
    assert verify(config).path("weights.bin").read_bytes() == MADE["weights.bin"]


def test_how_far_it_is_is_told_of_the_download_and_of_what_is_made(config: ModelConfig) -> None:
    told: list[Progress] = []
    fetch(config, told.append, recipe=RECIPE)
    size = len(WEIGHTS) + len(b"version 2")
    ends = [each for each in told if each.done == each.total]
    assert ends == [Progress("weights.raw", size, size), Progress("weights.bin", size, size)]


def test_the_licence_of_the_backends_models_is_asked_for_before_anything_is_fetched(
    site: Site, config: ModelConfig
) -> None:
    without = config.model_copy(update={"accept_license": None})
    error = failure(without)
    assert error.exit_code is ExitCode.LICENSE_NOT_ACCEPTED
    assert "write acceptLicense: CPML" in error.remedy
    assert asked(site) == [f"/model/{MANIFEST_FILE}"]
    fetch(config, ignore, recipe=RECIPE)
    assert failure(without).exit_code is ExitCode.LICENSE_NOT_ACCEPTED
    with pytest.raises(ModelError, match="CPML"):
        open_model(without)


def test_the_licence_joins_the_sources_own(site: Site, tmp_path: Path) -> None:
    manifest = site.offer("model", FILES).model_copy(update={"accept_license": "CC-BY-NC-4.0"})
    site.files[f"/model/{MANIFEST_FILE}"] = manifest.to_json().encode()
    source = site.address("model", manifest)
    config = ModelConfig(source=source, directory=tmp_path, accept_license="CPML")
    assert "acceptLicense: CC-BY-NC-4.0 AND CPML" in failure(config).remedy
    both = config.model_copy(update={"accept_license": "CC-BY-NC-4.0 AND CPML"})
    assert fetch(both, ignore, recipe=RECIPE).copied


def test_a_volume_that_was_made_too_small_is_refused_before_the_download(
    site: Site, config: ModelConfig
) -> None:
    error = failure(config, capacity=len(WEIGHTS) * 2)
    assert error.exit_code is ExitCode.NO_SPACE
    assert "beside them while it is fetched" in error.message
    assert asked(site) == [f"/model/{MANIFEST_FILE}"]


def test_a_disk_without_room_for_both_is_refused_before_the_download(
    site: Site, config: ModelConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(config.directory.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=len(WEIGHTS) * 2))
    assert failure(config).exit_code is ExitCode.NO_SPACE
    assert asked(site) == [f"/model/{MANIFEST_FILE}"]


def test_a_small_file_tells_that_the_large_one_is_of_no_use(site: Site, tmp_path: Path) -> None:
    config = offered(site, tmp_path, FILES | {"about.txt": b"version 1"})
    assert "version 1" in failure(config).message
    assert asked(site) == [f"/model/{name}" for name in (MANIFEST_FILE, "about.txt")]


def test_what_the_recipe_needs_has_to_be_published(site: Site, tmp_path: Path) -> None:
    config = offered(site, tmp_path, {"about.txt": b"version 2"})
    assert "weights.raw" in failure(config).message


def test_what_was_made_before_is_taken_as_it_is(site: Site, tmp_path: Path) -> None:
    config = offered(site, tmp_path, MADE | {"weights.raw": b"not needed"})
    fetch(config, ignore, recipe=RECIPE)
    stored = verify(config)
    assert {entry.name for entry in stored.manifest.files} == set(MADE)
    assert "/model/weights.raw" not in asked(site)


def test_files_as_they_were_published_are_made_anew(config: ModelConfig) -> None:
    fetch(config, ignore)
    assert "weights.raw" in {entry.name for entry in open_model(config).manifest.files}
    fetch(config, ignore, recipe=RECIPE)
    assert {entry.name for entry in verify(config).manifest.files} == set(MADE)


def test_a_bundle_holds_what_was_made(config: ModelConfig, tmp_path: Path) -> None:
    fetch(config, ignore, recipe=RECIPE)
    pack(config, tmp_path / "bundle.tar")
    other = config.model_copy(update={"directory": tmp_path / "other"})
    load(other, tmp_path / "bundle.tar", ignore, recipe=RECIPE)
    assert verify(other).manifest == verify(config).manifest
    assert fetch(other, ignore, recipe=RECIPE).copied == 0


def test_a_bundle_of_published_files_is_refused(config: ModelConfig, tmp_path: Path) -> None:
    fetch(config, ignore)
    pack(config, tmp_path / "bundle.tar")
    other = config.model_copy(update={"directory": tmp_path / "other"})
    with pytest.raises(ModelError, match="as they were published") as failed:
        load(other, tmp_path / "bundle.tar", ignore, recipe=RECIPE)
    assert failed.value.exit_code is ExitCode.INVALID_CONFIG
    assert not other.directory.exists()


def test_a_hub_is_asked_for_no_file_that_is_not_needed(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", site.url)
    where = publish(site, "owner/model", "abc123", FILES, card={"license": "cc-by-nc-4.0"})
    config = ModelConfig(
        source="hf://owner/model@abc123",
        directory=tmp_path / "here",
        accept_license="CPML AND cc-by-nc-4.0",
    )
    fetch(config, ignore, recipe=RECIPE)
    assert {entry.name for entry in verify(config).manifest.files} == set(MADE)
    assert f"{where}/samples/ana.wav" not in asked(site)

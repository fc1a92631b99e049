"""XTTS-v2 as the Job that fills a cache brings it: a process, and a Hub with a tiny checkpoint."""

import io
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from speaker_operator.api.v1alpha1.backends import BACKENDS
from speaker_runtime.backends.xtts.recipe import SPEAKERS_FILE, WEIGHTS_FILE
from speaker_runtime.contract import CONFIG_FILE, ExitCode, ModelConfig, RuntimeConfig
from speaker_runtime.models.manifest import MANIFEST_FILE
from tests.support.hub import publish
from tests.support.runtime import COMMAND, START_TIMEOUT
from tests.support.webserver import Site, website
from tests.support.xtts import tiny_checkpoint, tiny_speakers, tiny_weights

SOURCE = BACKENDS["xtts"].model_source
REPOSITORY, _, REVISION = SOURCE.removeprefix("hf://").partition("@")
CARD = {"license": "other", "license_name": "coqui-public-model-license"}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Every file, as it was first published."""
    directory = tiny_checkpoint(tmp_path_factory.mktemp("published"), "pickled")
    files = {path.name: path.read_bytes() for path in directory.iterdir()}
    return files | {"samples/en_sample.wav": b"RIFF", ".gitattributes": b"*.pth"}


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with website() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield running


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "model", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=START_TIMEOUT,
    )


def fill(directory: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return run("fill", SOURCE, directory, "--backend=xtts", f"--capacity={10 << 30}", *more)


def last(ended: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert ended.returncode == ExitCode.OK, ended.stderr
    line: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return line


def test_what_the_job_brings_is_kept_and_carried_as_any_other_model(
    site: Site, published: dict[str, bytes], tmp_path: Path
) -> None:
    where = publish(site, REPOSITORY, REVISION, published, large=(".pth", ".wav"), card=CARD)
    directory = tmp_path / "cache" / "xtts"
    refused = fill(directory)
    assert refused.returncode == ExitCode.LICENSE_NOT_ACCEPTED
    assert "write acceptLicense: CPML" in refused.stderr
    assert not any(path.startswith(where) for path, _ in site.requests)

    filled = last(fill(directory, "--accept-license=CPML"))
    names = ("config.json", "vocab.json", "speakers_xtts.pth", "model.pth")
    assert {path for path, _ in site.requests if path.startswith(where)} == {
        f"{where}/{name}" for name in names
    }
    weights, speakers = (load_file(directory / name) for name in (WEIGHTS_FILE, SPEAKERS_FILE))
    expected = tiny_weights()
    assert weights.keys() == expected.keys()
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    assert {name.partition("/")[0] for name in speakers} == set(tiny_speakers())
    assert not (directory / ".archives").exists()

    site.files.clear()
    there, here = _config(tmp_path / "there", directory), _config(tmp_path / "here", tmp_path / "m")
    told = [
        last(run("fetch", "--config", there)),
        last(run("verify", "--config", there)),
        last(run("pack", tmp_path / "xtts.tar", "--config", there)),
        last(run("load", tmp_path / "xtts.tar", "--config", here)),
        last(run("verify", "--config", here)),
    ]
    assert {each["digest"] for each in told} == {filled["digest"]}
    assert told[0]["copiedBytes"] == 0


def _config(directory: Path, model: Path) -> Path:
    config = ModelConfig(source=SOURCE, directory=model, accept_license="CPML")
    document = RuntimeConfig(service="test", backend="xtts", model=config)
    directory.mkdir()
    (directory / CONFIG_FILE).write_text(document.to_json())
    return directory


class Attack:
    """Runs a command wherever it is loaded by those who trust it."""

    def __init__(self, command: str) -> None:
        self._command = command

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (self._command,)


def test_a_checkpoint_that_would_run_a_command_ends_the_job_and_runs_nothing(
    site: Site, published: dict[str, bytes], tmp_path: Path
) -> None:
    marker, saved = tmp_path / "marker", io.BytesIO()
    torch.save({"model": {}, "config": Attack(f"touch {marker}")}, saved)
    files = published | {"model.pth": saved.getvalue()}
    publish(site, REPOSITORY, REVISION, files, large=(".pth",), card=CARD)
    ended = fill(tmp_path / "model", "--accept-license=CPML")
    assert ended.returncode == ExitCode.MODEL_CORRUPT
    assert f"model.pth is not only tensors: loading it would run {os.name}.system" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not marker.exists()
    assert not (tmp_path / "model" / MANIFEST_FILE).exists()

"""The commands on models: their output and exit codes."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from speaker_runtime.cli import app
from speaker_runtime.contract import CONFIG_FILE, ExitCode, ModelConfig, RuntimeConfig


@pytest.fixture
def config(tmp_path: Path) -> Path:
    model = ModelConfig(source="package://hibari-tts", directory=tmp_path / "cache" / "model")
    document = RuntimeConfig(service="test", backend="hibari", model=model)
    (tmp_path / CONFIG_FILE).write_text(document.to_json())
    return tmp_path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["model", *map(str, arguments)])


def last(result: Result) -> dict[str, Any]:
    assert result.exit_code == ExitCode.OK, result.output
    line: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return line


def test_a_model_is_fetched_verified_listed_packed_and_loaded(config: Path) -> None:
    fetched = last(run("fetch", "--config", config))
    assert fetched["event"] == "done"
    told = [
        last(run("verify", "--config", config)),
        last(run("list", config / "cache")),
        last(run("pack", config / "bundle.tar", "--config", config)),
        last(run("load", config / "bundle.tar", "--config", config)),
    ]
    assert [each["event"] for each in told] == ["verified", "model", "packed", "done"]
    assert {each["digest"] for each in told} == {fetched["digest"]}


def test_a_licence_that_was_not_accepted_ends_a_fetch_with_its_own_exit_code(
    config: Path, tmp_path: Path
) -> None:
    run("fetch", "--config", config)
    offered = config / "cache" / "model"
    manifest = json.loads((offered / "manifest.json").read_text()) | {"acceptLicense": "CPML"}
    (offered / "manifest.json").write_text(json.dumps(manifest))
    model = ModelConfig(source=f"file://{offered}", directory=tmp_path / "other")
    document = RuntimeConfig(service="test", backend="hibari", model=model)
    (config / CONFIG_FILE).write_text(document.to_json())
    result = run("fetch", "--config", config)
    assert result.exit_code == ExitCode.LICENSE_NOT_ACCEPTED
    assert "write acceptLicense: CPML" in result.stderr


def test_what_was_never_fetched_cannot_be_verified(config: Path) -> None:
    result = run("verify", "--config", config)
    assert result.exit_code == ExitCode.MODEL_UNAVAILABLE
    assert "model fetch" in result.stderr


def test_a_wrong_configuration_is_told_before_anything_else(tmp_path: Path) -> None:
    assert run("fetch", "--config", tmp_path).exit_code == ExitCode.INVALID_CONFIG


def test_a_damaged_cache_is_told(config: Path) -> None:
    run("fetch", "--config", config)
    (config / "cache" / "model" / "manifest.json").write_text("{")
    assert run("list", config / "cache").exit_code == ExitCode.MODEL_CORRUPT

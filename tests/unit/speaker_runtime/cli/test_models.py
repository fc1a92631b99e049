"""The commands on models: their output and exit codes."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner, Result

from speaker_runtime.cli import app
from speaker_runtime.cli.fetchstatus import answers
from speaker_runtime.contract import (
    CONFIG_FILE,
    FETCH_STATUS_PATH,
    ExitCode,
    FetchReport,
    FetchStatus,
    ModelConfig,
    RuntimeConfig,
)
from speaker_runtime.models.status import read_status


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


def test_a_fetch_in_a_pod_ends_with_a_report_for_the_operator(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = config / "termination-log"
    log.touch()
    monkeypatch.setenv("TERMINATION_LOG", str(log))
    fetched = last(run("fetch", "--config", config))
    report = FetchReport.model_validate_json(log.read_text())
    assert (report.digest, report.bytes) == (fetched["digest"], fetched["bytes"])


def test_how_a_fetch_went_stays_beside_the_model(config: Path) -> None:
    directory = config / "cache" / "model"
    run("fetch", "--config", config)
    status = read_status(directory)
    assert status is not None
    assert (status.state, status.bytes) == ("Ready", status.total_bytes)
    (directory / "manifest.json").write_text("{")
    assert run("fetch", "--config", config).exit_code == ExitCode.MODEL_CORRUPT
    (directory / "manifest.json").unlink()
    told = last(run("list", config / "cache"))
    assert (told["event"], told["state"]) == ("unfinished", "Failed")
    assert "cannot be read" in told["message"]


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


def test_a_cache_is_filled_from_arguments_alone(tmp_path: Path) -> None:
    directory = tmp_path / "cache" / "model"
    filled = last(run("fill", "package://hibari-tts", directory, "--capacity", "1000000000"))
    assert filled["event"] == "done"
    assert filled["copiedBytes"] == filled["bytes"] > 0
    again = last(run("fill", "package://hibari-tts", directory))
    assert again["copiedBytes"] == 0


def test_a_volume_that_was_made_too_small_is_refused_before_the_download(tmp_path: Path) -> None:
    directory = tmp_path / "cache" / "model"
    result = run("fill", "package://hibari-tts", directory, "--capacity", "1000")
    assert result.exit_code == ExitCode.NO_SPACE
    assert "spec.cache.size" in result.stderr
    assert not list(directory.glob("*.onnx"))


def test_while_it_is_filled_it_answers_how_far_it_is() -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    status = FetchStatus(state="Downloading", source="https://models.test/a", time=now, bytes=7)
    with answers(lambda: status, "127.0.0.1:0") as port:
        url = f"http://127.0.0.1:{port}"
        told = httpx2.get(f"{url}{FETCH_STATUS_PATH}")
        assert FetchStatus.model_validate_json(told.content) == status
        assert httpx2.get(f"{url}/").status_code == 404
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{url}{FETCH_STATUS_PATH}")


def test_a_cache_is_filled_for_a_backend(tmp_path: Path) -> None:
    directory = tmp_path / "cache" / "model"
    filled = last(run("fill", "package://hibari-tts", directory, "--backend", "hibari"))
    assert filled["copiedBytes"] > 0
    other = ("fill", "package://hibari-tts", tmp_path / "xtts", "--backend", "xtts")
    assert run(*other).exit_code == ExitCode.LICENSE_NOT_ACCEPTED
    refused = run(*other, "--accept-license", "CPML")
    assert refused.exit_code == ExitCode.MODEL_UNAVAILABLE
    assert "This is no XTTS-v2" in refused.stderr


def test_a_backend_that_is_not_installed_fills_nothing(tmp_path: Path) -> None:
    result = run("fill", "package://hibari-tts", tmp_path / "model", "--backend", "nobody")
    assert result.exit_code == ExitCode.INVALID_CONFIG
    assert "no backend named 'nobody'" in result.stderr
    assert not (tmp_path / "model").exists()

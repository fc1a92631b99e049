"""``speaker-runtime model fetch`` as the process that a pod runs and may stop at any time."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from speaker_runtime.contract import CONFIG_FILE, ExitCode, ModelConfig, RuntimeConfig
from tests.support.runtime import COMMAND, START_TIMEOUT, STOP_TIMEOUT, eventually
from tests.support.webserver import Answer, Site, website

WEIGHTS = os.urandom(6 << 20)
PATH = "/model/weights.onnx"


@pytest.fixture
def site() -> Iterator[Site]:
    with website() as running:
        yield running


@pytest.fixture
def config(site: Site, tmp_path: Path) -> Path:
    source = site.address("model", site.offer("model", {"weights.onnx": WEIGHTS}))
    model = ModelConfig(source=source, directory=tmp_path / "model")
    document = RuntimeConfig(service="test", backend="hibari", model=model)
    (tmp_path / CONFIG_FILE).write_text(document.to_json())
    return tmp_path


def fetch(config: Path) -> subprocess.Popen[str]:
    command = [*COMMAND, "model", "fetch", "--config", str(config)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_fetch_that_is_stopped_goes_on_where_it_ended(site: Site, config: Path) -> None:
    patience = Answer(status=503, headers={"Retry-After": "60"})
    site.plans[PATH] = [Answer(cut_after=4 << 20), patience]
    stopped = fetch(config)
    eventually(
        lambda: [path for path, _ in site.requests].count(PATH) == 2,
        within=START_TIMEOUT,
        what="the second request",
    )
    stopped.send_signal(signal.SIGTERM)
    stopped.communicate(timeout=STOP_TIMEOUT)
    assert stopped.returncode == 128 + signal.SIGTERM
    site.requests.clear()
    again = fetch(config)
    output, _ = again.communicate(timeout=START_TIMEOUT)
    assert again.returncode == ExitCode.OK
    assert dict(site.requests)[PATH] == f"bytes={4 << 20}-"
    assert json.loads(output.splitlines()[-1])["event"] == "done"
    assert (config / "model" / "weights.onnx").read_bytes() == WEIGHTS


def test_a_corrupt_model_ends_with_its_own_exit_code_and_a_reason(site: Site, config: Path) -> None:
    site.files[PATH] = bytes(len(WEIGHTS))
    ended = fetch(config)
    _, told = ended.communicate(timeout=START_TIMEOUT)
    assert ended.returncode == ExitCode.MODEL_CORRUPT
    assert "weights.onnx was read with sha256" in told
    assert "Traceback" not in told

"""``speaker-runtime model fetch`` as the process that a pod runs and may stop at any time."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from speaker_runtime.contract import CONFIG_FILE, ExitCode, ModelConfig, RuntimeConfig
from speaker_runtime.models.status import read_status
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


def outcome(config: Path) -> tuple[int, str]:
    """Exit code and last words of a fetch."""
    ended = fetch(config)
    _, told = ended.communicate(timeout=START_TIMEOUT)
    assert "Traceback" not in told
    return ended.returncode, told


@pytest.mark.parametrize(
    "answers",
    [
        [Answer(cut_after=1 << 20), Answer(cut_after=2 << 20)],
        [Answer(cut_after=1 << 20), Answer(ranges=False)],
        [Answer(status=429, headers={"Retry-After": "1"})],
        [Answer(status=503), Answer(cut_after=100)],
        [Answer(status=302, headers={"Location": PATH})],
    ],
    ids=["cut", "cut, and no ranges", "429", "503, then cut", "redirect"],
)
def test_a_fetch_survives_what_passes(site: Site, config: Path, answers: list[Answer]) -> None:
    site.plans[PATH] = answers
    assert outcome(config) == (ExitCode.OK, "")
    assert (config / "model" / "weights.onnx").read_bytes() == WEIGHTS
    status = read_status(config / "model")
    assert status is not None
    assert (status.state, status.bytes) == ("Ready", len(WEIGHTS))


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (Answer(headers={"Content-Length": "7"}), ExitCode.MODEL_CORRUPT, "is 7 bytes long"),
        (
            Answer(headers={"Content-Length": str(9 << 20)}),
            ExitCode.MODEL_CORRUPT,
            f"is {9 << 20} bytes long",
        ),
        (Answer(status=404), ExitCode.MODEL_UNAVAILABLE, "answers 404"),
        (Answer(status=403), ExitCode.LOGIN_REFUSED, "spec.model.credentialsSecret"),
        (
            Answer(status=503, headers={"Retry-After": "3600"}),
            ExitCode.MODEL_UNAVAILABLE,
            "try again in 3600 s",
        ),
        (
            Answer(status=302, headers={"Location": "file:///etc/passwd"}),
            ExitCode.MODEL_UNAVAILABLE,
            "redirects to file://",
        ),
    ],
    ids=["told too short", "told too long", "404", "403", "busy for an hour", "redirect away"],
)
def test_a_fetch_that_cannot_succeed_ends_at_once_with_its_reason_and_can_be_tried_again(
    site: Site, config: Path, answer: Answer, code: ExitCode, words: str
) -> None:
    site.plans[PATH] = [answer]
    ended, told = outcome(config)
    assert ended == code
    assert words in told
    status = read_status(config / "model")
    assert status is not None
    assert status.state == "Failed"
    assert words in (status.message or "")
    assert not (config / "model" / "weights.onnx").exists()
    assert outcome(config) == (ExitCode.OK, "")


def test_wrong_bytes_end_a_fetch_and_are_not_kept(site: Site, config: Path) -> None:
    site.files[PATH] = bytes(len(WEIGHTS))
    ended, told = outcome(config)
    assert ended == ExitCode.MODEL_CORRUPT
    assert "weights.onnx was read with sha256" in told
    site.files[PATH] = WEIGHTS
    assert outcome(config) == (ExitCode.OK, "")

"""speaker-tts serves YAML on this machine, and turns text into files, with the real runtime."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.figures import RecordFigure
from tests.support.kubernetes import eventually

COMMAND_TIMEOUT = 60
STOP_TIMEOUT = 20


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def speaker_tts(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "speaker_tts.cli", *args],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=COMMAND_TIMEOUT,
        check=False,
    )


def test_up_serves_the_quickstart_and_speaks(
    repository: Path, tmp_path: Path, record_figure: RecordFigure
) -> None:
    quickstart = str(repository / "examples" / "quickstart.yaml")
    args = ("up", "-f", quickstart, "--port", "0", "--say", "Hello there!", "--once")
    assert speaker_tts(*args, cwd=tmp_path).returncode == 0  # fetches the model
    started = time.monotonic()
    ended = speaker_tts(*args, cwd=tmp_path)
    record_figure("second start to spoken and ended", time.monotonic() - started, "s", goal="< 5")
    assert ended.returncode == 0, ended.stderr
    assert "/docs" in ended.stdout
    assert "curl" in ended.stdout
    assert tmp_path.joinpath("hello.wav").read_bytes().startswith(b"RIFF")


def test_up_goes_on_until_it_is_interrupted(repository: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    quickstart = repository / "examples" / "quickstart.yaml"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "speaker_tts.cli", "up", "-f", str(quickstart), "--port", "0"],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
    try:
        eventually(
            lambda: "Ctrl-C" in log.read_text(), within=COMMAND_TIMEOUT, what="it is serving"
        )
        process.send_signal(signal.SIGINT)
        assert process.wait(STOP_TIMEOUT) == 0, log.read_text()
    finally:
        process.kill()


def test_a_taken_port_is_said_and_another_suggested(
    repository: Path, tmp_path: Path, taken_port: int
) -> None:
    quickstart = str(repository / "examples" / "quickstart.yaml")
    ended = speaker_tts("up", "-f", quickstart, "--port", str(taken_port), cwd=tmp_path)
    assert ended.returncode == 1
    assert f"PORT={taken_port + 1}" in ended.stderr


def test_generate_starts_a_runtime_where_nobody_serves(tmp_path: Path) -> None:
    ended = speaker_tts("generate", "Hello.", "--voice", "heart", "-o", "out.wav", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "out.wav").read_bytes().startswith(b"RIFF")


def test_generate_passes_on_chance_and_tells_what_is_not_followed(tmp_path: Path) -> None:
    options = ("--seed", "7", "--temperature", "0.6", "--top-k", "5")
    ended = speaker_tts("generate", "Hello.", *options, "-o", "out.wav", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    told = " ".join(ended.stderr.split())
    assert "Warning: this model does not follow the sampling's temperature, top_k" in told


def test_generate_passes_on_why_a_request_was_refused_and_leaves_no_file(
    tmp_path: Path,
) -> None:
    ended = speaker_tts("generate", "Hello.", "--voice", "hart", "-o", "out.wav", cwd=tmp_path)
    assert ended.returncode == 1
    assert "hart" in ended.stderr
    assert "heart" in ended.stderr
    assert list(tmp_path.iterdir()) == []

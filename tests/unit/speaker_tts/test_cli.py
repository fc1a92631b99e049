"""The command line ends with a sentence, never with a traceback."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

COMMAND_TIMEOUT = 30


def speaker_tts(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "speaker_tts.cli", *args],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=COMMAND_TIMEOUT,
        check=False,
    )


def test_version(tmp_path: Path) -> None:
    assert speaker_tts("version", cwd=tmp_path).stdout.strip() == version("speaker-tts")


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        (("up", "-f", "absent.yaml"), 2, "absent.yaml"),
        (("up", "-f", "x.yaml", "--once"), 2, "--say"),
        (("generate", "Hi", "--url", "http://127.0.0.1:9"), 1, "No speech service answers"),
        (("generate", "Hi", "-o", "x.wma", "--url", "http://127.0.0.1:9"), 2, "no audio format"),
        (("generate", "Hi", "--speed", "9"), 2, "less than or equal to 4"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(
    tmp_path: Path, args: tuple[str, ...], code: int, told: str
) -> None:
    ended = speaker_tts(*args, cwd=tmp_path)
    assert ended.returncode == code, ended.stderr
    assert told in " ".join(ended.stderr.split())
    assert "Traceback" not in ended.stderr
    assert list(tmp_path.iterdir()) == []

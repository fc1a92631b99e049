"""What the README shows is run, against a service as `speaker-tts up` serves it."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from speaker_tts.local.process import local_runtime
from speaker_tts.local.service import load_documents, resolve
from tests.support.programs import is_mp3, run_program

SHOWN = "http://127.0.0.1:8080"


@pytest.fixture(scope="module")
def service(repository: Path) -> Iterator[str]:
    """Address of the quickstart, served on a free port."""
    quickstart = resolve(load_documents(repository / "examples" / "quickstart.yaml"))
    with local_runtime(quickstart, host="127.0.0.1", port=0) as runtime:
        runtime.wait_ready(lambda _phase: None)
        yield runtime.url


def _snippet(repository: Path, language: str, containing: str) -> str:
    text = (repository / "README.md").read_text(encoding="utf-8")
    found = re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    matching = [s for s in found if containing in s]
    assert len(matching) == 1, f"{language} snippet with {containing!r}: {len(matching)}"
    return str(matching[0])


def test_the_python_example(repository: Path, service: str, tmp_path: Path) -> None:
    code = _snippet(repository, "python", "openai").replace(SHOWN, service)
    run_program(tmp_path, [sys.executable, "-c", code])
    assert is_mp3(tmp_path / "speech.mp3")


def test_the_curl_example(repository: Path, service: str, tmp_path: Path) -> None:
    code = _snippet(repository, "sh", "curl ").replace(SHOWN, service)
    run_program(tmp_path, ["bash", "-c", code])
    assert (tmp_path / "speech.wav").read_bytes().startswith(b"RIFF")


def test_the_javascript_example(repository: Path, service: str, tmp_path: Path) -> None:
    (tmp_path / "example.mjs").write_text(
        _snippet(repository, "js", "fetch").replace(SHOWN, service)
    )
    run_program(tmp_path, ["node", "example.mjs"])
    assert is_mp3(tmp_path / "speech.mp3")


def test_the_go_example(repository: Path, service: str, tmp_path: Path) -> None:
    (tmp_path / "main.go").write_text(_snippet(repository, "go", "http").replace(SHOWN, service))
    run_program(tmp_path, ["go", "run", "main.go"])
    assert is_mp3(tmp_path / "speech.mp3")


def test_the_command_line_example(repository: Path, service: str, tmp_path: Path) -> None:
    command = ["bash", "-c", _snippet(repository, "sh", "generate")]
    run_program(tmp_path, command, {"SPEAKER_TTS_URL": service})
    assert is_mp3(tmp_path / "hello.mp3")

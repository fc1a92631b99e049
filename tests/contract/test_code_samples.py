"""Every program that the API reference shows is run as it stands, against a running server."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx2
import pytest

from speaker_runtime.http.openapi import samples
from speaker_runtime.http.openapi.codesamples import LANGUAGES, SHOWN_ADDRESS
from tests.support.programs import is_mp3, run_program, use_node_modules
from tests.support.runtime import RuntimeProcess

FOLDER = Path(str(samples.__file__)).parent
PROGRAMS = sorted(
    path for path in FOLDER.iterdir() if path.suffix[1:] in LANGUAGES and path.stem != "__init__"
)
COMMANDS: Mapping[str, list[str]] = {
    "py": [sys.executable, "sample.py"],
    "mjs": ["node", "sample.mjs"],
    "sh": ["bash", "sample.sh"],
    "go": ["go", "run", "sample.go"],
}
FOR_THE_SHELL = ("/v1/audio/models", "/tts/preview/{address}")
PRINTED: Mapping[str, str] = {
    "create_speech": "",
    "create_preview": "How are you?",
    "hear_preview": "",
    "stream_speech": "sentence Like this one.",
    "list_voices": "ana",
    "capabilities": "en-US",
    "list_models": "tts-1",
    "list_speech_models": "tts-1",
    "retrieve_model": "speaker-tts",
    "live": '"status":"live"',
    "ready": '"ready":true',
    "status": '"backend":"hibari"',
    "metrics": "tts_requests_running",
}


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
def test_a_sample_runs(program: Path, runtime: RuntimeProcess, tmp_path: Path) -> None:
    language = program.suffix[1:]
    code = program.read_text(encoding="utf-8")
    shown, real = SHOWN_ADDRESS.removeprefix("http:"), runtime.url.removeprefix("http:")
    assert shown in code
    (tmp_path / f"sample.{language}").write_text(code.replace(shown, real))
    if language == "mjs":
        use_node_modules(tmp_path)
    printed = run_program(tmp_path, COMMANDS[language])
    assert PRINTED[program.stem] in printed
    if "speech.mp3" in code:
        assert is_mp3(tmp_path / "speech.mp3")


def _operations(http: httpx2.Client) -> Iterator[tuple[str, dict[str, list[dict[str, str]]]]]:
    for path, operations in http.get("/openapi.json").json()["paths"].items():
        for operation in operations.values():
            yield path, operation


def test_the_schema_shows_them(http: httpx2.Client) -> None:
    for path, operation in _operations(http):
        languages = [sample["lang"] for sample in operation["x-codeSamples"]]
        everything = [language for language, _ in LANGUAGES.values()]
        for_programs = path.startswith(("/v1/", "/tts/")) and path not in FOR_THE_SHELL
        assert languages == (everything if for_programs else ["Shell"]), path


def test_the_reference_shows_them_for_its_own_address(http: httpx2.Client) -> None:
    script = http.get("/docs/start.js").text
    assert "x-codeSamples" in script
    assert f'"{SHOWN_ADDRESS}"' in script

"""The official JavaScript client: its tests are JavaScript (js/speech.test.mjs), run here."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from speaker_runtime.contract import ServingConfig
from tests.support.audio import Decoded, decode, decode_pcm
from tests.support.programs import NODE_MODULES, run_program, use_node_modules
from tests.support.runtime import RuntimeProcess
from tests.support.tone import ToneBackend
from tests.support.tone_server import (
    FULL,
    FULL_FOR_ONE,
    KEY,
    TOO_MUCH,
    Fullness,
    ToneServer,
    full_service,
    tone_server,
)

FOLDER = NODE_MODULES.parent
TESTS = FOLDER / "speech.test.mjs"
RATES = {"mp3": 24_000, "opus": 48_000, "aac": 24_000, "flac": 24_000, "wav": 24_000}


@pytest.fixture(scope="module")
def broken() -> Iterator[ToneServer]:
    """A service whose model fails at every exclamation mark."""
    with tone_server(ServingConfig(), ToneBackend()) as server:
        yield server


@pytest.fixture(scope="module")
def ran(
    runtime: RuntimeProcess, broken: ToneServer, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """The directory in which the JavaScript tests ran, and their report."""
    directory = tmp_path_factory.mktemp("js")
    use_node_modules(directory)
    (directory / TESTS.name).write_text(TESTS.read_text())
    where = {"SPEAKER_TTS_URL": runtime.url, "SPEAKER_TTS_BROKEN_URL": broken.url}
    return directory, run_program(directory, ["node", "--test-reporter=tap", TESTS.name], where)


def test_all_of_them_pass(ran: tuple[Path, str]) -> None:
    _, report = ran
    passed = re.search(r"^# pass (\d+)$", report, re.MULTILINE)
    assert passed
    assert int(passed[1]) > 30
    assert "# skipped 0" in report


@pytest.mark.parametrize("audio_format", [*RATES, "pcm"])
def test_what_it_received_is_the_whole_sentence(ran: tuple[Path, str], audio_format: str) -> None:
    directory, _ = ran
    data = (directory / f"speech.{audio_format}").read_bytes()
    reference = decode_pcm((directory / "speech.pcm").read_bytes())
    heard = _listen(data, audio_format)
    assert heard.sample_rate == RATES.get(audio_format, 24_000)
    assert heard.seconds > 2
    assert heard.seconds == pytest.approx(reference.seconds, abs=0.12)
    assert heard.loudness == pytest.approx(reference.loudness, rel=0.2)


def _listen(data: bytes, audio_format: str) -> Decoded:
    return decode_pcm(data) if audio_format == "pcm" else decode(data)


@pytest.mark.parametrize("full", [FULL, FULL_FOR_ONE], ids=lambda full: full.code)
def test_it_comes_back_when_it_was_told_to(tmp_path: Path, full: Fullness) -> None:
    told = _ask(tmp_path, full, retries=2)
    refused, again, *_ = told["attempts"]
    assert refused["status"] == full.status
    assert again["at"] - refused["at"] >= 1000 * float(refused["retryAfter"])
    assert told["bytes"] > 0


@pytest.mark.parametrize(
    ("full", "error"), [(FULL, "InternalServerError"), (FULL_FOR_ONE, "RateLimitError")]
)
def test_without_retries_it_is_told_why_there_is_no_room(
    tmp_path: Path, full: Fullness, error: str
) -> None:
    told = _ask(tmp_path, full, retries=0)
    assert told["error"] == {"name": error, "status": full.status, "code": full.code}


def _ask(directory: Path, full: Fullness, retries: int) -> Mapping[str, Any]:
    """What the client tells of one request to a service that is full at first."""
    use_node_modules(directory)
    (directory / "patient.mjs").write_text((FOLDER / "patient.mjs").read_text())
    with full_service(full) as service:
        where = {
            "SPEAKER_TTS_URL": service.url,
            "KEY": KEY,
            "TEXT": TOO_MUCH,
            "RETRIES": str(retries),
        }
        told: Mapping[str, Any] = json.loads(run_program(directory, ["node", "patient.mjs"], where))
    return told

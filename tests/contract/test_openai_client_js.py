"""The official JavaScript client: its tests are JavaScript (js/speech.test.mjs), run here."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from speaker_runtime.contract import ServingConfig
from tests.support.audio import Decoded, decode, decode_pcm
from tests.support.programs import NODE_MODULES, run_program, use_node_modules
from tests.support.runtime import RuntimeProcess
from tests.support.tone import ToneBackend
from tests.support.tone_server import TOO_MUCH, ToneServer, full_service, tone_server

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


def test_it_comes_back_when_it_was_told_to(tmp_path: Path) -> None:
    use_node_modules(tmp_path)
    (tmp_path / "patient.mjs").write_text((FOLDER / "patient.mjs").read_text())
    with full_service() as full:
        where = {"SPEAKER_TTS_URL": full.url, "TEXT": TOO_MUCH}
        printed = run_program(tmp_path, ["node", "patient.mjs"], where)
    told: Mapping[str, list[Mapping[str, float]]] = json.loads(printed)
    refused, *_, spoken = told["attempts"]
    assert (refused["status"], spoken["status"]) == (503, 200)
    assert told["attempts"][1]["at"] - refused["at"] >= 1000 * float(refused["retryAfter"])

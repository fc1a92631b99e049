"""Voices of a real process change under load, and not one request fails."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import httpx2
import pytest

from speaker_runtime.contract import (
    VOICE_SYNC_PATH,
    ServingConfig,
    SyncReport,
    VoiceEntry,
    VoiceManifest,
)
from tests.support.figures import RecordFigure
from tests.support.runtime import RuntimeProcess, serving
from tests.support.syncing import new_key, order, sync_config

KEY = new_key()
CLIENTS = 4
CHANGES = 60


def manifest(turn: int) -> VoiceManifest:
    """Ana stays, though not as she was; each guest is there for one turn."""
    ana = VoiceEntry(name="ana", preset="heart", aliases=("nova", f"ana-{turn}"))
    return VoiceManifest(voices=(ana, VoiceEntry(name=f"guest-{turn}", preset="heart")))


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RuntimeProcess]:
    """A server whose voices somebody may change."""
    directory = tmp_path_factory.mktemp("synced")
    with serving(directory, ServingConfig(), sync_config(KEY)) as running:
        yield running


def change(url: str, turn: int) -> httpx2.Response:
    headers, body = order(KEY, manifest(turn), turn)
    return httpx2.post(f"{url}{VOICE_SYNC_PATH}", headers=headers, content=body)


def speak(client: httpx2.Client, text: str) -> httpx2.Response:
    body = {"model": "tts-1", "voice": "nova", "input": text, "response_format": "wav"}
    return client.post("/v1/audio/speech", json=body)


def test_no_request_fails_while_the_voices_change(
    synced: RuntimeProcess, record_figure: RecordFigure
) -> None:
    over = Event()

    def talk(number: int) -> list[tuple[int, int]]:
        answers: list[tuple[int, int]] = []
        with httpx2.Client(base_url=synced.url, timeout=60) as client:
            while not over.is_set():
                answer = speak(client, f"Client {number} says sentence {len(answers)}.")
                answers.append((answer.status_code, len(answer.content)))
        return answers

    with ThreadPoolExecutor(CLIENTS) as pool:
        talking = [pool.submit(talk, number) for number in range(CLIENTS)]
        try:
            reports = [change(synced.url, turn) for turn in range(1, CHANGES + 1)]
        finally:
            over.set()
        spoken = [answer for each in talking for answer in each.result()]
    assert {each.status_code for each in reports} == {200}
    last = SyncReport.model_validate_json(reports[-1].content)
    assert last.digest == manifest(CHANGES).digest
    failed = [status for status, _ in spoken if status != 200]
    record_figure(f"of {len(spoken)} requests while voices changed, failed", len(failed), "")
    assert failed == []
    assert min(length for _, length in spoken) > 10_000, "each heard its whole sentence"


def test_the_process_tells_what_it_serves_from_then_on(synced: RuntimeProcess) -> None:
    change(synced.url, CHANGES + 1)
    listed = httpx2.get(f"{synced.url}/v1/audio/voices").json()["voices"]
    assert [each["id"] for each in listed] == ["ana", f"guest-{CHANGES + 1}", "heart"]
    status = httpx2.get(f"{synced.url}/status").json()
    assert status["default_voice"] == "ana"

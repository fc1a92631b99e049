"""XTTS-v2 as a real process: fetched, converted, loaded and spoken with, on a tiny checkpoint.

Its weights are random, so that what it says is no speech; everything else is as with the real one.
"""

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import numpy as np
import pytest

from speaker_operator.api.v1alpha1.backends import BACKENDS
from speaker_runtime.contract import (
    CONFIG_FILE,
    VOICE_AUDIO_PATH,
    VOICE_SYNC_PATH,
    VOICES_FILE,
    ExitCode,
    ModelConfig,
    ReferenceClip,
    ReferencesConfig,
    RuntimeConfig,
    SyncReport,
    VoiceEntry,
    VoiceManifest,
    VoiceReference,
    digest_of,
)
from tests.support import clips
from tests.support.hub import publish
from tests.support.runtime import COMMAND, RuntimeProcess, eventually, start
from tests.support.syncing import handing, new_key, order, sync_config
from tests.support.webserver import website
from tests.support.xtts import SPEAKERS, tiny_checkpoint

KEY = new_key()
TEXT = "The harbour lay quiet."
WITHIN = 60.0


def documents(directory: Path) -> Path:
    """Write what the operator would."""
    config = RuntimeConfig(
        service="xtts",
        backend="xtts",
        model=ModelConfig(
            source=BACKENDS["xtts"].model_source,
            directory=directory / "model",
            accept_license="CPML",
        ),
        voice_sync=sync_config(KEY),
        references=ReferencesConfig(directory=directory / "states"),
    )
    (directory / CONFIG_FILE).write_text(config.to_json())
    (directory / VOICES_FILE).write_text(VoiceManifest().to_json())
    return directory


@pytest.fixture(scope="module")
def xtts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RuntimeProcess]:
    """Fetched from a stand-in of the Hub, whose files are taken away before it serves."""
    published = tiny_checkpoint(tmp_path_factory.mktemp("published"), "pickled")
    files = {path.name: path.read_bytes() for path in published.iterdir()}
    directory = documents(tmp_path_factory.mktemp("xtts"))
    repository, _, revision = BACKENDS["xtts"].model_source.removeprefix("hf://").partition("@")
    with website() as site:
        publish(site, repository, revision, files, large=(".pth",), card={})
        done = subprocess.run(
            [*COMMAND, "model", "fetch", "--config", directory],
            check=False,
            capture_output=True,
            text=True,
            timeout=WITHIN,
            env=os.environ | {"HF_ENDPOINT": site.url},
        )
    assert done.returncode == ExitCode.OK, done.stderr
    with start(directory) as running:
        running.wait_ready()
        yield running


@pytest.fixture
def http(xtts: RuntimeProcess) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=xtts.url, timeout=WITHIN) as client:
        yield client


def speak(client: httpx2.Client, **asked: object) -> httpx2.Response:
    body = {"model": "tts-1", "voice": SPEAKERS[0], "input": TEXT, "response_format": "pcm"}
    return client.post("/v1/audio/speech", json=body | asked, headers={"Cache-Control": "no-store"})


def test_a_built_in_speaker_is_heard(http: httpx2.Client) -> None:
    answer = speak(http)

    assert answer.status_code == 200, answer.text
    samples = np.frombuffer(answer.content, "<i2")
    assert len(samples) > 24_000 // 2
    assert np.abs(samples).max() > 0


def test_it_speaks_seventeen_languages(http: httpx2.Client) -> None:
    voices = http.get("/v1/audio/voices").json()["voices"]

    assert {each["id"] for each in voices} >= set(SPEAKERS)
    assert len(voices[0]["languages"]) == 17
    for language, text in (
        ("zh", "你好，世界。"),
        ("ja", "こんにちは。"),
        ("ko", "안녕하세요."),
        ("ar", "مرحبا"),
    ):
        answer = speak(http, language=language, input=text)
        assert answer.status_code == 200, answer.text


def test_the_same_order_gives_the_same_bytes_alone_and_among_others(http: httpx2.Client) -> None:
    orders = [
        {"seed": seed, "voice": SPEAKERS[seed % 2], "input": TEXT[seed:]} for seed in range(6)
    ]
    alone = [speak(http, **each).content for each in orders]

    with ThreadPoolExecutor(len(orders)) as clients:
        together = list(clients.map(lambda each: speak(http, **each).content, orders))

    assert together == alone
    assert len(set(alone)) == len(alone)


def test_a_recording_becomes_a_voice(http: httpx2.Client) -> None:
    audio = clips.wav(clips.speech())
    clip = ReferenceClip(digest=digest_of(audio))
    voice = VoiceEntry(name="mia", languages=("en",), reference=VoiceReference(clips=(clip,)))
    revisions = iter(range(1, 10_000))

    def sync() -> SyncReport:
        headers, body = order(KEY, VoiceManifest(voices=(voice,)), next(revisions))
        answer = http.post(VOICE_SYNC_PATH, headers=headers, content=body)
        assert answer.status_code == 200, answer.text
        return SyncReport.model_validate_json(answer.content)

    assert sync().wanted == (clip.digest,)
    headers, body = handing(KEY, audio)
    assert http.post(VOICE_AUDIO_PATH, headers=headers, content=body).is_success
    eventually(lambda: sync().ask_again_seconds is None, within=WITHIN, what="the voice")

    cloned, built_in = speak(http, voice="mia"), speak(http)
    assert cloned.status_code == 200, cloned.text
    assert cloned.content != built_in.content
    assert speak(http, voice="mia").content == cloned.content


def test_who_leaves_costs_no_more_than_a_step(xtts: RuntimeProcess, http: httpx2.Client) -> None:
    with http.stream(
        "POST",
        "/v1/audio/speech",
        json={"model": "tts-1", "voice": SPEAKERS[0], "input": f"{TEXT} " * 40},
    ) as answer:
        assert answer.status_code == 200
        next(answer.iter_bytes())

    eventually(
        lambda: http.get("/status").json()["queue"]["running"] == 0, within=WITHIN, what="the end"
    )

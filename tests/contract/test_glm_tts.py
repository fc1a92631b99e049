"""GLM-TTS as a real process: fetched, converted, loaded and spoken with, on a tiny checkpoint.

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

from speaker_runtime.backends.glm_tts.recipe import COSYVOICE, SPEAKER_FILE
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
    VoiceReason,
    VoiceReference,
    digest_of,
)
from tests.support import clips
from tests.support.glm_tts import TRANSCRIPT, tiny_checkpoint
from tests.support.hub import publish
from tests.support.runtime import COMMAND, RuntimeProcess, eventually, start
from tests.support.syncing import handing, new_key, order, sync_config
from tests.support.webserver import website

KEY = new_key()
REPOSITORY, REVISION = "zai-org/GLM-TTS", "main"
TEXT = "你好，世界。the world, hello."
WITHIN = 60.0


def documents(directory: Path) -> Path:
    """Write what the operator would."""
    config = RuntimeConfig(
        service="glm-tts",
        backend="glm-tts",
        model=ModelConfig(source=f"hf://{REPOSITORY}@{REVISION}", directory=directory / "model"),
        voice_sync=sync_config(KEY),
        references=ReferencesConfig(directory=directory / "states"),
    )
    (directory / CONFIG_FILE).write_text(config.to_json())
    (directory / VOICES_FILE).write_text(VoiceManifest().to_json())
    return directory


@pytest.fixture(scope="module")
def glm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RuntimeProcess]:
    """Fetched from a stand-in of the Hub, where the speaker encoder is another model's."""
    published = tiny_checkpoint(tmp_path_factory.mktemp("published"))
    files = {
        str(path.relative_to(published)): path.read_bytes()
        for path in published.rglob("*")
        if path.is_file()
    }
    speaker = {COSYVOICE.name: files.pop(SPEAKER_FILE), "llm.pt": b"of no use here"}
    directory = documents(tmp_path_factory.mktemp("glm"))
    other, _, revision = COSYVOICE.source.removeprefix("hf://").partition("@")
    with website() as site:
        large = (".pt", ".safetensors", ".onnx")
        publish(site, REPOSITORY, REVISION, files, large=large, card={"license": "mit"})
        where = publish(site, other, revision, speaker, large=large, card={"license": "apache-2.0"})
        done = subprocess.run(
            [*COMMAND, "model", "fetch", "--config", directory],
            check=False,
            capture_output=True,
            text=True,
            timeout=WITHIN,
            env=os.environ | {"HF_ENDPOINT": site.url},
        )
        assert done.returncode == ExitCode.OK, done.stderr
        asked = {path for path, _ in site.requests if path.startswith(where)}
        assert asked == {f"{where}/{COSYVOICE.name}"}
    with start(directory) as running:
        running.wait_ready()
        yield running


@pytest.fixture
def http(glm: RuntimeProcess) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=glm.url, timeout=WITHIN) as client:
        yield client


def sync(client: httpx2.Client, voices: tuple[VoiceEntry, ...], revision: int) -> SyncReport:
    headers, body = order(KEY, VoiceManifest(voices=voices), revision)
    answer = client.post(VOICE_SYNC_PATH, headers=headers, content=body)
    assert answer.status_code == 200, answer.text
    return SyncReport.model_validate_json(answer.content)


@pytest.fixture(scope="module")
def mia(glm: RuntimeProcess) -> str:
    """A voice of a recording; another one lacks its transcript."""
    audio = clips.wav(clips.speech())
    clip = ReferenceClip(digest=digest_of(audio))
    told = VoiceReference(clips=(clip,), transcript=TRANSCRIPT)
    voices = (
        VoiceEntry(name="mia", languages=("zh", "en"), reference=told),
        VoiceEntry(name="mute", languages=("zh",), reference=VoiceReference(clips=(clip,))),
    )
    revisions = iter(range(1, 10_000))
    with httpx2.Client(base_url=glm.url, timeout=WITHIN) as client:
        report = sync(client, voices, next(revisions))
        assert report.wanted == (clip.digest,)
        assert {each.name: each.reason for each in report.voices}["mute"] == (
            VoiceReason.TRANSCRIPT_MISSING
        )
        headers, body = handing(KEY, audio)
        assert client.post(VOICE_AUDIO_PATH, headers=headers, content=body).is_success
        eventually(
            lambda: sync(client, voices, next(revisions)).ask_again_seconds is None,
            within=WITHIN,
            what="the voice",
        )
    return "mia"


def speak(client: httpx2.Client, voice: str, **asked: object) -> httpx2.Response:
    body = {"model": "tts-1", "voice": voice, "input": TEXT, "response_format": "pcm"}
    return client.post("/v1/audio/speech", json=body | asked, headers={"Cache-Control": "no-store"})


def test_it_says_what_it_needs(http: httpx2.Client) -> None:
    can = http.get("/v1/audio/capabilities").json()
    assert can["cloning"]["needs_transcript"] is True
    assert can["cloning"]["languages"] == ["zh", "en"]


def test_chinese_english_and_both_are_heard(http: httpx2.Client, mia: str) -> None:
    for language, text in (("zh", "你好，世界。"), ("en", "the world, hello."), ("zh", TEXT)):
        answer = speak(http, mia, language=language, input=text)
        assert answer.status_code == 200, answer.text
        samples = np.frombuffer(answer.content, "<i2")
        assert len(samples) > 24_000 // 10
        assert np.abs(samples).max() > 0


def test_the_same_order_gives_the_same_bytes_alone_and_among_others(
    http: httpx2.Client, mia: str
) -> None:
    orders = [{"seed": seed, "input": TEXT[seed:]} for seed in range(4)]
    alone = [speak(http, mia, **each).content for each in orders]

    with ThreadPoolExecutor(len(orders)) as clients:
        together = list(clients.map(lambda each: speak(http, mia, **each).content, orders))

    assert together == alone
    assert len(set(alone)) == len(alone)


def test_letters_that_it_cannot_read_are_told(http: httpx2.Client, mia: str) -> None:
    answer = speak(http, mia, input="Привет, мир", language="en")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "text_not_speakable"

"""XTTS-v2's image, and a cloned voice on a cluster: ``make e2e-xtts``.

The weights are random, in the layout of the published ones: what is said is no speech, and
everything else is as with the real model. The tests run in the order of the file.
"""

import json
import time
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from speaker_runtime.contract import READY_PATH
from tests.e2e.client_pod import post
from tests.engines.images import (
    GIGABYTES,
    OF_THE_NODE,
    allow,
    cluster,
    documents,
    ready,
)
from tests.support import clips
from tests.support.audio import decode
from tests.support.figures import RecordFigure
from tests.support.kubernetes import Kubectl, eventually
from tests.support.offline import missed_libraries, offline, store
from tests.support.webserver import Site
from tests.support.xtts import SPEAKERS, full_model, tiny_checkpoint, tiny_model

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(3600)]

IMAGE: Final = "runtime-xtts"
START_GOAL: Final = 30.0
START_TIMEOUT: Final = 180
ANSWER_TIMEOUT: Final = 120
READY_TIMEOUT: Final = 240
SENTENCE: Final = "The harbour lay quiet."
SMALL: Final = {"requests": {"cpu": "250m", "memory": "2Gi"}, "limits": {"memory": "4Gi"}}
"""Less than the real model's own: it has to fit on a node of two cores."""


def test_the_image_is_smaller_than_five_gigabytes(
    gigabytes: float, record_figure: RecordFigure
) -> None:
    record_figure("xtts image, unpacked, its base included", gigabytes, "GB", goal="< 5")
    assert gigabytes < GIGABYTES


def test_no_library_misses_what_was_left_out(tag: str) -> None:
    with store().mounted(tag) as root:
        assert missed_libraries(root) <= OF_THE_NODE


def test_with_a_cached_model_it_speaks_read_only_and_without_a_network(
    tag: str, tmp_path: Path
) -> None:
    directory = tmp_path / "mnt"
    directory.mkdir()
    documents(directory, "xtts", tiny_model(directory))
    order = {"model": "tts-1", "voice": SPEAKERS[0], "input": SENTENCE, "response_format": "wav"}
    with offline(tag, directory, tmp_path, "serve", "--config", "/mnt", "--port", "8000") as server:
        server.ask(READY_PATH, within=START_TIMEOUT)
        audio = server.ask("/v1/audio/speech", json.dumps(order).encode(), within=ANSWER_TIMEOUT)
        assert server.interfaces() == ["lo"]
    assert decode(audio).seconds > 0.5
    assert decode(audio).loudness > 0


def test_a_model_of_full_size_is_ready_within_half_a_minute(
    tag: str, tmp_path: Path, record_figure: RecordFigure
) -> None:
    directory = tmp_path / "mnt"
    directory.mkdir()
    documents(directory, "xtts", full_model(directory))
    began = time.monotonic()
    with offline(tag, directory, tmp_path, "serve", "--config", "/mnt", "--port", "8000") as server:
        server.ask(READY_PATH, within=START_TIMEOUT)
        took, computed = time.monotonic() - began, server.cpu_seconds()
    record_figure("xtts image started with 1.9 GB of weights, to ready", took, "s", goal="< 30")
    record_figure("CPU time of that, on all CPUs together", computed, "s")
    assert took < START_GOAL


@pytest.fixture(scope="module")
def example(
    kubectl: Kubectl, site: Site, repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, Any]]:
    """``examples/xtts.yaml``, with a tiny model of the site in place of the published one."""
    cluster(repository, "images", IMAGE)
    published = tiny_checkpoint(tmp_path_factory.mktemp("published"), "pickled")
    files = {path.name: path.read_bytes() for path in published.iterdir()}
    objects = list(yaml.safe_load_all((repository / "examples" / "xtts.yaml").read_text()))
    spec = objects[0]["spec"]
    spec["model"]["source"] = site.address("xtts", site.offer("xtts", files))
    spec["resources"] = SMALL
    spec["cache"]["size"] = "1Gi"
    return objects


def test_the_example_becomes_ready_with_a_voice_of_a_recording(
    kubectl: Kubectl, example: list[dict[str, Any]], tmp_path: Path, record_figure: RecordFigure
) -> None:
    recording = tmp_path / "ana.wav"
    recording.write_bytes(clips.wav(clips.speech()))
    kubectl("create", "secret", "generic", "ana-recording", f"--from-file={recording}")
    allow(kubectl, "ana-recording")
    began = time.monotonic()
    kubectl.apply(*example)

    for kind, name in (("ttsservice", "polyglot"), ("voice", "narrator"), ("voice", "ana")):
        eventually(
            partial(ready, kubectl, kind, name),
            within=READY_TIMEOUT,
            what=f"{kind}/{name} is Ready",
        )
    record_figure("xtts example applied to a cloned voice", time.monotonic() - began, "s")


def test_the_cloned_voice_is_heard_and_is_not_another_one(kubectl: Kubectl) -> None:
    url = (kubectl.get("ttsservice", "polyglot") or {})["status"]["url"]

    def speak(voice: str) -> bytes:
        order: dict[str, Any] = {"model": "tts-1", "voice": voice, "input": SENTENCE, "seed": 1}
        order |= {"response_format": "wav"}
        status, audio = post(kubectl, f"asks-for-{voice}", f"{url}/v1/audio/speech", order)
        assert status == 200, audio[:500]
        return audio

    cloned, built_in = speak("ana"), speak("narrator")
    for audio in (cloned, built_in):
        assert decode(audio).seconds > 0.5
        assert decode(audio).loudness > 0
    assert cloned != built_in

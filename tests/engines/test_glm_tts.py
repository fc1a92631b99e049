"""GLM-TTS' image, a cloned voice on a cluster, and two engines behind one gateway.

``make e2e-glm-tts``. The weights are random, in the layout of the published ones: what is said is
no speech, and everything else is as with the real model. The tests run in the order of the file.
"""

import copy
import json
import time
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import yaml

from speaker_runtime.contract import (
    READY_PATH,
    VOICE_AUDIO_PATH,
    VOICE_SYNC_PATH,
    ReferenceClip,
    ReferencesConfig,
    SyncReport,
    VoiceEntry,
    VoiceManifest,
    VoiceReference,
    digest_of,
)
from tests.apiserver.api import service, voice
from tests.apiserver.recordings import of_config_map
from tests.e2e.client_pod import Answer, ask
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
from tests.support.glm_tts import TRANSCRIPT, tiny_checkpoint, tiny_model
from tests.support.kubernetes import Kubectl, condition, eventually
from tests.support.offline import Offline, missed_libraries, offline, store
from tests.support.syncing import handing, new_key, order, sync_config
from tests.support.webserver import Site

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(3600)]

IMAGE: Final = "runtime-glm-tts"
KEY: Final = new_key()
START_TIMEOUT: Final = 180
ANSWER_TIMEOUT: Final = 120
READY_TIMEOUT: Final = 240
TOLD_TIMEOUT: Final = 60
TEXT: Final = "你好，世界。the world, hello."
SMALL: Final = {"requests": {"cpu": "250m", "memory": "1Gi"}, "limits": {"memory": "3Gi"}}
"""Less than the real model's own: it has to fit on a node of two cores."""


def test_the_image_is_smaller_than_five_gigabytes(
    gigabytes: float, record_figure: RecordFigure
) -> None:
    record_figure("glm-tts image, unpacked, its base included", gigabytes, "GB", goal="< 5")
    assert gigabytes < GIGABYTES


def test_no_library_misses_what_was_left_out(tag: str) -> None:
    with store().mounted(tag) as root:
        assert missed_libraries(root) <= OF_THE_NODE


def make_voice(server: Offline, name: str, audio: bytes) -> None:
    """Hand a recording over as the operator does, and wait for the voice that is made of it."""
    clip = ReferenceClip(digest=digest_of(audio))
    reference = VoiceReference(clips=(clip,), transcript=TRANSCRIPT)
    entry = VoiceEntry(name=name, languages=("zh", "en"), reference=reference)
    revisions = iter(range(1, 10_000))

    def sync() -> SyncReport:
        headers, body = order(KEY, VoiceManifest(voices=(entry,)), next(revisions))
        answer = server.ask(VOICE_SYNC_PATH, body, within=ANSWER_TIMEOUT, headers=headers)
        return SyncReport.model_validate_json(answer)

    assert sync().wanted == (clip.digest,)
    headers, body = handing(KEY, audio)
    server.ask(VOICE_AUDIO_PATH, body, within=ANSWER_TIMEOUT, headers=headers)
    eventually(
        lambda: sync().ask_again_seconds is None, within=ANSWER_TIMEOUT, what=f"{name} is made"
    )


def test_with_a_cached_model_it_clones_and_speaks_read_only_and_without_a_network(
    tag: str, tmp_path: Path, record_figure: RecordFigure
) -> None:
    directory = tmp_path / "mnt"
    directory.mkdir()
    states = ReferencesConfig(directory=Path("/tmp/states"))
    model = tiny_model(directory)
    documents(directory, "glm-tts", model, voice_sync=sync_config(KEY), references=states)
    asked = {"model": "tts-1", "voice": "lin", "input": TEXT, "response_format": "wav"}
    began = time.monotonic()
    with offline(tag, directory, tmp_path, "serve", "--config", "/mnt", "--port", "8000") as server:
        server.ask(READY_PATH, within=START_TIMEOUT)
        record_figure("glm-tts image started with a tiny model", time.monotonic() - began, "s")
        make_voice(server, "lin", clips.wav(clips.speech()))
        audio = server.ask("/v1/audio/speech", json.dumps(asked).encode(), within=ANSWER_TIMEOUT)
        assert server.interfaces() == ["lo"]
    assert decode(audio).seconds > 0.1
    assert decode(audio).loudness > 0


@pytest.fixture(scope="module")
def example(
    kubectl: Kubectl, site: Site, repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, Any]]:
    """``examples/glm-tts.yaml``, with a tiny model of the site in place of the published one."""
    cluster(repository, "images", IMAGE)
    published = tiny_checkpoint(tmp_path_factory.mktemp("published"))
    files = {
        str(path.relative_to(published)): path.read_bytes()
        for path in published.rglob("*")
        if path.is_file()
    }
    objects = list(yaml.safe_load_all((repository / "examples" / "glm-tts.yaml").read_text()))
    spec = objects[0]["spec"]
    spec["model"] = {"source": site.address("glm-tts", site.offer("glm-tts", files))}
    spec["resources"] = SMALL
    spec["cache"]["size"] = "1Gi"
    return objects


def test_the_example_becomes_ready_with_a_voice_of_a_recording(
    kubectl: Kubectl, example: list[dict[str, Any]], tmp_path: Path, record_figure: RecordFigure
) -> None:
    recording = tmp_path / "lin.wav"
    recording.write_bytes(clips.wav(clips.speech()))
    kubectl("create", "secret", "generic", "lin-recording", f"--from-file={recording}")
    allow(kubectl, "lin-recording")
    began = time.monotonic()
    kubectl.apply(*example)

    for kind, name in (("ttsservice", "mandarin"), ("voice", "lin")):
        eventually(
            partial(ready, kubectl, kind, name),
            within=READY_TIMEOUT,
            what=f"{kind}/{name} is Ready",
        )
    record_figure("glm-tts example applied to a cloned voice", time.monotonic() - began, "s")


def speak(kubectl: Kubectl, of: str, client: str, **asked: str) -> Answer:
    url = (kubectl.get("ttsservice", of) or {})["status"]["url"]
    answer = ask(kubectl, client, f"{url}/v1/audio/speech", {"response_format": "wav", **asked})
    assert answer.status == 200, answer.body[:500]
    return answer


def test_the_cloned_voice_is_heard(kubectl: Kubectl) -> None:
    heard = speak(kubectl, "mandarin", "asks-for-lin", model="tts-1", voice="lin", input=TEXT)
    assert decode(heard.body).seconds > 0.1
    assert decode(heard.body).loudness > 0


def test_one_gateway_speaks_the_same_text_with_two_engines(kubectl: Kubectl) -> None:
    kubectl.apply(
        service("small", backend="hibari", voices={"selector": {"matchLabels": {"for": "small"}}}),
        voice("heart", labels={"for": "small"}, aliases=["alloy"]),
        service("both", backend="gateway"),
    )
    for name in ("small", "both"):
        eventually(
            partial(ready, kubectl, "ttsservice", name),
            within=READY_TIMEOUT,
            what=f"{name} is Ready",
        )
    asked = {"voice": "alloy", "input": "Hello to the world, and to you."}

    heard = {
        model: speak(kubectl, "both", f"asks-{model}", model=model, **asked)
        for model in ("mandarin", "small")
    }

    for model, answer in heard.items():
        assert answer.headers["x-speaker-upstream"] == model
        assert decode(answer.body).loudness > 0
    assert heard["mandarin"].body != heard["small"].body


def test_what_a_recording_lacks_is_told_in_its_voice(
    kubectl: Kubectl, example: list[dict[str, Any]], tmp_path: Path
) -> None:
    for name, samples in (("take", clips.speech()), ("marathon", np.tile(clips.speech(), 5))):
        recording = tmp_path / "clip.ogg"
        recording.write_bytes(clips.encoded(samples, "ogg", "libopus"))
        kubectl("create", "configmap", name, f"--from-file={recording}")
    faults = {
        "mute": ("TranscriptMissing", {"audio": [of_config_map("take", "clip.ogg")]}),
        "endless": (
            "TooLong",
            {"audio": [of_config_map("marathon", "clip.ogg")], "transcript": TRANSCRIPT},
        ),
    }
    for name, (_, reference) in faults.items():
        declared = copy.deepcopy(example[1])
        declared["metadata"]["name"] = name
        declared["spec"] |= {"aliases": [], "reference": reference}
        kubectl.apply(declared)

    for name, (reason, _) in faults.items():
        eventually(
            partial(_is_refused, kubectl, name, reason),
            within=TOLD_TIMEOUT,
            what=f"voice/{name} says {reason}",
        )
    heard = speak(kubectl, "mandarin", "asks-again", model="tts-1", voice="lin", input=TEXT)
    assert decode(heard.body).loudness > 0, "the others speak as before"


def _is_refused(kubectl: Kubectl, name: str, reason: str) -> bool:
    found = condition(kubectl.get("voice", name) or {}, "Ready")
    return (found.get("status"), found.get("reason")) == ("False", reason)

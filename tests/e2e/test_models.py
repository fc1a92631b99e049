"""Kokoro's weights on a cluster: fetched by a Job, shared, spoken with, copied from a claim.

The weights come from a web server of this machine, which knows them from the registries: pods of
the disposable cluster reach nothing beyond it. The tests run in the order of the file.
"""

import threading
import time
from typing import Any

import pytest

from speaker_runtime.models.store import open_model
from tests.e2e.client_pod import post
from tests.support.figures import RecordFigure
from tests.support.kokoro import kokoro_model
from tests.support.kubernetes import Kubectl, condition, eventually, is_ready
from tests.support.transcribe import transcribe, word_error_rate
from tests.support.webserver import Answer, Site

pytestmark = pytest.mark.e2e

READY_TIMEOUT = 120
REASON_TIMEOUT = 60
WORD_ERROR_GOAL = 0.05
SENTENCE = "The quick brown fox jumps over the lazy dog, and then it walks home."
SMALL = {"requests": {"cpu": "250m", "memory": "1Gi"}, "limits": {"memory": "2Gi"}}
"""Less than Kokoro's own: two services have to fit on a node of two cores."""


@pytest.fixture(scope="module")
def source(site: Site) -> str:
    """The address of Kokoro's model there."""
    stored = open_model(kokoro_model())
    files = {each.name: stored.path(each.name).read_bytes() for each in stored.manifest.files}
    return site.address("kokoro", site.offer("kokoro", files))


def spoken(name: str, source: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "speaker-tts.dev/v1alpha1",
        "kind": "TTSService",
        "metadata": {"name": name},
        "spec": {
            "backend": "kokoro",
            "model": {"source": source, **spec.pop("model", {})},
            "resources": SMALL,
            **spec,
        },
    }


def status(kubectl: Kubectl, name: str) -> dict[str, Any]:
    found: dict[str, Any] = (kubectl.get("ttsservice", name) or {}).get("status", {})
    return found


def test_a_secret_that_is_not_there_is_told_and_noticed_when_it_is(
    kubectl: Kubectl, site: Site, source: str, record_figure: RecordFigure
) -> None:
    largest = max(site.files, key=lambda path: len(site.files[path]))
    event = threading.Event()
    site.plans[largest] = [Answer(hold=event)]
    cache = {"size": "1Gi", "retain": False}
    started = time.monotonic()
    kubectl.apply(spoken("reader", source, cache=cache, model={"credentialsSecret": "token"}))

    def told() -> bool:
        found = kubectl.get("ttsservice", "reader") or {}
        return condition(found, "Ready").get("reason") == "SecretNotFound"

    eventually(told, within=REASON_TIMEOUT, what="the status names the Secret")
    record_figure("missing Secret told", time.monotonic() - started, "s", goal="<= 60")
    kubectl("create", "secret", "generic", "token", "--from-literal=HF_TOKEN=unused")

    def on_its_way() -> dict[str, Any] | None:
        model: dict[str, Any] = status(kubectl, "reader").get("model", {})
        return model if model["state"] == "Downloading" and model.get("bytes") else None

    model = eventually(on_its_way, within=REASON_TIMEOUT, what="bytes of the download are told")
    assert model["bytes"] < model["totalBytes"]
    assert kubectl.list("pod", "speaker-tts.dev/service=reader") == [], "no pod waits"
    event.set()
    eventually(
        lambda: is_ready(kubectl.get("ttsservice", "reader")),
        within=READY_TIMEOUT,
        what="reader is Ready",
    )
    assert sum(path == largest for path, _ in site.requests) == 1


def test_the_fetched_model_speaks(kubectl: Kubectl, record_figure: RecordFigure) -> None:
    url = status(kubectl, "reader")["url"]
    body = {"model": "tts-1", "voice": "af_heart", "input": SENTENCE, "response_format": "wav"}
    code, audio = post(kubectl, "listener", f"{url}/v1/audio/speech", body)
    assert code == 200, audio[:500]
    error = word_error_rate(SENTENCE, transcribe(audio))
    record_figure("word error rate of Kokoro in the cluster", error, "", goal="<= 0.05")
    assert error <= WORD_ERROR_GOAL


def test_a_claim_of_the_namespace_is_a_source(kubectl: Kubectl) -> None:
    claim = status(kubectl, "reader")["model"]["claim"]
    folder = claim.rpartition("-")[2]
    kubectl.apply(spoken("copyist", f"pvc://{claim}/{folder}"))
    eventually(
        lambda: is_ready(kubectl.get("ttsservice", "copyist")),
        within=READY_TIMEOUT,
        what="copyist is Ready",
    )
    digests = {status(kubectl, name)["model"]["digest"] for name in ("reader", "copyist")}
    assert len(digests) == 1


def test_the_cache_ends_with_the_last_service_that_uses_it(kubectl: Kubectl) -> None:
    kubectl("delete", "ttsservice", "reader", "copyist")
    eventually(
        lambda: not kubectl.list("persistentvolumeclaim", "speaker-tts.dev/model-cache"),
        within=REASON_TIMEOUT,
        what="the claim is gone",
    )
    assert kubectl.list("job", "speaker-tts.dev/model-cache") == []

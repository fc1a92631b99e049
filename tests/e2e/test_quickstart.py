"""The first minute on a cluster: apply the quickstart, hear it, change it, break it, remove it.

The tests run in the order of the file; each needs the state that the one before it left.
"""

import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.client_pod import post
from tests.e2e.conftest import RESTRICTED
from tests.support.figures import RecordFigure
from tests.support.kubernetes import (
    Kubectl,
    NeverTrue,
    condition,
    eventually,
    is_ready,
    owner_uids,
)
from tests.support.transcribe import transcribe, word_error_rate

pytestmark = pytest.mark.e2e

READY_TIMEOUT = 120
HANDOVER_TIMEOUT = 15
DELETION_TIMEOUT = 60
REPAIR_GOAL = 2.0
WORD_ERROR_GOAL = 0.05
SENTENCE = (
    "The quick brown fox jumps over the lazy dog, and then it walks home through the quiet "
    "valley. Tomorrow morning we will meet at the old railway station near the river."
)
CHILDREN = ("deployment", "service", "configmap", "persistentvolumeclaim")


@pytest.fixture(scope="module")
def service(kubectl: Kubectl, repository: Path) -> str:
    """Name of the service in examples/quickstart.yaml, applied and on its way."""
    kubectl("apply", "-f", str(repository / "examples" / "quickstart.yaml"))
    names = [i["metadata"]["name"] for i in kubectl.list("ttsservice")]
    assert len(names) == 1
    return str(names[0])


def _children(kubectl: Kubectl, service: str, kind: str) -> list[dict[str, Any]]:
    return kubectl.list(kind, f"app.kubernetes.io/instance={service}")


def _wait_gone(kubectl: Kubectl, service: str, kinds: tuple[str, ...]) -> None:
    """Wait until no child of these kinds is left; a failure tells what is, and why."""

    def left() -> list[dict[str, Any]]:
        found = [child for kind in kinds for child in _children(kubectl, service, kind)]
        return [{"kind": child["kind"], "metadata": child["metadata"]} for child in found]

    try:
        eventually(lambda: not left(), within=DELETION_TIMEOUT, what=f"{service} is gone")
    except NeverTrue as error:
        raise NeverTrue(f"{error}; left: {left()}") from None


def _wait_ready(kubectl: Kubectl, service: str) -> dict[str, Any]:
    def ready() -> dict[str, Any] | None:
        found = kubectl.get("ttsservice", service)
        return found if is_ready(found) else None

    return eventually(ready, within=READY_TIMEOUT, what=f"{service} is Ready at its generation")


def test_the_quickstart_becomes_ready(
    kubectl: Kubectl, service: str, record_figure: RecordFigure
) -> None:
    started = time.monotonic()
    found = _wait_ready(kubectl, service)
    record_figure("quickstart applied to Ready", time.monotonic() - started, "s")
    for kind in ("ModelReady", "VoicesReady", "Available", "Ready"):
        assert condition(found, kind)["status"] == "True", condition(found, kind)


def test_every_child_is_owned_by_the_service(kubectl: Kubectl, service: str) -> None:
    uid = (kubectl.get("ttsservice", service) or {})["metadata"]["uid"]
    for kind in CHILDREN:
        children = _children(kubectl, service, kind)
        assert len(children) == 1, f"{kind}: {[c['metadata']['name'] for c in children]}"
        assert owner_uids(children[0]) == {uid}, kind
    pod = _children(kubectl, service, "deployment")[0]["spec"]["template"]["spec"]
    assert [c["name"] for c in pod["initContainers"]] == ["model-fetch"]


def test_kubectl_shows_state_in_columns(kubectl: Kubectl, service: str) -> None:
    header, row = kubectl("get", "tts").splitlines()
    assert header.split()[:3] == ["NAME", "READY", "BACKEND"]
    assert row.split()[:3] == [service, "True", "hibari"]
    header, *rows = kubectl("get", "voices").splitlines()
    assert header.split()[:2] == ["NAME", "READY"]
    assert rows
    assert all(r.split()[1] == "True" for r in rows)


def test_a_pod_in_the_cluster_hears_what_it_asked_for(
    kubectl: Kubectl, service: str, record_figure: RecordFigure
) -> None:
    url = (kubectl.get("ttsservice", service) or {})["status"]["url"]
    body = {"model": "tts-1", "voice": "alloy", "input": SENTENCE, "response_format": "wav"}
    status, audio = post(kubectl, "listener", f"{url}/v1/audio/speech", body)
    assert status == 200, audio[:500]
    heard = transcribe(audio)
    error = word_error_rate(SENTENCE, heard)
    record_figure("word error rate of speech in the cluster", error, "", goal="<= 0.05")
    assert error <= WORD_ERROR_GOAL, heard


def test_an_edited_spec_rolls_out(
    kubectl: Kubectl, service: str, record_figure: RecordFigure
) -> None:
    started = time.monotonic()
    kubectl.patch("ttsservice", service, {"spec": {"serving": {"maxInputCharacters": 20}}})
    found = _wait_ready(kubectl, service)
    record_figure("spec edited to rolled out", time.monotonic() - started, "s")
    url = found["status"]["url"]
    body = {"model": "tts-1", "voice": "alloy", "input": SENTENCE}
    attempts = count()

    def refused() -> bytes | None:
        """For a moment the cluster's network may still lead to a pod that is on its way out."""
        pod = f"too-long-{next(attempts)}"
        status, answer = post(kubectl, pod, f"{url}/v1/audio/speech", body)
        return answer if status == 400 else None

    answer = eventually(refused, within=HANDOVER_TIMEOUT, what="the new limit is in effect")
    assert b"accepts 20" in answer


@pytest.mark.parametrize("kind", ["deployment", "service", "configmap"])
def test_a_deleted_child_is_put_back(
    kubectl: Kubectl, service: str, kind: str, record_figure: RecordFigure
) -> None:
    before = _children(kubectl, service, kind)[0]["metadata"]
    kubectl("delete", kind, before["name"], "--wait=false")
    started = time.monotonic()

    def put_back() -> bool:
        found = kubectl.get(kind, before["name"])
        return found is not None and found["metadata"]["uid"] != before["uid"]

    eventually(put_back, within=REPAIR_GOAL, what=f"the deleted {kind} is back")
    record_figure(f"deleted {kind} back", time.monotonic() - started, "s", goal="<= 2")


EDITS: dict[str, tuple[dict[str, Any], tuple[str | int, ...]]] = {
    "deployment": (
        {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 77}}}},
        ("spec", "template", "spec", "terminationGracePeriodSeconds"),
    ),
    "service": ({"spec": {"selector": {"app.kubernetes.io/instance": "x"}}}, ("spec", "selector")),
    "configmap": ({"data": {"config.json": "{}"}}, ("data", "config.json")),
}


@pytest.mark.parametrize("kind", EDITS)
def test_an_edited_child_is_repaired(
    kubectl: Kubectl, service: str, kind: str, record_figure: RecordFigure
) -> None:
    patch, path = EDITS[kind]
    before = _children(kubectl, service, kind)[0]
    name = before["metadata"]["name"]
    kubectl.patch(kind, name, patch)
    started = time.monotonic()

    def repaired() -> bool:
        found = kubectl.get(kind, name)
        return found is not None and _at(found, path) == _at(before, path)

    eventually(repaired, within=REPAIR_GOAL, what=f"the edited {kind} is as it was")
    record_figure(f"edited {kind} repaired", time.monotonic() - started, "s", goal="<= 2")


def _pods(kubectl: Kubectl, service: str) -> dict[str, int]:
    """The restarts of each pod, by name."""
    return {
        pod["metadata"]["name"]: pod["status"]["containerStatuses"][0]["restartCount"]
        for pod in _children(kubectl, service, "pod")
        if "deletionTimestamp" not in pod["metadata"]
    }


def test_a_new_voice_can_be_asked_for_by_its_alias_without_a_restart(
    kubectl: Kubectl, service: str, record_figure: RecordFigure
) -> None:
    kubectl.patch("ttsservice", service, {"spec": {"serving": None}})
    url = _wait_ready(kubectl, service)["status"]["url"]
    eventually(  # one on its way out may still be asked for a moment, and learns nothing new
        lambda: len(_children(kubectl, service, "pod")) == 1,
        within=READY_TIMEOUT,
        what="the pods of before are gone",
    )
    before = _pods(kubectl, service)
    spec = {"preset": "heart", "languages": ["en-US"], "aliases": ["storyteller"]}
    kubectl.apply(
        {
            "apiVersion": "speaker-tts.dev/v1alpha1",
            "kind": "Voice",
            "metadata": {"name": "added"},
            "spec": spec,
        }
    )

    started = time.monotonic()

    def voice_ready() -> bool:
        return is_ready(kubectl.get("voice", "added"))

    eventually(voice_ready, within=HANDOVER_TIMEOUT, what="the added voice is Ready")
    record_figure("voice applied to Ready", time.monotonic() - started, "s", goal="< 2")
    body = {"model": "tts-1", "voice": "storyteller", "input": "Once upon a time."}
    status, audio = post(kubectl, "alias", f"{url}/v1/audio/speech", body)
    assert status == 200, audio[:500]
    assert _pods(kubectl, service) == before


def test_a_removed_voice_can_be_asked_for_no_more(kubectl: Kubectl, service: str) -> None:
    url = (kubectl.get("ttsservice", service) or {})["status"]["url"]
    before = _pods(kubectl, service)
    kubectl("delete", "voice", "added")
    body = {"model": "tts-1", "voice": "storyteller", "input": "Once upon a time."}
    attempts = count()

    def refused() -> bytes | None:
        pod = f"removed-{next(attempts)}"
        status, answer = post(kubectl, pod, f"{url}/v1/audio/speech", body)
        return answer if status == 400 else None

    answer = eventually(refused, within=HANDOVER_TIMEOUT, what="the voice is gone")
    assert b"voice_not_found" in answer
    assert _pods(kubectl, service) == before


def test_deleting_the_service_removes_everything_it_owns(kubectl: Kubectl, service: str) -> None:
    kubectl("delete", "ttsservice", service, "--wait=false")
    _wait_gone(kubectl, service, (*CHILDREN, "pod"))


@pytest.fixture
def retained(kubectl: Kubectl) -> Iterator[str]:
    """A service whose cache is to outlive it."""
    name = "keeper"
    spec = {"backend": "hibari", "cache": {"size": "1Gi", "retain": True}}
    kubectl.apply(
        {
            "apiVersion": "speaker-tts.dev/v1alpha1",
            "kind": "TTSService",
            "metadata": {"name": name},
            "spec": spec,
        }
    )
    yield name
    kubectl("delete", "persistentvolumeclaim", "-l", f"app.kubernetes.io/instance={name}")


def test_a_retained_cache_survives_its_service(kubectl: Kubectl, retained: str) -> None:
    _wait_ready(kubectl, retained)
    kubectl("delete", "ttsservice", retained, "--wait=false")
    _wait_gone(kubectl, retained, ("deployment", "pod"))
    claims = _children(kubectl, retained, "persistentvolumeclaim")
    assert [c["status"]["phase"] for c in claims] == ["Bound"]


def test_an_autoscaled_service_keeps_its_autoscaler(
    kubectl: Kubectl, repository: Path, record_figure: RecordFigure
) -> None:
    kind = "horizontalpodautoscaler"
    kubectl("apply", "-f", str(repository / "examples" / "autoscaled.yaml"))
    service = _wait_ready(kubectl, "narrator")
    before = _children(kubectl, "narrator", kind)[0]
    name = before["metadata"]["name"]
    assert owner_uids(before) == {service["metadata"]["uid"]}

    kubectl.patch(kind, name, {"spec": {"maxReplicas": 50}})
    started = time.monotonic()

    def repaired() -> bool:
        found = kubectl.get(kind, name) or {}
        return bool(found["spec"]["maxReplicas"] == before["spec"]["maxReplicas"])

    eventually(repaired, within=REPAIR_GOAL, what="the edited autoscaler is as it was")
    record_figure("edited autoscaler repaired", time.monotonic() - started, "s", goal="<= 2")

    kubectl("delete", kind, name, "--wait=false")
    started = time.monotonic()
    eventually(
        lambda: kubectl.get(kind, name), within=REPAIR_GOAL, what="the deleted autoscaler is back"
    )
    record_figure("deleted autoscaler back", time.monotonic() - started, "s", goal="<= 2")


def test_an_image_that_cannot_be_pulled_is_said_in_the_status(kubectl: Kubectl) -> None:
    kubectl.apply(
        {
            "apiVersion": "speaker-tts.dev/v1alpha1",
            "kind": "TTSService",
            "metadata": {"name": "unpullable"},
            "spec": {"backend": "hibari", "image": "localhost/no-such-image:0"},
        }
    )

    def told() -> bool:
        found = kubectl.get("ttsservice", "unpullable") or {}
        message = condition(found, "Ready").get("message", "")
        return condition(found, "Ready").get("status") == "False" and "no-such-image" in message

    eventually(told, within=READY_TIMEOUT, what="Ready=False names the image")


def test_the_namespace_enforces_restricted_pod_security(kubectl: Kubectl) -> None:
    found = kubectl.get("namespace", kubectl.namespace) or {}
    assert RESTRICTED.items() <= found["metadata"]["labels"].items()


def _at(resource: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        resource = resource[step]
    return resource

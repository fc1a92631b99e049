"""Recordings in Secrets and ConfigMaps become voices of the pods that run, and change with them."""

import base64
import time
from collections.abc import Iterator
from functools import partial
from statistics import median, quantiles

import pytest

from speaker_operator.kube.resources import CONFIG_MAP, DEPLOYMENT, SECRET, TTS_SERVICE, VOICE
from speaker_runtime.contract import digest_of
from tests.apiserver.api import Api, eventually, service
from tests.apiserver.kubelet import LivePod, live_pod, report_deployment
from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.recordings import (
    CLONES,
    CONSENT,
    LOW,
    await_reason,
    clip,
    clone,
    holder,
    of_config_map,
    of_secret,
)
from tests.support.clips import noise, tone, voiced, wav
from tests.support.figures import RecordFigure
from tests.support.kubernetes import is_ready

pytestmark = pytest.mark.apiserver

TIMEOUT = 15
REACHED_GOAL = 2.0
TURNS = 12
approx = partial(pytest.approx, rel=0.1)
"""As near as the pitch of a babble can be told."""


def p95(took: list[float]) -> float:
    return quantiles(took, n=20, method="inclusive")[-1]


KINDS = ((SECRET, of_secret), (CONFIG_MAP, of_config_map))


@pytest.fixture
def pods(api: Api, operator: OperatorProcess) -> Iterator[list[LivePod]]:
    """The two pods of a service whose image clones."""
    api.declare(service(replicas=2, **CLONES))
    eventually(lambda: api.get(DEPLOYMENT, "hello"), within=TIMEOUT, what="a Deployment")
    with live_pod(api) as first, live_pod(api) as second:
        numbers = {"updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2}
        report_deployment(api, "hello", replicas=2, **numbers)
        yield [first, second]


def await_voice(api: Api, name: str) -> None:
    eventually(lambda: is_ready(api.get(VOICE, name)), within=TIMEOUT, what=f"{name} is Ready")


@pytest.mark.parametrize("kind", [SECRET.kind, CONFIG_MAP.kind])
def test_a_recording_becomes_a_voice_of_every_pod(api: Api, pods: list[LivePod], kind: str) -> None:
    before = api.require(DEPLOYMENT, "hello")["metadata"]["generation"]
    source = of_secret("ana") if kind == SECRET.kind else of_config_map("ana")
    api.declare(holder(kind, "ana", LOW), clone("ana", source, aliases=["nova"]))
    await_voice(api, "ana")
    assert [pod.pitch("nova") for pod in pods] == approx([110, 110])
    assert api.require(DEPLOYMENT, "hello")["metadata"]["generation"] == before
    written = api.require(CONFIG_MAP, "hello-config")["data"]["voices.json"]
    assert "sha256:" in written
    assert base64.b64encode(LOW[:60]).decode() not in written, "nobody copies biometric data"


def test_a_recorded_voice_is_usable_within_two_seconds(
    api: Api, pods: list[LivePod], record_figure: RecordFigure
) -> None:
    took = []
    for turn in range(TURNS):
        kind, source = KINDS[turn % 2]
        name = f"guest-{turn}"
        api.declare(holder(kind.kind, name, clip(100 + 10 * turn)))
        started = time.monotonic()
        api.declare(clone(name, source(name)))
        await_voice(api, name)
        took.append(time.monotonic() - started)
    assert [pod.pitch("guest-4") for pod in pods] == approx([140, 140])
    record_figure("recorded voice applied to acknowledged, p50", median(took), "s")
    record_figure("recorded voice applied to acknowledged, p95", p95(took), "s", goal="< 2")
    assert p95(took) < REACHED_GOAL


def test_a_changed_recording_changes_the_voice_without_a_restart(
    api: Api, pods: list[LivePod], record_figure: RecordFigure
) -> None:
    before = api.require(DEPLOYMENT, "hello")["metadata"]["generation"]
    for kind, source in KINDS:
        name = kind.plural
        api.declare(holder(kind.kind, name, LOW), clone(name, source(name)))
        await_voice(api, name)
    took = []
    for turn in range(TURNS):
        kind, _ = KINDS[turn % 2]
        wanted = 220 - 80 * (turn // 2 % 2) + 2 * turn  # far from the one before, and never heard
        started = time.monotonic()
        api.patch(kind, kind.plural, holder(kind.kind, kind.plural, clip(wanted)))
        eventually(
            lambda: [pod.pitch(kind.plural) for pod in pods] == approx([wanted, wanted]),  # noqa: B023
            within=TIMEOUT,
            what="the pods speak with the new voice",
        )
        took.append(time.monotonic() - started)
    record_figure("recording changed to heard, p50", median(took), "s")
    record_figure("recording changed to heard, p95", p95(took), "s", goal="< 2")
    assert p95(took) < REACHED_GOAL
    assert api.require(DEPLOYMENT, "hello")["metadata"]["generation"] == before


def test_a_container_that_is_started_again_has_its_voices(api: Api, pods: list[LivePod]) -> None:
    api.declare(holder(SECRET.kind, "ana", LOW), clone("ana", of_secret("ana")))
    await_voice(api, "ana")
    pods[0].restart(stale_files=True)
    eventually(lambda: "ana" in pods[0].voices, within=REACHED_GOAL, what="the voice is back")
    assert pods[0].pitch("ana") == approx(110)
    assert pods[0].backend.embedded == [], "what was kept of it is enough"


def test_a_new_pod_is_handed_the_recordings(api: Api, pods: list[LivePod]) -> None:
    api.declare(holder(SECRET.kind, "ana", LOW), clone("ana", of_secret("ana")))
    await_voice(api, "ana")
    with live_pod(api) as third:
        eventually(
            lambda: "ana" in third.voices, within=REACHED_GOAL, what="the new pod has the voice"
        )
        assert third.pitch("ana") == approx(110)


UNFIT: dict[str, tuple[bytes, str, str]] = {
    "no-audio": (b"a password", "NotAudio", "Secret no-audio, key clip.wav, begins like no audio"),
    "broken": (b"RIFF, and no audio", "NotAudio", "clip 1 cannot be read"),
    "too-short": (wav(voiced(110, 1.5, 8000), 8000), "TooShort", "s of speech"),
    "silent": (wav(noise(5, level=1e-4)), "Silent", "clip 1"),
    "clipped": (wav(8 * voiced(110, rate=8000), 8000), "Clipped", "clip 1"),
    "a-tone": (wav(tone()), "NotSpeech", "clip 1"),
}


def test_what_is_wrong_with_a_recording_is_told(api: Api, pods: list[LivePod]) -> None:
    for name, (content, _, _) in UNFIT.items():
        api.declare(holder(SECRET.kind, name, content), clone(name, of_secret(name)))
    api.declare(holder(SECRET.kind, "ana", LOW), clone("ana", of_secret("ana"), languages=["es"]))
    for name, (_, reason, words) in UNFIT.items():
        message = await_reason(api, name, reason)
        assert message.startswith("hello: ")
        assert words in message
        (state,) = api.require(VOICE, name)["status"]["services"]
        assert (state["name"], state["state"], state["reason"]) == ("hello", "Failed", reason)
    assert "es" in await_reason(api, "ana", "LanguageUnsupported")
    written = api.require(CONFIG_MAP, "hello-config")["data"]["voices.json"]
    assert digest_of(UNFIT["broken"][0]) in written
    assert digest_of(UNFIT["no-audio"][0]) not in written, "a password could be guessed by it"

    def counted() -> bool:
        failed = api.require(TTS_SERVICE, "hello")["status"]["voices"]["failed"]
        reasons = [reason for _, reason, _ in UNFIT.values()]
        return sorted(each["reason"] for each in failed) == sorted(
            [*reasons, "LanguageUnsupported"]
        )

    eventually(counted, within=TIMEOUT, what="the service tells of all seven")


def test_a_missing_recording_is_told_and_taken_once_it_is_there(
    api: Api, pods: list[LivePod]
) -> None:
    api.declare(clone("ana", of_secret("ana")), clone("ben", of_config_map("ben", "other.wav")))
    assert "there is no Secret ana" in await_reason(api, "ana", "SourceNotFound")
    api.declare(holder(CONFIG_MAP.kind, "ben", LOW))
    assert "has no key other.wav" in eventually(
        lambda: (
            message if "key" in (message := await_reason(api, "ben", "SourceNotFound")) else None
        ),
        within=TIMEOUT,
        what="the lack of the key is told",
    )
    started = time.monotonic()
    api.declare(holder(SECRET.kind, "ana", LOW))
    await_voice(api, "ana")
    assert time.monotonic() - started < REACHED_GOAL
    api.delete(SECRET, "ana")
    await_reason(api, "ana", "SourceNotFound")


def test_without_leave_nothing_is_cloned(api: Api, pods: list[LivePod]) -> None:
    api.declare(holder(SECRET.kind, "ana", LOW))
    nobody = clone("nobody", of_secret("ana"))
    del nobody["spec"]["consent"]
    untold = clone("untold", of_secret("ana"))
    del untold["spec"]["license"]
    api.declare(nobody, untold)
    assert "spec.consent" in await_reason(api, "nobody", "ConsentMissing")
    assert "spec.license" in await_reason(api, "untold", "LicenseMissing")
    assert [pod.backend.embedded for pod in pods] == [[], []]
    api.patch(VOICE, "nobody", {"spec": {"consent": CONSENT}})
    await_voice(api, "nobody")


def test_a_backend_that_cannot_clone_says_so_before_a_pod_runs(
    api: Api, operator: OperatorProcess
) -> None:
    api.declare(service(), clone("ana", of_secret("ana")))
    message = await_reason(api, "ana", "BackendCannotClone")
    assert "backend hibari" in message
    assert "preset" in message


def test_a_claim_has_to_be_mounted_by_the_service(api: Api, pods: list[LivePod]) -> None:
    api.declare(clone("ana", {"claim": {"name": "studio", "path": "ana.wav"}}))
    assert "spec.voices.claims" in await_reason(api, "ana", "ClaimNotMounted")
    api.patch(TTS_SERVICE, "hello", {"spec": {"voices": {"claims": ["studio"]}}})

    def mounted() -> bool:
        pod = api.require(DEPLOYMENT, "hello")["spec"]["template"]["spec"]
        claims = [each.get("persistentVolumeClaim") for each in pod["volumes"]]
        mounts = [each["mountPath"] for each in pod["containers"][0]["volumeMounts"]]
        return {"claimName": "studio", "readOnly": True} in claims and "/claims/studio" in mounts

    eventually(mounted, within=TIMEOUT, what="the pods mount the claim")


def test_private_addresses_are_not_asked_unless_the_chart_allows_it(
    api: Api, pods: list[LivePod]
) -> None:
    api.declare(clone("ana", {"uri": "https://127.0.0.1/ana.wav"}))
    assert "127.0.0.1" in await_reason(api, "ana", "AddressForbidden")


def test_forty_recorded_voices(api: Api, pods: list[LivePod], record_figure: RecordFigure) -> None:
    """As many as the pods take in the time of a test; both pods embed each."""
    for number in range(40):
        api.declare(
            holder(SECRET.kind, f"voice-{number}", clip(80 + 3 * number)),
            clone(f"voice-{number}", of_secret(f"voice-{number}")),
        )
    started = time.monotonic()
    eventually(lambda: all(map(is_ready, api.list(VOICE))), within=60, what="all voices are Ready")
    record_figure("40 recorded voices in two pods, all Ready", time.monotonic() - started, "s")
    assert [len(pod.backend.embedded) for pod in pods] == [40, 40]

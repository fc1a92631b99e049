"""A voice that is added, changed or removed reaches every pod at once, and none is restarted."""

import socket
import time
from collections.abc import Callable, Iterator
from statistics import quantiles

import pytest

from speaker_operator.kube.resources import DEPLOYMENT, TTS_SERVICE, VOICE
from tests.apiserver.api import Api, Json, eventually, service, voice
from tests.apiserver.children import quiesce
from tests.apiserver.kubelet import (
    FETCHED,
    HERE,
    SERVING,
    LivePod,
    create_pod,
    live_pod,
    report_deployment,
    report_pod,
)
from tests.apiserver.operator_process import OperatorProcess
from tests.support.figures import RecordFigure
from tests.support.kubernetes import condition, is_ready

pytestmark = pytest.mark.apiserver

TIMEOUT = 10
REACHED_GOAL = 2.0
TURNS = 30


@pytest.fixture
def pods(api: Api, operator: OperatorProcess) -> Iterator[list[LivePod]]:
    """The two pods of a service that has one voice, all of it Ready."""
    api.declare(service(replicas=2), voice("ana"))
    eventually(lambda: api.get(DEPLOYMENT, "hello"), within=TIMEOUT, what="a Deployment")
    with live_pod(api) as first, live_pod(api) as second:
        serve(api, replicas=2)
        await_voice(api, "ana")
        yield [first, second]


def serve(api: Api, replicas: int, name: str = "hello") -> None:
    report_deployment(
        api,
        name,
        replicas=replicas,
        updatedReplicas=replicas,
        readyReplicas=replicas,
        availableReplicas=replicas,
    )
    eventually(
        lambda: condition(api.require(TTS_SERVICE, name), "Available").get("status") == "True",
        within=TIMEOUT,
        what=f"{name} is available",
    )


def await_voice(api: Api, name: str) -> None:
    eventually(lambda: is_ready(api.get(VOICE, name)), within=TIMEOUT, what=f"{name} is Ready")


def await_pods(pods: list[LivePod], check: Callable[[LivePod], bool], what: str) -> None:
    eventually(lambda: all(map(check, pods)), within=REACHED_GOAL, what=what)


def test_an_added_voice_is_acknowledged_by_every_pod_within_two_seconds(
    api: Api, pods: list[LivePod], record_figure: RecordFigure
) -> None:
    before = api.require(DEPLOYMENT, "hello")["metadata"]["generation"]
    took = []
    for turn in range(TURNS):
        started = time.monotonic()
        api.declare(voice(f"guest-{turn}"))
        await_voice(api, f"guest-{turn}")
        took.append(time.monotonic() - started)
        assert all(f"guest-{turn}" in pod.voices for pod in pods), "Ready is the truth"
    p95 = quantiles(took, n=20)[-1]
    record_figure("voice applied to acknowledged, p50", quantiles(took, n=2)[0], "s")
    record_figure("voice applied to acknowledged, p95", p95, "s", goal="< 2")
    assert p95 < REACHED_GOAL
    assert api.require(DEPLOYMENT, "hello")["metadata"]["generation"] == before


def test_a_voice_costs_one_write_of_each_status(
    api: Api, pods: list[LivePod], operator: OperatorProcess
) -> None:
    def writes() -> tuple[float, float]:
        metric = "speaker_operator_status_writes_total"
        return operator.total(metric, kind="Voice"), operator.total(metric, kind="TTSService")

    quiesce(operator)
    voices, services = writes()
    api.declare(voice("ben"))
    await_voice(api, "ben")
    quiesce(operator)
    assert writes() == (voices + 1, services + 1)


def test_a_changed_voice_is_changed_in_every_pod(api: Api, pods: list[LivePod]) -> None:
    api.patch(VOICE, "ana", {"spec": {"aliases": ["storyteller"]}})
    await_voice(api, "ana")
    assert [pod.voices["ana"] for pod in pods] == [{"storyteller"}] * 2


def test_a_removed_voice_is_gone_from_every_pod(api: Api, pods: list[LivePod]) -> None:
    api.declare(voice("ben"))
    await_voice(api, "ben")
    api.delete(VOICE, "ben")
    await_pods(pods, lambda pod: set(pod.voices) == {"ana"}, "ben is gone from every pod")

    def counted() -> bool:
        voices = api.require(TTS_SERVICE, "hello")["status"]["voices"]
        return bool((voices["total"], voices["ready"]) == (1, 1))

    eventually(counted, within=TIMEOUT, what="the service counts one voice")


def test_a_voice_that_a_label_takes_away_is_gone_from_every_pod(
    api: Api, pods: list[LivePod]
) -> None:
    selector = {"matchLabels": {"team": "media"}}
    api.patch(TTS_SERVICE, "hello", {"spec": {"voices": {"selector": selector}}})
    await_pods(pods, lambda pod: not pod.voices, "no pod serves ana")
    api.patch(VOICE, "ana", {"metadata": {"labels": {"team": "media"}}})
    await_pods(pods, lambda pod: set(pod.voices) == {"ana"}, "every pod serves ana")
    await_voice(api, "ana")


def test_a_contested_alias_is_nobodys_in_any_pod_until_one_voice_gives_it_up(
    api: Api, pods: list[LivePod]
) -> None:
    api.patch(VOICE, "ana", {"spec": {"aliases": ["nova"]}})
    await_voice(api, "ana")
    api.declare(voice("ben", aliases=["nova"]))

    def accepted(name: str) -> tuple[str, str]:
        found = condition(api.require(VOICE, name), "Accepted")
        return found.get("reason", ""), found.get("message", "")

    for name, other in (("ana", "ben"), ("ben", "ana")):
        eventually(
            lambda name=name: accepted(name)[0] == "AliasConflict",  # type: ignore[misc]
            within=TIMEOUT,
            what=f"{name} hears of the conflict",
        )
        assert f"also an alias of Voice {other}" in accepted(name)[1]
    await_pods(pods, lambda pod: pod.voices == {"ana": set(), "ben": set()}, "nova is nobody's")
    api.patch(VOICE, "ana", {"spec": {"aliases": []}})
    await_pods(pods, lambda pod: pod.voices == {"ana": set(), "ben": {"nova"}}, "nova is ben's")
    await_voice(api, "ana")
    await_voice(api, "ben")


def test_a_container_that_is_started_again_gets_all_voices_back(
    api: Api, pods: list[LivePod]
) -> None:
    api.declare(*(voice(f"guest-{number}") for number in range(5)))
    await_voice(api, "guest-4")
    pods[0].restart(stale_files=True)
    await_pods(pods, lambda pod: len(pod.voices) == 6, "all six voices are back")


def test_a_new_pod_is_heard_before_its_voices_count(api: Api, pods: list[LivePod]) -> None:
    with live_pod(api) as third:
        api.declare(voice("ben"))
        await_voice(api, "ben")
        assert all(set(pod.voices) == {"ana", "ben"} for pod in [*pods, third])


@pytest.fixture
def silent(api: Api, pods: list[LivePod]) -> Iterator[str]:
    """Name of a third pod, which takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        name = create_pod(api, port=listener.getsockname()[1])
        report_pod(api, name, fetch=FETCHED, runtime=SERVING, **HERE)
        yield name


def test_a_pod_that_does_not_answer_is_named_and_holds_nobody_up(
    api: Api, pods: list[LivePod], silent: str, record_figure: RecordFigure
) -> None:
    def told() -> bool:
        found = condition(api.require(TTS_SERVICE, "hello"), "VoicesReady")
        return found["reason"] == "PodUnreachable" and f"pod {silent}" in found["message"]

    eventually(told, within=TIMEOUT, what="the service names the silent pod")
    started = time.monotonic()
    api.declare(voice("ben"))
    await_pods(pods, lambda pod: "ben" in pod.voices, "the others serve ben")
    record_figure("voice to the other pods beside a silent one", time.monotonic() - started, "s")

    def pending() -> bool:
        (state,) = api.require(VOICE, "ben").get("status", {}).get("services", []) or [{}]
        return state.get("state") == "Pending" and f"pod {silent}" in state.get("message", "")

    eventually(pending, within=TIMEOUT, what="ben's status names the silent pod")
    assert condition(api.require(VOICE, "ben"), "Ready")["reason"] == "PodUnreachable"


def test_another_service_is_not_held_up_by_a_silent_pod(
    api: Api, silent: str, record_figure: RecordFigure
) -> None:
    selector = {"matchLabels": {"team": "media"}}
    api.declare(service("other", voices={"selector": selector}))
    eventually(lambda: api.get(DEPLOYMENT, "other"), within=TIMEOUT, what="a Deployment")
    with live_pod(api, "other") as pod:
        serve(api, 1, "other")
        started = time.monotonic()
        api.declare(voice("cleo", {"team": "media"}))
        await_pods([pod], lambda each: "cleo" in each.voices, "the other service serves cleo")
        record_figure("voice to another service's pod", time.monotonic() - started, "s")


def test_500_voices_on_one_service(
    api: Api, pods: list[LivePod], operator: OperatorProcess, record_figure: RecordFigure
) -> None:
    api.declare(*(voice(f"voice-{number}", aliases=[f"alias-{number}"]) for number in range(499)))

    def all_ready() -> bool:
        voices: Json = api.require(TTS_SERVICE, "hello")["status"]["voices"]
        return bool((voices["total"], voices["ready"]) == (500, 500))

    eventually(all_ready, within=60, what="500 voices are ready")
    assert [len(pod.voices) for pod in pods] == [500, 500]
    eventually(
        lambda: all(map(is_ready, api.list(VOICE))), within=60, what="500 voices say that they are"
    )
    quiesce(operator)
    written = operator.total("speaker_operator_status_writes_total")
    started = time.monotonic()
    api.patch(VOICE, "voice-7", {"spec": {"aliases": ["seventh"]}})
    await_voice(api, "voice-7")
    took = time.monotonic() - started
    record_figure("one of 500 voices changed to acknowledged", took, "s", goal="< 2")
    assert [pod.voices["voice-7"] for pod in pods] == [{"seventh"}] * 2
    assert took < REACHED_GOAL
    quiesce(operator)
    assert operator.total("speaker_operator_status_writes_total") == written + 1, "its own"

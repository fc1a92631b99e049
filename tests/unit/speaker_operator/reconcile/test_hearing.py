"""Which pods are asked, and what follows from what they say."""

from typing import Any

import pytest

from speaker_operator.reasons import Reason
from speaker_operator.reconcile.hearing import Hearing, Run, Trouble, ready_pods
from tests.unit.speaker_operator.factories import service, voice
from tests.unit.speaker_operator.reconcile.cluster_state import Json, children, pod, waiting
from tests.unit.speaker_operator.reconcile.hearsay import hearing, said

SILENT = Trouble(Reason.POD_UNREACHABLE, "it did not answer within 2 s")


def changed(of: Json, part: str, **fields: Any) -> Json:
    return {**of, part: {**of[part], **fields}}


def test_pods_that_serve_are_asked_wherever_they_listen() -> None:
    (found,) = ready_pods([*children(service()), pod(service())])
    assert (found.name, found.url) == ("hello-1", "http://10.0.0.7:8080")
    six = changed(pod(service()), "status", podIP="fd00::7")
    assert ready_pods([six])[0].url == "http://[fd00::7]:8080"


NOT_ASKED: dict[str, Json] = {
    "one that is not ready": pod(service(), runtime=waiting("CrashLoopBackOff")),
    "one on a node that is gone": pod(service(), conditions=[{"type": "Ready", "status": "False"}]),
    "one that is ending": changed(pod(service()), "metadata", deletionTimestamp="now"),
    "one without an address": changed(pod(service()), "status", podIP=None),
    "one without a port": changed(pod(service()), "spec", containers=[]),
}


@pytest.mark.parametrize("which", NOT_ASKED)
def test_others_are_not_asked(which: str) -> None:
    assert ready_pods([NOT_ASKED[which]]) == []


def test_a_container_that_was_started_again_is_another_one() -> None:
    running = {"name": "runtime", "ready": True}
    runs = [
        ready_pods([changed(pod(service()), "status", containerStatuses=[each])])[0].run
        for each in (running, {**running, "restartCount": 1})
    ]
    assert runs == [Run("uid-of-hello-1", 0), Run("uid-of-hello-1", 1)]


def test_an_answer_to_come_is_waited_for_once() -> None:
    ana = voice()
    assert hearing({"one": None}, ana).settling, "it was never asked"
    assert hearing({"one": said()}, ana).settling, "it was asked for other voices"
    assert not hearing({"one": said(ana)}, ana).settling
    assert not hearing({"one": said(trouble=SILENT)}, ana).settling, "it did not answer last time"
    assert not hearing({}, ana).settling
    assert not Hearing(None, {"one": None}).settling, "there is nothing to answer to"


def test_the_first_pod_that_is_behind_is_named_with_the_reason() -> None:
    ana = voice()
    assert hearing({"one": said(ana)}, ana).behind is None
    assert hearing({"one": said(ana), "two": said(trouble=SILENT)}, ana).behind == ("two", SILENT)
    assert hearing({"one": said(ana, voice("ben"))}, ana).behind == (
        "one",
        Trouble(Reason.SYNCING, "it has yet to take them"),
    )

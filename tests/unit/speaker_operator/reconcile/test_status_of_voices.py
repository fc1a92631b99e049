"""A service's status, as far as its voices go."""

import pytest

from speaker_operator.reasons import Reason
from speaker_operator.reconcile.hearing import Refusal, Trouble
from speaker_operator.reconcile.plan import Problem
from tests.unit.speaker_operator.factories import service, voice
from tests.unit.speaker_operator.reconcile.cluster_state import (
    children,
    deployment_numbers,
    pod,
    with_status,
)
from tests.unit.speaker_operator.reconcile.hearsay import said
from tests.unit.speaker_operator.reconcile.statuses import conditions, serving, status, summary

NO_PRESET = Refusal(Reason.REFUSED_BY_POD, "the backend has no preset 'heart'")


def test_a_cache_that_cannot_grow_does_not_take_the_voices_away() -> None:
    problem = Problem(Reason.FORBIDDEN, "PersistentVolumeClaim hello-model: no")
    live = serving(service(), voice())
    found = status(
        service(), live, voices=[voice()], problems=[problem], undone=["PersistentVolumeClaim"]
    )
    assert summary(found)["VoicesReady"] == "True Served"
    assert summary(found)["Ready"] == "False Forbidden"


@pytest.mark.parametrize("kind", ["ConfigMap", "Service", "Deployment"])
def test_voices_wait_for_what_serves_them(kind: str) -> None:
    found = status(service(), serving(service(), voice()), voices=[voice()], undone=[kind])
    assert summary(found)["VoicesReady"] == summary(found)["Ready"] == "False RollingOut"


def test_a_voice_that_fails_is_told_and_the_others_are_served() -> None:
    voices = [voice("ana"), voice("ben", preset="lung")]
    found = status(service(), serving(service(), *voices), voices=voices)
    assert summary(found)["Available"] == "True Serving"
    assert summary(found)["VoicesReady"] == summary(found)["Ready"] == "False PresetUnknown"
    assert found.voices is not None
    assert (found.voices.total, found.voices.ready) == (2, 1)
    assert [each.name for each in found.voices.failed] == ["ben"]


def test_a_default_voice_that_is_none_is_told() -> None:
    of = service(voices={"default": "ben"})
    assert summary(status(of, serving(of)))["Ready"] == "False DefaultVoiceUnknown"


def test_without_voices_the_presets_are_offered() -> None:
    found = status(service(), serving(service()))
    assert summary(found)["VoicesReady"] == "True PresetsOnly"
    assert summary(found)["Ready"] == "True Ready"


SILENT = Trouble(Reason.POD_UNREACHABLE, "it did not answer within 2 s")


def test_a_pod_that_does_not_take_the_voices_makes_the_service_unready_and_is_named() -> None:
    of = service()
    found = status(
        of, serving(of, voice()), voices=[voice()], words={"hello-1": said(trouble=SILENT)}
    )
    assert summary(found)["VoicesReady"] == "False PodUnreachable"
    assert summary(found)["Ready"] == "False PodUnreachable"
    assert summary(found)["Available"] == "True Serving"
    assert "pod hello-1" in conditions(found)["VoicesReady"].message
    assert found.voices is not None
    assert (found.voices.total, found.voices.ready) == (1, 0)


def test_a_removed_voice_that_a_pod_still_offers_is_told() -> None:
    of = service()
    found = status(of, serving(of), words={"hello-1": said(voice("gone"))})
    assert summary(found)["VoicesReady"] == "False Syncing"


def test_voices_are_served_while_pods_are_replaced() -> None:
    of = service(replicas=2)
    numbers = {**deployment_numbers(2), "updatedReplicas": 1}
    live = [with_status(each, **numbers) for each in children(of, voice())]
    found = status(of, [*live, pod(of)], voices=[voice()])
    assert summary(found)["VoicesReady"] == "True Served"
    assert summary(found)["Ready"] == "False RollingOut"


def test_a_voice_that_the_model_lacks_is_told_by_the_pods() -> None:
    of = service(model={"source": "pvc://models/own"})
    word = said(voice(), failed={"ana": NO_PRESET})
    found = status(of, serving(of, voice()), voices=[voice()], words={"hello-1": word})
    assert found.voices is not None
    (failed,) = found.voices.failed
    assert (failed.name, failed.reason) == ("ana", "RefusedByPod")
    assert summary(found)["VoicesReady"] == "False RefusedByPod"


def test_a_voice_that_is_being_made_of_a_recording_is_counted() -> None:
    making = Refusal(Reason.PREPARING, "it is being made of its reference")
    of, voices = service(), [voice(), voice("ben")]
    word = said(*voices, failed={"ben": making})
    found = status(of, serving(of, *voices), voices=voices, words={"hello-1": word})
    assert found.voices is not None
    assert (found.voices.total, found.voices.ready, found.voices.failed) == (2, 1, ())
    assert summary(found)["VoicesReady"] == "False Preparing"
    assert conditions(found)["VoicesReady"].message == "1 of 2 voices being made of recordings."

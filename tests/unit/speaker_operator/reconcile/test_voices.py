"""How a voice fares, from what the services say."""

from datetime import UTC, datetime

from speaker_operator.api.v1alpha1 import Voice
from speaker_operator.api.v1alpha1.status import VoiceStatus
from speaker_operator.reasons import Reason
from speaker_operator.reconcile.hearing import Hearing, Refusal, Trouble
from speaker_operator.reconcile.voices import VoiceBook, VoiceState, voice_states, voice_status
from speaker_operator.render.voices import assign
from tests.unit.speaker_operator.factories import service, voice, voice_manifest
from tests.unit.speaker_operator.reconcile.hearsay import hearing, said

NO_PRESET = Refusal(Reason.REFUSED_BY_POD, "the backend has no preset 'heart'")

NOW = datetime(2026, 1, 2, tzinfo=UTC)
READY = VoiceState("hello", 1, "Ready", Reason.SERVED)
PENDING = VoiceState("later", 1, "Pending", Reason.ROLLING_OUT, "not yet")
FAILED = VoiceState("worse", 1, "Failed", Reason.ALIAS_CONFLICT, "alias taken")


def summary(of: VoiceStatus) -> dict[str, str]:
    return {each.type: f"{each.status} {each.reason}" for each in of.conditions}


def test_a_voice_that_all_its_services_serve_is_ready() -> None:
    found = voice_status(voice(), [READY], NOW)
    assert summary(found) == {"Accepted": "True Accepted", "Ready": "True Served"}
    assert (found.observed_generation, found.service_count) == (1, 1)
    assert [(each.name, each.state) for each in found.services] == [("hello", "Ready")]


def test_one_service_that_is_not_there_yet_makes_it_wait() -> None:
    found = voice_status(voice(), [READY, PENDING], NOW)
    assert summary(found) == {"Accepted": "True Accepted", "Ready": "False RollingOut"}


def test_one_service_that_cannot_serve_it_is_told_first() -> None:
    found = voice_status(voice(), [PENDING, FAILED, READY], NOW)
    assert summary(found) == {"Accepted": "False AliasConflict", "Ready": "False AliasConflict"}
    assert found.conditions[1].message == Reason.ALIAS_CONFLICT.told("worse: alias taken")


def test_a_voice_that_nobody_selects_says_what_to_look_at() -> None:
    found = voice_status(voice(), [], NOW)
    assert summary(found) == {"Accepted": "True Accepted", "Ready": "False NotSelected"}
    assert "spec.voices.selector" in found.conditions[1].message


def states(hearing: Hearing, *voices: Voice) -> dict[str, tuple[str, str]]:
    found = voice_states("hello", assign(service(), voices), hearing)
    return {name: (each.state, each.reason) for name, each in found.items()}


def test_voices_wait_for_the_first_pod() -> None:
    found = states(hearing(), voice("ana"), voice("ben", preset="lung"))
    assert found == {
        "ana": ("Pending", "RollingOut"),
        "ben": ("Failed", "PresetUnknown"),
    }


def test_a_voice_is_ready_once_every_pod_that_was_asked_serves_it_as_declared() -> None:
    ana, slower = voice(), voice("ana", defaults={"speed": 0.5})
    heard = hearing({"one": said(ana), "two": said(ana), "three": None}, ana)
    assert states(heard, ana) == {"ana": ("Ready", "Served")}
    heard = hearing({"one": said(slower), "two": said(ana)}, slower)
    assert states(heard, slower) == {"ana": ("Pending", "Syncing")}


def test_a_change_of_one_voice_says_nothing_of_the_others() -> None:
    ana, ben = voice("ana"), voice("ben")
    heard = hearing({"one": said(ana)}, ana, ben)
    assert states(heard, ana, ben) == {
        "ana": ("Ready", "Served"),
        "ben": ("Pending", "Syncing"),
    }


def test_a_pod_that_does_not_answer_is_named_with_what_to_do() -> None:
    trouble = Trouble(Reason.POD_UNREACHABLE, "it did not answer within 2 s")
    heard = hearing({"one": said(voice()), "two": said(trouble=trouble)}, voice())
    (state,) = voice_states("hello", assign(service(), [voice()]), heard).values()
    assert (state.state, state.reason) == ("Pending", "PodUnreachable")
    assert state.message is not None
    assert "pod two has other voices than declared: it did not answer" in state.message
    assert "NetworkPolicy" in state.message


def test_a_voice_that_a_pod_cannot_speak_with_is_failed() -> None:
    word = said(voice(), failed={"ana": NO_PRESET})
    (state,) = voice_states(
        "hello", assign(service(), [voice()]), hearing({"one": word}, voice())
    ).values()
    assert (state.state, state.reason) == ("Failed", "RefusedByPod")
    assert state.message is not None
    assert "the backend has no preset 'heart'; " in state.message


A, B = ("speech", "a"), ("speech", "b")


def test_the_book_tells_which_voices_a_services_word_changes() -> None:
    book = VoiceBook()
    assert book.record(A, {"ana": PENDING}) == {"ana"}
    assert book.record(A, {"ana": PENDING}) == set()
    assert book.record(A, {"ana": READY, "ben": READY}) == {"ana", "ben"}
    assert book.record(A, {"ana": READY}) == {"ben"}
    assert book.forget(A) == {"ana"}
    assert book.forget(A) == set()


def test_the_book_tells_what_the_services_of_a_namespace_say() -> None:
    book = VoiceBook()
    book.record(B, {"ana": PENDING})
    book.record(A, {"ana": READY})
    book.record(("elsewhere", "a"), {"ana": FAILED})
    assert book.of_voice("speech", "ana") == [READY, PENDING]
    assert book.of_voice("speech", "ben") == []


def test_a_voice_is_known_when_all_who_select_it_have_spoken_of_it_and_nobody_else() -> None:
    book = VoiceBook()
    assert book.knows([], voice()), "nobody selects it"
    assert not book.knows([A], voice())
    book.record(A, {"ana": READY})
    assert book.knows([A], voice())
    assert not book.knows([A, B], voice()), "another one selects it, and has said nothing yet"
    assert not book.knows([], voice()), "who selected it has yet to take its word back"
    book.record(B, {"ana": PENDING})
    assert book.knows([A, B], voice())


def test_a_word_holds_for_the_voice_as_it_was() -> None:
    book = VoiceBook()
    book.record(A, {"ana": READY})
    edited = {**voice_manifest(), "metadata": {**voice_manifest()["metadata"], "generation": 2}}
    assert not book.knows([A], Voice.model_validate(edited))

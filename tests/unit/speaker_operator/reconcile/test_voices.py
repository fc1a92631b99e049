"""How a voice fares, from what the services say."""

from datetime import UTC, datetime

from speaker_operator.api.v1alpha1.status import VoiceStatus
from speaker_operator.reconcile.voices import VoiceBook, VoiceState, voice_states, voice_status
from speaker_operator.render.voices import assign
from tests.unit.speaker_operator.factories import service, voice

NOW = datetime(2026, 1, 2, tzinfo=UTC)
READY = VoiceState("hello", "Ready", "Served")
PENDING = VoiceState("later", "Pending", "RollingOut", "not yet")
FAILED = VoiceState("worse", "Failed", "AliasConflict", "alias taken")


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
    assert found.conditions[1].message == "worse: alias taken"


def test_a_voice_that_nobody_selects_says_what_to_look_at() -> None:
    found = voice_status(voice(), [], NOW)
    assert summary(found) == {"Accepted": "True Accepted", "Ready": "False NotSelected"}
    assert "spec.voices.selector" in found.conditions[1].message


def test_a_services_voices_are_served_once_its_pods_are_up_to_date() -> None:
    assignments = assign(service(), [voice("ana"), voice("ben", preset="lung")])
    rolling = voice_states("hello", assignments, serving=False)
    serving = voice_states("hello", assignments, serving=True)
    assert (rolling["ana"].state, serving["ana"].state) == ("Pending", "Ready")
    assert rolling["ben"] == serving["ben"]
    assert serving["ben"].reason == "PresetUnknown"


def test_the_book_tells_which_voices_a_services_word_changes() -> None:
    book = VoiceBook()
    hello = ("speech", "hello")
    assert book.record(hello, {"ana": PENDING}) is None, "its first word may concern any voice"
    assert book.record(hello, {"ana": PENDING}) == set()
    assert book.record(hello, {"ana": READY, "ben": READY}) == {"ana", "ben"}
    assert book.record(hello, {"ana": READY}) == {"ben"}
    assert book.forget(hello) == {"ana"}
    assert book.forget(hello) is None


def test_the_book_tells_what_the_services_of_a_namespace_say() -> None:
    book = VoiceBook()
    book.record(("speech", "b"), {"ana": PENDING})
    book.record(("speech", "a"), {"ana": READY})
    book.record(("elsewhere", "a"), {"ana": FAILED})
    assert book.of_voice("speech", "ana") == [READY, PENDING]
    assert book.of_voice("speech", "ben") == []
    assert book.knows([("speech", "a"), ("speech", "b")])
    assert not book.knows([("speech", "a"), ("speech", "c")])

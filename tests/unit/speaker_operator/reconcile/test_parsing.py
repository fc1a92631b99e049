"""Objects that this version of the operator cannot make sense of are set aside."""

import pytest

from speaker_operator.reconcile.parsing import (
    UnreadableError,
    read_service,
    readable_voices,
    selector_in,
)
from tests.unit.speaker_operator.factories import service_manifest, voice_manifest


def test_a_backend_of_a_later_version_is_named_with_those_that_are_known() -> None:
    with pytest.raises(UnreadableError, match="'orpheus' is unknown; use custom, gateway, glm-tts"):
        read_service(service_manifest(backend="orpheus"))


def test_fields_of_a_later_version_are_passed_over() -> None:
    assert read_service(service_manifest(later={"field": 1})).spec.backend == "hibari"


def test_what_does_not_fit_is_told_by_its_field() -> None:
    with pytest.raises(UnreadableError, match=r"spec\.replicas: Input should be"):
        read_service(service_manifest(replicas="many"))


def test_one_unreadable_object_does_not_hide_the_others(caplog: pytest.LogCaptureFixture) -> None:
    broken = {**voice_manifest("broken"), "spec": {}}
    voices = readable_voices([broken, voice_manifest("ana")])
    assert [voice.metadata.name for voice in voices] == ["ana"]
    assert "spec.languages: Field required" in caplog.text


def test_a_service_that_cannot_be_read_or_is_ending_selects_nothing() -> None:
    found = selector_in(service_manifest(voices={"selector": {"matchLabels": {"team": "media"}}}))
    assert found is not None
    assert found.match_labels == {"team": "media"}
    assert selector_in(service_manifest(backend="orpheus")) is None
    ending = service_manifest()
    ending["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert selector_in(ending) is None

"""Which services use which cache, and what of a change concerns it."""

from typing import Any

import pytest

from speaker_operator.kube.resources import TTS_SERVICE, Key
from speaker_operator.reconcile.cacheusers import CacheUsers, cache_key
from speaker_operator.reconcile.store import Change
from speaker_operator.render.caches import place_of
from tests.unit.speaker_operator.factories import Json, service, service_manifest


def cached(name: str = "hello", /, **changes: Any) -> Json:
    metadata = changes.pop("metadata", {})
    manifest = service_manifest(name, **{"backend": "kokoro", "cache": {}, **changes})
    return {**manifest, "metadata": {**manifest["metadata"], **metadata}}


def key_of(**spec: Any) -> Key:
    place = place_of(service(**{"backend": "kokoro", "cache": {}, **spec}))
    assert place is not None
    return cache_key("speech", place.key)


SHARED = key_of()


@pytest.fixture
def users() -> CacheUsers:
    return CacheUsers()


def test_services_come_and_go(users: CacheUsers) -> None:
    for name in ("b", "a"):
        assert users.note(Change(None, cached(name))) == {SHARED}
    assert users.of(SHARED) == [Key(TTS_SERVICE.kind, "speech", name) for name in ("a", "b")]
    assert users.note(Change(cached("a"), None)) == {SHARED}
    assert [each.metadata.name for each in users.services(SHARED)] == ["b"]
    ending = cached("b", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"})
    assert users.note(Change(cached("b"), ending)) == {SHARED}
    assert users.of(SHARED) == []


def test_a_service_that_changes_its_source_concerns_both_caches(users: CacheUsers) -> None:
    users.note(Change(None, cached()))
    model = {"source": "https://models.test/b"}
    moved = cached(model=model, metadata={"generation": 4})
    assert users.note(Change(cached(), moved)) == {SHARED, key_of(model=model)}
    assert users.of(SHARED) == []


def test_a_status_concerns_no_cache(users: CacheUsers) -> None:
    users.note(Change(None, cached()))
    assert users.note(Change(cached(), {**cached(), "status": {"replicas": 1}})) == set()
    retried = cached(metadata={"annotations": {"speaker-tts.dev/retry": "1"}})
    assert users.note(Change(cached(), retried)) == {SHARED}


def test_one_that_cannot_be_read_is_a_user_nevertheless(users: CacheUsers) -> None:
    users.note(Change(None, cached(replicas="many")))
    assert len(users.of(SHARED)) == 1
    assert users.services(SHARED) == []


@pytest.mark.parametrize("spec", [{"cache": None}, {"backend": "of the future"}])
def test_some_use_none(users: CacheUsers, spec: Json) -> None:
    assert users.note(Change(None, cached(**spec))) == set()

"""What a change in the cluster concerns."""

from typing import Any

import pytest

from speaker_operator.kube.resources import DEPLOYMENT, TTS_SERVICE, VOICE, Key
from speaker_operator.metrics import OperatorMetrics
from speaker_operator.reconcile.cacheusers import CacheUsers, cache_key
from speaker_operator.reconcile.observe import Observer, selector_of
from speaker_operator.reconcile.store import Store
from speaker_operator.render.labels import CACHE, SERVICE
from tests.unit.speaker_operator.factories import service, service_manifest, voice_manifest
from tests.unit.speaker_operator.reconcile.cluster_state import Json, children, pod

HELLO = Key(TTS_SERVICE.kind, "speech", "hello")
ANA = Key(VOICE.kind, "speech", "ana")
MEDIA = {"team": "media"}


class Recorder:
    """A queue that remembers what was added."""

    def __init__(self) -> None:
        self.added: list[Key] = []
        self.at_once: list[Key] = []
        self.patient: list[Key] = []
        self.relists = 0

    def add(self, key: Key) -> None:
        self.added.append(key)
        self.at_once.append(key)

    def add_after(self, key: Key, seconds: float, *, patience: float = 0.0) -> None:
        assert 0 < seconds < 1
        self.added.append(key)
        if patience:
            self.patient.append(key)

    def relisted(self) -> None:
        self.relists += 1

    def taken(self) -> set[Key]:
        taken, self.added, self.at_once, self.patient = set(self.added), [], [], []
        return taken

    def urgent(self) -> set[Key]:
        urgent = set(self.at_once)
        self.taken()
        return urgent


@pytest.fixture
def queue() -> Recorder:
    return Recorder()


@pytest.fixture
def observer(queue: Recorder) -> Observer:
    return Observer(Store(OperatorMetrics()), CacheUsers(), queue, on_relist=queue.relisted)


def newer(manifest: Json, **changes: Any) -> Json:
    version = str(int(manifest["metadata"]["resourceVersion"]) + 1)
    metadata = {**manifest["metadata"], "resourceVersion": version}
    metadata |= changes.pop("metadata", {})
    return {**manifest, **changes, "metadata": metadata}


def deployment_of() -> Json:
    (found,) = (each for each in children(service()) if each["kind"] == DEPLOYMENT.kind)
    return found


def test_a_service_concerns_itself(observer: Observer, queue: Recorder) -> None:
    observer.event("ADDED", service_manifest())
    assert queue.taken() == {HELLO}


def test_the_same_version_again_concerns_nobody(observer: Observer, queue: Recorder) -> None:
    observer.event("ADDED", service_manifest())
    queue.taken()
    observer.event("MODIFIED", service_manifest())
    assert queue.taken() == set()


def test_a_voice_concerns_itself_and_the_services_that_select_it(
    observer: Observer, queue: Recorder
) -> None:
    observer.event("ADDED", service_manifest())
    selector = {"selector": {"matchLabels": MEDIA}}
    observer.event("ADDED", service_manifest("picky", voices=selector))
    queue.taken()
    observer.event("ADDED", voice_manifest("ana"))
    assert queue.taken() == {ANA, HELLO}


def test_a_voice_concerns_the_services_that_selected_it_before(
    observer: Observer, queue: Recorder
) -> None:
    selector = {"selector": {"matchLabels": MEDIA}}
    observer.event("ADDED", service_manifest("picky", voices=selector))
    observer.event("ADDED", voice_manifest("ana", MEDIA))
    queue.taken()
    observer.event("MODIFIED", newer(voice_manifest("ana"), metadata={"labels": {}}))
    assert queue.taken() == {ANA, Key(TTS_SERVICE.kind, "speech", "picky")}


def test_a_deleted_voice_concerns_the_services_that_had_it(
    observer: Observer, queue: Recorder
) -> None:
    observer.event("ADDED", service_manifest())
    observer.event("ADDED", voice_manifest("ana"))
    queue.taken()
    observer.event("DELETED", voice_manifest("ana"))
    assert queue.taken() == {ANA, HELLO}


@pytest.mark.parametrize("event_type", ["ADDED", "DELETED"])
def test_a_child_concerns_its_service(observer: Observer, queue: Recorder, event_type: str) -> None:
    for child in children(service()):
        observer.event("ADDED", child)
        queue.taken()
        observer.event(event_type, newer(child))
        assert queue.taken() == {HELLO}, child["kind"]


def test_a_child_whose_label_changes_concerns_both_services(
    observer: Observer, queue: Recorder
) -> None:
    child = children(service())[0]
    observer.event("ADDED", child)
    queue.taken()
    labels = {**child["metadata"]["labels"], "speaker-tts.dev/service": "other"}
    observer.event("MODIFIED", newer(child, metadata={"labels": labels}))
    assert queue.taken() == {HELLO, Key(TTS_SERVICE.kind, "speech", "other")}


def test_a_pods_state_concerns_its_service_and_its_annotations_nobody(
    observer: Observer, queue: Recorder
) -> None:
    first = pod(service())
    observer.event("ADDED", first)
    assert queue.taken() == {HELLO}
    second = newer(first, metadata={"annotations": {"a": "b"}})
    observer.event("MODIFIED", second)
    assert queue.taken() == set()
    observer.event("MODIFIED", newer(second, status={"phase": "Running"}))
    assert queue.taken() == {HELLO}


def test_a_voices_status_concerns_only_itself(observer: Observer, queue: Recorder) -> None:
    observer.event("ADDED", service_manifest())
    observer.event("ADDED", voice_manifest("ana"))
    queue.taken()
    observer.event("MODIFIED", newer(voice_manifest("ana"), status={"serviceCount": 1}))
    assert queue.taken() == {ANA}


def test_listing_anew_asks_for_a_check(observer: Observer, queue: Recorder) -> None:
    observer.event(None, service_manifest())
    assert (queue.taken(), queue.relists) == ({HELLO}, 1)


def test_a_voice_that_cannot_be_read_concerns_who_would_select_it(
    observer: Observer, queue: Recorder
) -> None:
    observer.event("ADDED", service_manifest())
    queue.taken()
    observer.event("ADDED", {**voice_manifest("ana"), "spec": {}})
    assert queue.taken() == {ANA, HELLO}


def test_only_the_operators_own_children_are_watched() -> None:
    assert selector_of(TTS_SERVICE) == selector_of(VOICE) == ""
    assert selector_of(DEPLOYMENT) == "app.kubernetes.io/managed-by=speaker-tts-operator"


FRONT = Key(TTS_SERVICE.kind, "speech", "front")
OTHER = Key(TTS_SERVICE.kind, "speech", "other")
SHY = Key(TTS_SERVICE.kind, "speech", "shy")


@pytest.fixture
def in_front(observer: Observer, queue: Recorder) -> Observer:
    """A gateway, a service behind it, and one that lists who may come."""
    policy = {"enabled": True, "allowFrom": []}
    for manifest in (
        service_manifest("front", backend="gateway"),
        service_manifest("other"),
        service_manifest("shy", networkPolicy=policy),
    ):
        observer.event("ADDED", manifest)
    queue.taken()
    return observer


def test_a_service_concerns_the_gateways_of_its_namespace(
    in_front: Observer, queue: Recorder
) -> None:
    in_front.event("ADDED", service_manifest())
    assert queue.taken() == {HELLO, FRONT}
    in_front.event("DELETED", newer(service_manifest()))
    assert queue.taken() == {HELLO, FRONT}


def test_a_gateway_hears_whether_a_service_is_available_and_of_nothing_else_in_its_status(
    in_front: Observer, queue: Recorder
) -> None:
    counted = newer(service_manifest("other"), status={"replicas": 1})
    in_front.event("MODIFIED", counted)
    assert queue.taken() == {OTHER}
    available = {"type": "Available", "status": "True", "reason": "Serving"}
    in_front.event("MODIFIED", newer(counted, status={"conditions": [available]}))
    assert queue.taken() == {OTHER, FRONT}


def test_a_gateway_concerns_the_services_that_list_who_may_come(
    in_front: Observer, queue: Recorder
) -> None:
    changed = newer(service_manifest("front", backend="gateway"), metadata={"generation": 9})
    in_front.event("MODIFIED", changed)
    assert queue.taken() == {FRONT, SHY}
    in_front.event("DELETED", newer(changed))
    assert queue.taken() == {FRONT, SHY}
    in_front.event("ADDED", service_manifest())
    assert queue.taken() == {HELLO}, "there is no gateway any more"


def test_what_a_controller_reports_is_gathered_and_what_is_edited_is_not(
    observer: Observer, queue: Recorder
) -> None:
    deployment = deployment_of()
    observer.event("ADDED", deployment)
    assert queue.urgent() == {HELLO}
    reported = newer(
        deployment, status={"replicas": 1}, metadata={"annotations": {"revision": "1"}}
    )
    observer.event("MODIFIED", reported)
    assert queue.patient == [HELLO], "what is to be made goes first"
    assert queue.urgent() == set()
    observer.event("MODIFIED", newer(reported, spec={**deployment["spec"], "replicas": 7}))
    assert queue.urgent() == {HELLO}


def test_a_service_is_acted_on_at_once_and_its_voices_are_gathered(
    observer: Observer, queue: Recorder
) -> None:
    observer.event("ADDED", service_manifest())
    assert queue.urgent() == {HELLO}
    observer.event("ADDED", voice_manifest("ana"))
    assert queue.added == [HELLO, ANA]
    assert queue.patient == []
    assert queue.urgent() == set()


def test_the_answer_to_a_write_is_no_news(observer: Observer, queue: Recorder) -> None:
    deployment = deployment_of()
    observer.answered(deployment)
    observer.event("ADDED", deployment)
    assert queue.taken() == set()


def test_the_answer_to_a_write_of_who_uses_a_cache_is_news_to_the_cache(
    observer: Observer, queue: Recorder
) -> None:
    deployment = deployment_of()
    labels = {**deployment["metadata"]["labels"], CACHE: "of-then"}
    observer.answered(newer(deployment, metadata={"labels": labels}))
    assert queue.urgent() == {cache_key("speech", "of-then")}
    observer.answered(newer(newer(deployment), metadata={"labels": labels | {CACHE: "of-now"}}))
    assert queue.urgent() == {cache_key("speech", "of-then"), cache_key("speech", "of-now")}


def test_the_answer_to_a_write_that_takes_a_child_back_is_news_to_who_had_it(
    observer: Observer, queue: Recorder
) -> None:
    deployment = deployment_of()
    labels = {**deployment["metadata"]["labels"], SERVICE: "other"}
    observer.event("ADDED", newer(deployment, metadata={"labels": labels}))
    assert queue.urgent() == {Key(TTS_SERVICE.kind, "speech", "other")}
    observer.answered(
        newer(newer(deployment), metadata={"labels": deployment["metadata"]["labels"]})
    )
    assert queue.urgent() == {Key(TTS_SERVICE.kind, "speech", "other")}


def test_an_answer_that_shows_another_spec_is_news(observer: Observer, queue: Recorder) -> None:
    declared = service_manifest()
    observer.event("ADDED", declared)
    queue.taken()
    observer.answered(newer(declared, status={"observedGeneration": 3}))
    assert queue.taken() == set()
    observer.answered(newer(newer(declared), metadata={"generation": 4}))
    assert queue.taken() == {HELLO}

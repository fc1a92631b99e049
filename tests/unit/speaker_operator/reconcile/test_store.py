"""The store keeps the newest version of every object."""

from typing import Any

from speaker_operator.api.v1alpha1.common import LabelSelector
from speaker_operator.kube.client import FIELD_MANAGER
from speaker_operator.kube.resources import Key
from speaker_operator.metrics import OperatorMetrics
from speaker_operator.reconcile.store import Change, Store
from speaker_operator.render.labels import CACHE, SERVICE
from tests.unit.speaker_operator.factories import service_manifest, voice_manifest

KEY = Key("ConfigMap", "speech", "hello-config")


def manifest(version: int = 1, uid: str = "one", service: str | None = "hello") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": KEY.kind,
        "metadata": {
            "name": KEY.name,
            "namespace": KEY.namespace,
            "uid": uid,
            "resourceVersion": str(version),
            "labels": {} if service is None else {SERVICE: service},
            "managedFields": [],
        },
    }


def members(store: Store, service: str = "hello") -> list[dict[str, Any]]:
    return list(store.belonging_to("speech", service))


def test_a_new_object_is_a_change() -> None:
    store = Store(OperatorMetrics())
    assert store.put(manifest()) == Change(None, manifest())
    assert store.get(KEY) == manifest()
    assert store.in_namespace("ConfigMap", "speech") == members(store) == [manifest()]
    assert [*store.everywhere("ConfigMap")] == [manifest()]
    assert store.in_namespace("ConfigMap", "elsewhere") == []


def test_an_older_or_equal_version_is_none() -> None:
    store = Store(OperatorMetrics())
    store.put(manifest(10))
    assert store.put(manifest(10)) is None
    assert store.put(manifest(9)) is None
    assert store.get(KEY) == manifest(10)


def test_a_newer_version_takes_the_place_of_the_old_one() -> None:
    store = Store(OperatorMetrics())
    store.put(manifest(9))
    assert store.put(manifest(10)) == Change(manifest(9), manifest(10))
    assert members(store) == [manifest(10)]


def test_an_object_that_changes_its_service_moves() -> None:
    store = Store(OperatorMetrics())
    store.put(manifest(1))
    store.put(manifest(2, service="other"))
    assert (members(store), members(store, "other")) == ([], [manifest(2, service="other")])
    store.put(manifest(3, service=None))
    assert members(store, "other") == []


def test_a_removed_object_is_forgotten() -> None:
    store = Store(OperatorMetrics())
    store.put(manifest(1))
    assert store.remove(manifest(2)) == Change(manifest(1), None)
    assert store.get(KEY) is None
    assert members(store) == []
    assert store.remove(manifest(2)) is None


def test_the_end_of_an_earlier_object_of_the_same_name_is_no_change() -> None:
    store = Store(OperatorMetrics())
    store.put(manifest(5, uid="two"))
    assert store.remove(manifest(4, uid="one")) is None
    assert store.get(KEY) is not None


def test_only_the_operators_own_field_records_are_kept() -> None:
    store = Store(OperatorMetrics())
    own, foreign = {"manager": FIELD_MANAGER}, {"manager": "kubectl"}
    live = manifest()
    live["metadata"]["managedFields"] = [foreign, own]
    store.put(live)
    assert (store.get(KEY) or {})["metadata"]["managedFields"] == [own]
    assert live["metadata"]["managedFields"] == [foreign, own]


def labelled(name: str, **labels: str) -> dict[str, Any]:
    return voice_manifest(name, labels)


def chosen(store: Store, **spec: Any) -> set[str]:
    found = store.voices("speech", LabelSelector.model_validate(spec))
    return {voice["metadata"]["name"] for voice in found}


def test_voices_are_found_by_their_labels() -> None:
    store = Store(OperatorMetrics())
    store.put(labelled("ana", team="media", tone="warm"))
    store.put(labelled("ben", team="media"))
    store.put(labelled("cleo"))
    assert chosen(store) == {"ana", "ben", "cleo"}
    assert chosen(store, matchLabels={"team": "media"}) == {"ana", "ben"}
    assert chosen(store, matchLabels={"team": "media", "tone": "warm"}) == {"ana"}
    assert chosen(store, matchLabels={"team": "games"}) == set()
    lacking = {"key": "tone", "operator": "DoesNotExist"}
    assert chosen(store, matchLabels={"team": "media"}, matchExpressions=[lacking]) == {"ben"}
    assert store.voices("elsewhere", LabelSelector()) == []


def test_a_voice_that_is_relabelled_is_found_where_it_is_now() -> None:
    store = Store(OperatorMetrics())
    store.put(labelled("ana", team="media"))
    relabelled = labelled("ana", team="games")
    relabelled["metadata"]["resourceVersion"] = "9"
    store.put(relabelled)
    assert chosen(store, matchLabels={"team": "media"}) == set()
    assert chosen(store, matchLabels={"team": "games"}) == {"ana"}
    store.remove(relabelled)
    assert chosen(store, matchLabels={"team": "games"}) == set()


def test_the_services_that_select_a_voice_are_found() -> None:
    store = Store(OperatorMetrics())
    of_media = {"selector": {"matchLabels": {"team": "media"}}}
    store.put(service_manifest("all"))
    store.put(service_manifest("media", voices=of_media))
    assert names(store.selecting(labelled("ana", team="media"))) == {"all", "media"}
    assert names(store.selecting(labelled("ben"))) == {"all"}
    store.remove(service_manifest("all"))
    assert names(store.selecting(labelled("ben"))) == set()


def names(keys: set[Key]) -> set[str]:
    return {key.name for key in keys}


def test_objects_are_counted() -> None:
    metrics = OperatorMetrics()
    store = Store(metrics)
    for version in (1, 2):
        store.put(manifest(version))
    name, labels = "speaker_operator_observed_objects", {"kind": "ConfigMap"}
    assert metrics.registry.get_sample_value(name, labels) == 1
    store.remove(manifest(2))
    assert metrics.registry.get_sample_value(name, labels) == 0


def test_a_child_whose_label_was_taken_away_is_no_shared_cache() -> None:
    store, claim = Store(OperatorMetrics()), manifest(service=None)
    owner = {"kind": "TTSService", "name": "hello", "uid": "uid-hello", "controller": True}
    claim["metadata"] |= {"labels": {CACHE: "key"}, "ownerReferences": [owner]}
    store.put(claim)
    assert store.of_cache("speech", "key") == []
    assert store.using_cache("speech", "key") == [claim]
    del claim["metadata"]["ownerReferences"]
    claim["metadata"]["resourceVersion"] = "2"
    store.put(claim)
    assert store.of_cache("speech", "key") == [claim]

"""The store keeps the newest version of every object."""

from typing import Any

from speaker_operator.kube.client import FIELD_MANAGER
from speaker_operator.kube.resources import Key
from speaker_operator.metrics import OperatorMetrics
from speaker_operator.reconcile.store import Change, Store
from speaker_operator.render.labels import SERVICE

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
    assert store.everywhere("ConfigMap") == [manifest()]
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


def test_objects_are_counted() -> None:
    metrics = OperatorMetrics()
    store = Store(metrics)
    for version in (1, 2):
        store.put(manifest(version))
    name, labels = "speaker_operator_observed_objects", {"kind": "ConfigMap"}
    assert metrics.registry.get_sample_value(name, labels) == 1
    store.remove(manifest(2))
    assert metrics.registry.get_sample_value(name, labels) == 0

"""When pods may have their model, and what stays as it is until then."""

import copy
from typing import Any

import pytest

from speaker_operator.reconcile.drift import drift
from speaker_operator.reconcile.extraction import applied
from speaker_operator.reconcile.holding import hold, release
from speaker_operator.render.caches import model_cache
from speaker_operator.render.children import render
from speaker_operator.render.deployment import IN_POD
from speaker_operator.render.labels import CACHE, RELEASED
from tests.unit.speaker_operator.factories import SETTINGS, Json, service
from tests.unit.speaker_operator.reconcile.cluster_state import as_applied


def rendered(stage: Any = "released", /, **spec: Any) -> list[Json]:
    of = service(**{"backend": "kokoro", "cache": {"size": "2Gi"}, **spec})
    return render(of, (), SETTINGS, model_cache([of], SETTINGS.images), stage)


def live(stage: Any = "released", /, **spec: Any) -> list[Json]:
    return [as_applied(each) for each in rendered(stage, **spec)]


def one(manifests: list[Json], kind: str) -> Json:
    return next(each for each in manifests if each["kind"] == kind)


def content_of(manifests: list[Json]) -> str:
    content: str = one(manifests, "Deployment")["metadata"]["annotations"][RELEASED]
    return content


NEW = {"model": {"source": "https://models.test/b"}}


@pytest.mark.parametrize(
    ("content", "filled", "objects", "expected"),
    [
        (None, False, [], "released"),
        ("b", True, [], "released"),
        ("b", False, [], "waiting"),
        ("b", False, live("waiting"), "waiting"),
        ("b", False, live(), "held"),
        (content_of(rendered()), False, live(), "released"),
        ("b", False, live(cache=None), "held"),
    ],
    ids=[
        "pods that fetch themselves",
        "the model is there",
        "nothing is there",
        "it waited before",
        "it serves another model",
        "it serves this very model",
        "it brought its model itself until now",
    ],
)
def test_pods_are_let_loose_once_the_model_is_there(
    content: str | None, filled: bool, objects: list[Json], expected: str
) -> None:
    assert release(content, filled=filled, live=objects) == expected


def test_pods_of_an_older_operator_are_kept() -> None:
    objects = live(cache=None)
    del one(objects, "Deployment")["metadata"]["annotations"][RELEASED]
    assert release("b", filled=False, live=objects) == "held"


def test_while_it_is_held_pods_and_their_configuration_stay_and_all_else_follows() -> None:
    before = live()
    held = hold(rendered(**NEW, replicas=3, expose={"port": 8000}), before)
    deployment, config = one(held, "Deployment"), one(held, "ConfigMap")
    old, old_config = one(before, "Deployment"), one(before, "ConfigMap")
    assert deployment["spec"]["template"] == old["spec"]["template"]
    assert deployment["spec"]["replicas"] == 3
    assert one(held, "Service")["spec"]["ports"][0]["port"] == 8000
    assert config["data"]["config.json"] == old_config["data"]["config.json"]
    for part, name in (("labels", CACHE), ("annotations", RELEASED)):
        assert deployment["metadata"][part][name] == old["metadata"][part][name]
    assert drift(deployment, old) == ["spec.replicas"]
    assert drift(config, old_config) == []


def test_pods_that_brought_their_model_themselves_are_held_as_such() -> None:
    before = live(cache=None)
    deployment = one(hold(rendered(), before), "Deployment")
    assert deployment["metadata"]["annotations"][RELEASED] == IN_POD
    assert CACHE not in deployment["metadata"]["labels"]
    assert "initContainers" in deployment["spec"]["template"]["spec"]


def test_what_was_applied_can_be_told_from_what_the_api_server_filled_in() -> None:
    manifest = one(rendered(), "Deployment")
    found = as_applied(manifest)
    found["spec"]["template"]["spec"]["dnsPolicy"] = "ClusterFirst"
    found["metadata"]["labels"] = {**found["metadata"]["labels"], "of": "others"}
    assert applied(found) == manifest


def test_items_of_lists_are_told_apart_by_their_keys() -> None:
    live = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "a",
            "namespace": "b",
            "managedFields": [
                {
                    "manager": "speaker-tts-operator",
                    "operation": "Apply",
                    "fieldsV1": {
                        "f:spec": {"f:ports": {'k:{"port":80}': {".": {}, "f:port": {}}}},
                        "f:metadata": {"f:labels": {"f:x": {}}},
                    },
                }
            ],
            "labels": {"x": "1", "y": "2"},
        },
        "spec": {"ports": [{"port": 80, "nodePort": 30000}, {"port": 81}]},
    }
    before = copy.deepcopy(live)
    assert applied(live) == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "a", "namespace": "b", "labels": {"x": "1"}},
        "spec": {"ports": [{"port": 80}]},
    }
    assert live == before

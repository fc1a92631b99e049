"""Every field that the operator owns is found, and edited as a person might."""

from typing import Any

from bench.control.fields import Item, at, edits, owned_paths
from speaker_operator.kube.client import FIELD_MANAGER

RUNTIME = Item((("name", "runtime"),))


def live() -> dict[str, Any]:
    return {
        "metadata": {
            "resourceVersion": "1",
            "managedFields": [
                {"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:data": {}}},
                {
                    "manager": FIELD_MANAGER,
                    "operation": "Apply",
                    "fieldsV1": {
                        "f:spec": {
                            "f:replicas": {},
                            "f:containers": {
                                'k:{"name":"runtime"}': {".": {}, "f:name": {}, "f:image": {}}
                            },
                        }
                    },
                },
            ],
        },
        "spec": {
            "replicas": 2,
            "containers": [{"name": "other"}, {"name": "runtime", "image": "runtime:1"}],
        },
    }


def test_the_operators_own_fields_are_found_and_keys_are_not_among_them() -> None:
    assert set(owned_paths(live())) == {
        ("spec", "replicas"),
        ("spec", "containers", RUNTIME),
        ("spec", "containers", RUNTIME, "image"),
    }


def test_a_value_is_changed_or_taken_away() -> None:
    path = ("spec", "containers", RUNTIME, "image")
    found = [at(edited, path) for edited in edits(live(), path)]
    assert found == ["runtime:2", "runtime:1x", None]


def test_an_item_is_taken_away() -> None:
    (edited,) = edits(live(), ("spec", "containers", RUNTIME))
    assert edited["spec"]["containers"] == [{"name": "other"}]
    assert at(edited, ("spec", "containers", RUNTIME, "image")) is None

"""Taking a list over makes the operator its only owner, and touches nothing else."""

import copy
from typing import Any

from speaker_operator.kube.client import FIELD_MANAGER
from speaker_operator.reconcile.ownership import has_foreign_items, take_over

PATH = ("spec", "ports")
KEYS = ("port", "protocol")
EIGHTY, OTHER = {"port": 80, "protocol": "TCP"}, {"port": 81, "protocol": "TCP"}
LIVE: dict[str, Any] = {
    "metadata": {
        "resourceVersion": "9",
        "managedFields": [
            {
                "manager": FIELD_MANAGER,
                "operation": "Apply",
                "fieldsV1": {"f:spec": {"f:type": {}, "f:ports": {"k:80": {".": {}}}}},
            },
            {
                "manager": "kubectl-edit",
                "operation": "Update",
                "fieldsV1": {"f:spec": {"f:ports": {"k:81": {".": {}, "f:port": {}}}}},
            },
            {
                "manager": "mesh",
                "operation": "Apply",
                "fieldsV1": {"f:metadata": {"f:labels": {}}, "f:spec": {"f:ports": {"k:82": {}}}},
            },
        ],
    },
}


def ports(*items: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"ports": list(items)}}


def test_items_are_foreign_if_they_are_not_wanted() -> None:
    assert has_foreign_items(ports(EIGHTY), ports(EIGHTY, OTHER), PATH, KEYS)
    assert has_foreign_items(ports(EIGHTY), ports(OTHER), PATH, KEYS)
    assert not has_foreign_items(ports(EIGHTY), ports({**EIGHTY, "nodePort": 3}), PATH, KEYS)
    assert not has_foreign_items(ports(EIGHTY), {"spec": {}}, PATH, KEYS)


def test_the_list_becomes_the_operators_alone() -> None:
    test, replace = take_over(LIVE, PATH)
    assert test == {"op": "test", "path": "/metadata/resourceVersion", "value": "9"}
    assert (replace["op"], replace["path"]) == ("replace", "/metadata/managedFields")
    own, mesh = replace["value"]
    assert own["fieldsV1"] == {
        "f:spec": {
            "f:type": {},
            "f:ports": {"k:80": {".": {}}, "k:81": {".": {}, "f:port": {}}, "k:82": {}},
        }
    }
    assert mesh["fieldsV1"] == {"f:metadata": {"f:labels": {}}}


def test_what_was_read_is_not_changed() -> None:
    before = copy.deepcopy(LIVE)
    take_over(LIVE, PATH)
    assert before == LIVE


def test_an_object_that_the_operator_never_applied_is_left_alone() -> None:
    metadata = {**LIVE["metadata"], "managedFields": LIVE["metadata"]["managedFields"][1:]}
    assert take_over({"metadata": metadata}, PATH) == []

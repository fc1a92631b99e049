"""Drift is a difference in what the operator owns, and nothing else."""

import copy
import json
from typing import Any

import pytest

from speaker_operator.kube.client import FIELD_MANAGER
from speaker_operator.reconcile.drift import drift, owns

DESIRED: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "hello", "namespace": "speech", "labels": {"app": "hello"}},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "hello"}},
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "runtime",
                        "image": "runtime:1",
                        "args": ["serve"],
                        "resources": {"requests": {"cpu": "1000m"}},
                        "ports": [{"containerPort": 80, "protocol": "TCP", "name": "http"}],
                    }
                ]
            }
        },
    },
}
CONTAINER = 'spec.template.spec.containers[{"name":"runtime"}]'


def applied(desired: dict[str, Any]) -> dict[str, Any]:
    """The object as the API server keeps it right after it was applied."""
    live = copy.deepcopy(desired)
    container = live["spec"]["template"]["spec"]["containers"][0]
    container["imagePullPolicy"] = "Always"  # filled in
    container["resources"]["requests"]["cpu"] = "1"  # rewritten
    live["metadata"]["managedFields"] = [
        {
            "manager": FIELD_MANAGER,
            "operation": "Apply",
            "fieldsV1": {
                "f:metadata": {"f:labels": {"f:app": {}}},
                "f:spec": {
                    "f:replicas": {},
                    "f:selector": {},
                    "f:template": {
                        "f:spec": {
                            "f:containers": {
                                'k:{"name":"runtime"}': {
                                    ".": {},
                                    "f:name": {},
                                    "f:image": {},
                                    "f:args": {},
                                    "f:resources": {"f:requests": {"f:cpu": {}}},
                                    "f:ports": {
                                        'k:{"containerPort":80,"protocol":"TCP"}': {
                                            ".": {},
                                            "f:containerPort": {},
                                            "f:protocol": {},
                                            "f:name": {},
                                        }
                                    },
                                }
                            }
                        }
                    },
                },
            },
        }
    ]
    return live


def container_of(manifest: dict[str, Any]) -> dict[str, Any]:
    container: dict[str, Any] = manifest["spec"]["template"]["spec"]["containers"][0]
    return container


def fields_of(live: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = live["metadata"]["managedFields"][0]["fieldsV1"]
    return fields


def test_what_was_just_applied_does_not_drift() -> None:
    assert drift(DESIRED, applied(DESIRED)) == []


def test_fields_of_others_are_left_alone() -> None:
    live = applied(DESIRED)
    live["spec"]["revisionHistoryLimit"] = 10
    live["metadata"]["labels"]["team"] = "media"
    live["spec"]["template"]["spec"]["containers"].append({"name": "sidecar"})
    container_of(live)["ports"].append({"containerPort": 9, "protocol": "TCP"})
    assert drift(DESIRED, live) == []


def test_another_value_is_drift() -> None:
    live = applied(DESIRED)
    live["spec"]["replicas"] = 3
    container_of(live)["image"] = "runtime:2"
    assert drift(DESIRED, live) == ["spec.replicas", f"{CONTAINER}.image"]


def test_a_missing_value_is_drift() -> None:
    live = applied(DESIRED)
    del live["metadata"]["labels"]["app"]
    assert drift(DESIRED, live) == ["metadata.labels.app"]


def test_a_field_that_someone_took_over_is_drift_whatever_its_value() -> None:
    live = applied(DESIRED)
    del fields_of(live)["f:spec"]["f:replicas"]
    assert drift(DESIRED, live) == ["spec.replicas"]


def test_a_field_that_is_wanted_no_more_is_drift() -> None:
    desired = copy.deepcopy(DESIRED)
    del desired["spec"]["replicas"]
    assert drift(desired, applied(DESIRED)) == ["spec.replicas"]


def test_an_item_that_is_wanted_no_more_is_drift() -> None:
    desired = copy.deepcopy(DESIRED)
    container_of(desired)["ports"] = []
    (path,) = drift(desired, applied(DESIRED))
    assert path == f'{CONTAINER}.ports[{{"containerPort":80,"protocol":"TCP"}}]'


def test_an_item_that_is_new_is_drift() -> None:
    desired = copy.deepcopy(DESIRED)
    container_of(desired)["ports"].append({"containerPort": 81, "protocol": "TCP"})
    (path,) = drift(desired, applied(DESIRED))
    assert json.loads(path.partition("ports[")[2][:-1])["containerPort"] == 81


def test_an_item_that_is_gone_is_drift() -> None:
    live = applied(DESIRED)
    live["spec"]["template"]["spec"]["containers"] = []
    assert drift(DESIRED, live) == [CONTAINER]


def test_what_is_filled_in_inside_a_value_that_is_owned_as_a_whole_is_no_drift() -> None:
    taint = {"key": "gpu", "operator": "Exists"}
    desired = copy.deepcopy(DESIRED)
    desired["spec"]["template"]["spec"]["tolerations"] = [taint]
    live = applied(desired)
    (record,) = live["metadata"]["managedFields"]
    record["fieldsV1"]["f:spec"]["f:template"]["f:spec"]["f:tolerations"] = {}
    live["spec"]["template"]["spec"]["tolerations"] = [{**taint, "effect": ""}]
    assert drift(desired, live) == []
    live["spec"]["template"]["spec"]["tolerations"] = [{**taint, "operator": "Equal"}]
    assert drift(desired, live) == ["spec.template.spec.tolerations"]


def test_a_list_or_map_that_is_one_value_must_be_equal() -> None:
    live = applied(DESIRED)
    container_of(live)["args"] = ["serve", "--debug"]
    live["spec"]["selector"]["matchLabels"]["app"] = "x"
    assert drift(DESIRED, live) == ["spec.selector", f"{CONTAINER}.args"]


def test_quantities_are_compared_by_what_they_mean() -> None:
    live = applied(DESIRED)
    container_of(live)["resources"]["requests"]["cpu"] = "2"
    assert drift(DESIRED, live) == [f"{CONTAINER}.resources.requests.cpu"]


@pytest.mark.parametrize(
    "entry",
    [
        {"manager": "kubectl", "operation": "Apply"},
        {"manager": FIELD_MANAGER, "operation": "Update"},
        {"manager": FIELD_MANAGER, "operation": "Apply", "subresource": "status"},
    ],
)
def test_only_what_the_operator_applied_to_the_object_counts_as_its_own(
    entry: dict[str, str],
) -> None:
    live = applied(DESIRED)
    live["metadata"]["managedFields"] = [{**live["metadata"]["managedFields"][0], **entry}]
    assert set(drift(DESIRED, live)) == {"metadata", "spec"}


def test_ownership_of_one_field_can_be_asked_for() -> None:
    live = applied(DESIRED)
    assert owns(live, "spec", "replicas")
    assert not owns(live, "spec", "paused")
    assert not owns(live, "status", "replicas")

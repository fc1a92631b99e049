"""The last word over the pods is merged as Kubernetes merges."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaker_operator.api.v1alpha1.podtemplate import PodTemplate
from speaker_operator.render.children import render
from speaker_operator.render.overrides import with_overrides
from tests.unit.speaker_operator.factories import SETTINGS, service

Json = dict[str, Any]


def template(**overrides: Any) -> Json:
    manifests = render(service(podTemplate=overrides), (), SETTINGS)
    deployment = next(each for each in manifests if each["kind"] == "Deployment")
    found: Json = deployment["spec"]["template"]
    return found


def pod(**overrides: Any) -> Json:
    spec: Json = template(spec=overrides)["spec"]
    return spec


def named(items: list[Json], name: str) -> Json:
    (found,) = (each for each in items if each["name"] == name)
    return found


def test_labels_and_annotations_are_added() -> None:
    metadata = template(metadata={"labels": {"team": "media"}, "annotations": {"mesh": "on"}})[
        "metadata"
    ]
    assert metadata["labels"]["team"] == "media"
    assert metadata["labels"]["speaker-tts.dev/service"] == "hello"
    assert metadata["annotations"]["mesh"] == "on"
    assert "speaker-tts.dev/config-hash" in metadata["annotations"]


def test_a_container_is_changed_by_its_name() -> None:
    spec = pod(containers=[{"name": "runtime", "resources": {"limits": {"cpu": "2"}}}])
    (runtime,) = spec["containers"]
    assert runtime["resources"]["limits"] == {"memory": "1Gi", "cpu": "2"}
    assert runtime["args"][0] == "serve"


def test_any_other_container_is_added() -> None:
    spec = pod(
        containers=[{"name": "proxy", "image": "proxy:1", "ports": [{"containerPort": 9000}]}],
        initContainers=[{"name": "first", "image": "first:1"}],
    )
    assert [each["name"] for each in spec["containers"]] == ["runtime", "proxy"]
    assert named(spec["containers"], "proxy")["ports"] == [
        {"containerPort": 9000, "protocol": "TCP"}
    ]
    assert [each["name"] for each in spec["initContainers"]] == ["model-fetch", "first"]


def test_environment_is_merged_by_name() -> None:
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    base = {"spec": {"containers": [{"name": "runtime", "env": env}]}}
    own = [{"name": "B", "value": "3"}, {"name": "C", "value": "4"}]
    overrides = {"spec": {"containers": [{"name": "runtime", "env": own}]}}
    merged = with_overrides(base, PodTemplate.model_validate(overrides))
    assert merged["spec"]["containers"][0]["env"] == [env[0], *own]


def test_a_volume_is_merged_by_name_and_replaced_by_another_kind() -> None:
    larger = pod(volumes=[{"name": "tmp", "emptyDir": {"medium": "Memory"}}])["volumes"]
    assert named(larger, "tmp")["emptyDir"] == {"sizeLimit": "256Mi", "medium": "Memory"}
    other = pod(volumes=[{"name": "tmp", "ephemeral": {}}, {"name": "own", "emptyDir": {}}])
    assert named(other["volumes"], "tmp") == {"name": "tmp", "ephemeral": {}}
    assert named(other["volumes"], "own") == {"name": "own", "emptyDir": {}}


def test_mounts_are_merged_by_their_path() -> None:
    mounts = [{"mountPath": "/tmp", "name": "own"}, {"mountPath": "/own", "name": "own"}]
    spec = pod(containers=[{"name": "runtime", "volumeMounts": mounts}])
    found = {each["mountPath"]: each["name"] for each in spec["containers"][0]["volumeMounts"]}
    assert (found["/tmp"], found["/own"], found["/models"]) == ("own", "own", "model")


def test_fields_of_the_pod_are_added_changed_and_removed() -> None:
    spec = pod(
        dnsPolicy="Default",
        enableServiceLinks=None,
        securityContext={"runAsUser": 1000},
        tolerations=[{"operator": "Exists"}],
    )
    assert spec["dnsPolicy"] == "Default"
    assert "enableServiceLinks" not in spec
    assert (spec["securityContext"]["runAsUser"], spec["securityContext"]["runAsGroup"]) == (
        1000,
        65532,
    )
    assert spec["tolerations"] == [{"operator": "Exists"}]


def test_a_probe_is_turned_off_by_null() -> None:
    (runtime,) = pod(containers=[{"name": "runtime", "livenessProbe": None}])["containers"]
    assert "livenessProbe" not in runtime
    assert "readinessProbe" in runtime


def test_without_a_last_word_nothing_changes() -> None:
    base: Json = {"spec": {"containers": []}}
    assert with_overrides(base, None) is base
    assert with_overrides(base, PodTemplate()) == base


@pytest.mark.parametrize("wrong", ["text", 3, [1], [{"no": "key"}], {"a": 1}])
def test_what_kubernetes_would_refuse_is_handed_on_for_it_to_refuse(wrong: Any) -> None:
    assert pod(imagePullSecrets=wrong)["imagePullSecrets"] == wrong


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["name", "ports", "env", "x"]), inner, max_size=3)
        ),
        max_leaves=12,
    )
)
def test_no_value_makes_it_stumble(value: Any) -> None:
    overrides = PodTemplate.model_validate({"spec": {"securityContext": value, "ports": value}})
    with_overrides({"spec": {"securityContext": {"a": 1}, "ports": []}}, overrides)

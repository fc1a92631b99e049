"""What a service's children look like."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from speaker_operator.api.admission import admit_yaml
from speaker_operator.api.v1alpha1 import TTSService, Voice
from speaker_operator.render.children import render
from speaker_operator.render.environment import FetchEnvironment
from speaker_operator.render.labels import selector_labels
from tests.unit.speaker_operator.factories import SETTINGS, UID, service
from tests.unit.speaker_operator.render.rendering import children, everything, pod

GOLDEN = Path(__file__).parent / "golden"


EXAMPLES = sorted((Path(__file__).parents[4] / "examples").glob("*.yaml"))


def _created(of: TTSService) -> TTSService:
    """The service as it is once the API server has given it a uid."""
    return of.model_copy(update={"metadata": of.metadata.model_copy(update={"uid": UID})})


def rendered(example: Path) -> str:
    """Every child of every service of an example, as YAML."""
    declared = admit_yaml(example.read_text())
    voices = [each for each in declared if isinstance(each, Voice)]
    services = tuple(each for each in declared if isinstance(each, TTSService))
    settings = replace(SETTINGS, services=services)
    manifests = [
        manifest for each in services for manifest in everything(_created(each), voices, settings)
    ]
    return yaml.safe_dump_all(manifests, sort_keys=False, width=100)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_render_as_they_always_did(example: Path) -> None:
    """``make golden`` writes the golden files anew."""
    golden = GOLDEN / example.name
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(rendered(example))
    assert rendered(example) == golden.read_text()


def test_every_child_but_a_retained_cache_is_owned_by_the_service() -> None:
    for manifest in render(service(cache={"size": "2Gi"}), (), SETTINGS):
        owners = [each["uid"] for each in manifest["metadata"].get("ownerReferences", ())]
        assert owners == ([] if manifest["kind"] == "PersistentVolumeClaim" else [UID])


def test_a_fetch_is_given_the_environment_that_the_operator_was_set_up_with() -> None:
    environment = FetchEnvironment(
        values={"PIP_INDEX_URL": "https://index.test/simple", "HTTPS_PROXY": "http://proxy:3128"},
        sources=[{"secretRef": {"name": "registries"}}],
    )
    spec = pod(service(), replace(SETTINGS, fetch=environment))
    (fetch,) = spec["initContainers"]
    assert fetch["env"] == [
        {"name": "HTTPS_PROXY", "value": "http://proxy:3128"},
        {"name": "PIP_INDEX_URL", "value": "https://index.test/simple"},
    ]
    assert fetch["envFrom"] == [{"secretRef": {"name": "registries"}}]
    (runtime,) = spec["containers"]
    assert {"env", "envFrom"}.isdisjoint(runtime)


def test_credentials_are_the_fetchs_alone_and_come_last() -> None:
    settings = replace(
        SETTINGS, fetch=FetchEnvironment(sources=[{"configMapRef": {"name": "all"}}])
    )
    spec = pod(service(model={"credentialsSecret": "hf-token"}), settings)
    (fetch,) = spec["initContainers"]
    assert fetch["envFrom"] == [
        {"configMapRef": {"name": "all"}},
        {"secretRef": {"name": "hf-token"}},
    ]
    assert "envFrom" not in spec["containers"][0]


def test_the_service_reaches_the_pods() -> None:
    of = children(service(expose={"port": 8000}))
    template = of["Deployment"]["spec"]["template"]
    assert of["Service"]["spec"]["selector"] == selector_labels("hello")
    assert selector_labels("hello").items() <= template["metadata"]["labels"].items()
    (port,) = template["spec"]["containers"][0]["ports"]
    (exposed,) = of["Service"]["spec"]["ports"]
    assert (exposed["port"], exposed["targetPort"]) == (8000, port["name"])


def test_placement_reaches_the_pod() -> None:
    spec = pod(
        service(
            placement={
                "nodeSelector": {"disk": "ssd"},
                "tolerations": [{"key": "speech", "operator": "Exists"}],
                "priorityClassName": "high",
            }
        )
    )
    assert spec["nodeSelector"] == {"disk": "ssd"}
    assert spec["tolerations"] == [{"key": "speech", "operator": "Exists"}]
    assert spec["priorityClassName"] == "high"


def test_an_image_of_the_spec_comes_before_the_backends() -> None:
    assert pod(service())["containers"][0]["image"] == "speaker-tts-runtime:cpu-1.2.3"
    own = pod(service(image="registry.example.com/own:1"))
    images = {each["image"] for each in (*own["containers"], *own["initContainers"])}
    assert images == {"registry.example.com/own:1"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}}),
        (
            {"requests": {"cpu": 2}},
            {"requests": {"cpu": "2"}, "limits": {"memory": "1Gi"}},
        ),
        (
            {"limits": {"memory": "256Mi", "cpu": "100m"}},
            {
                "requests": {"cpu": "100m", "memory": "256Mi"},
                "limits": {"memory": "256Mi", "cpu": "100m"},
            },
        ),
        (
            {"requests": {"memory": "3Gi"}},
            {"requests": {"memory": "3Gi"}, "limits": {"memory": "3Gi"}},
        ),
    ],
)
def test_default_resources_give_way_to_what_the_spec_says(
    given: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert pod(service(resources=given))["containers"][0]["resources"] == expected

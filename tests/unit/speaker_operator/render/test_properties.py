"""What holds of the children of every service."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings

from speaker_operator.api.admission import RefusedError
from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.kube.resources import CHILDREN, SHARED
from speaker_operator.render.caches import model_cache
from speaker_operator.render.children import render
from tests.unit.speaker_operator.factories import SETTINGS, service, service_manifest, voice
from tests.unit.speaker_operator.render.rendering import everything, services

PROPERTY = hypothesis_settings(max_examples=50, deadline=None)


def restricted_violations(spec: dict[str, Any]) -> Iterator[str]:
    """What the restricted pod security standard would object to."""
    if spec["securityContext"].get("runAsNonRoot") is not True:
        yield "runAsNonRoot"
    if spec["securityContext"].get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "seccompProfile"
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(field):
            yield field
    allowed = {"configMap", "emptyDir", "persistentVolumeClaim"}
    for volume in spec["volumes"]:
        if not (volume.keys() - {"name"}) <= allowed:
            yield f"volume {volume['name']}"
    for container in (*spec["containers"], *spec.get("initContainers", ())):
        context = container["securityContext"]
        if context["allowPrivilegeEscalation"] or context["capabilities"] != {"drop": ["ALL"]}:
            yield f"container {container['name']}"
        if not context["readOnlyRootFilesystem"]:
            yield f"root file system of {container['name']}"


@PROPERTY
@given(services())
def test_every_pod_meets_the_restricted_standard(of: TTSService) -> None:
    pods = [
        manifest["spec"]["template"]["spec"]
        for manifest in everything(of)
        if "template" in manifest["spec" if "spec" in manifest else "metadata"]
    ]
    assert len(pods) == 1 + (model_cache([of], SETTINGS.images) is not None)
    assert [found for each in pods for found in restricted_violations(each)] == []


@PROPERTY
@given(services())
def test_rendering_is_deterministic(of: TTSService) -> None:
    first = render(of, [voice("a"), voice("b")], SETTINGS)
    assert first == render(of, [voice("b"), voice("a")], SETTINGS)


@PROPERTY
@given(services())
def test_children_are_of_known_kinds_with_valid_names(of: TTSService) -> None:
    known = {resource.kind for resource in (*CHILDREN, *SHARED)}
    for manifest in everything(of):
        assert manifest["kind"] in known
        assert len(manifest["metadata"]["name"]) <= 63


def test_the_strategy_makes_what_admission_lets_pass() -> None:
    with pytest.raises(RefusedError):
        service(**service_manifest(replicas=1, autoscaling={"maxReplicas": 1})["spec"])

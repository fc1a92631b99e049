"""The chart deploys a gateway on demand, once the cluster knows what that is."""

from pathlib import Path

import yaml

from speaker_operator.api.admission import admit
from speaker_operator.api.v1alpha1 import TTSService
from tests.chart.conftest import Helm, Manifest, of_kind, rendered

KNOWN = ("--api-versions", "speaker-tts.dev/v1alpha1")


def gateways(helm: Helm, *args: str) -> list[Manifest]:
    services = of_kind(rendered(helm, *KNOWN, *args), "TTSService")
    return [each for each in services if each["spec"]["backend"] == "gateway"]


def test_there_is_none_unless_asked_for(helm: Helm) -> None:
    assert gateways(helm) == []


def test_it_is_a_service_that_admission_accepts(helm: Helm, tmp_path: Path) -> None:
    selector = {"matchLabels": {"speech": "public"}}
    spec = {"replicas": 2, "gateway": {"services": {"selector": selector}}}
    values = tmp_path / "values.yaml"
    gateway = {"enabled": True, "namespace": "speech", "spec": spec}
    values.write_text(yaml.safe_dump({"gateway": gateway}))
    (manifest,) = gateways(helm, "--values", str(values))
    admitted = admit(manifest)
    assert isinstance(admitted, TTSService)
    assert (admitted.metadata.name, admitted.metadata.namespace) == ("speech", "speech")
    assert admitted.gateway is not None
    assert admitted.gateway.services.selector is not None
    assert admitted.least_replicas == 2


def test_a_cluster_that_does_not_know_services_yet_is_told_what_to_do(helm: Helm) -> None:
    ended = helm("--set", "gateway.enabled=true")
    assert ended.returncode != 0
    assert "Install the chart without it first" in ended.stderr

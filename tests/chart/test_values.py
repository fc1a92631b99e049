"""The chart's values: all of them are described, and wrong ones are refused in words that help."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from speaker_operator import settings
from tests.chart.conftest import Helm, Manifest, of_kind, rendered

CHART = Path("charts/speaker-tts")
FREE = {
    "affinity",
    "nodeSelector",
    "podAnnotations",
    "podLabels",
    "modelFetch.env",
    "tracing.env",
    "serviceAccount.annotations",
    "monitoring.serviceMonitor.labels",
    "monitoring.podMonitor.labels",
    "monitoring.rules.labels",
    "monitoring.dashboards.labels",
    "monitoring.dashboards.annotations",
    "resources.requests",
    "resources.limits",
}
"""Values whose keys are the user's own."""

WRONG: dict[str, Any] = {
    "replicaCount": 2,
    "crds": {"enabled": True},
    "image": {"pullPolicy": "Sometimes"},
    "imagePullSecrets": ["registry"],
    "log": {"level": "loud"},
    "monitoring": {
        "serviceMonitor": {"enabled": "yes"},
        "podMonitor": {"interval": "often"},
        "rules": {"runbookUrl": "https://docs.test/help#top"},
        "dashboard": {},
    },
    "tracing": {"endpoint": "collector:4318", "env": {"TRACES_SAMPLER": "always_on"}},
    "resources": {"requests": {"cpu": "much"}},
    "watchNamespaces": ["Not_A_Namespace"],
    "global": {"imageRegistry": "https://registry.test"},
}
COMPLAINTS = (
    "additional properties 'replicaCount' not allowed",
    "at '/crds': additional properties 'enabled' not allowed",
    "at '/image/pullPolicy': value must be one of 'Always', 'IfNotPresent', 'Never'",
    "at '/imagePullSecrets/0': got string, want object",
    "at '/log/level': value must be one of 'debug', 'info', 'warning', 'error'",
    "at '/monitoring/serviceMonitor/enabled': got string, want boolean",
    "at '/monitoring/podMonitor/interval': 'often' does not match pattern",
    "at '/monitoring/rules/runbookUrl': 'https://docs.test/help#top' does not match pattern",
    "at '/monitoring': additional properties 'dashboard' not allowed",
    "at '/tracing/endpoint': 'collector:4318' does not match pattern '^(https?://",
    "'TRACES_SAMPLER' does not match pattern '^OTEL_",
    "at '/resources/requests/cpu': 'much' does not match pattern",
    "at '/watchNamespaces/0': 'Not_A_Namespace' does not match pattern",
    "at '/global/imageRegistry': 'https://registry.test' does not match pattern",
)


def leaves(values: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for name, value in values.items():
        where = f"{path}.{name}" if path else name
        if isinstance(value, dict) and value and where not in FREE:
            yield from leaves(value, where)
        else:
            yield where


def described(schema: Mapping[str, Any], root: Mapping[str, Any], path: str = "") -> Iterator[str]:
    if "$ref" in schema:
        schema = root["definitions"][schema["$ref"].rpartition("/")[2]]
    if "properties" not in schema:
        yield path
    for name, each in schema.get("properties", {}).items():
        yield from described(each, root, f"{path}.{name}" if path else name)


@pytest.fixture
def schema(repository: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((repository / CHART / "values.schema.json").read_text())
    return document


def test_the_schema_knows_every_value_and_no_other(
    repository: Path, schema: dict[str, Any]
) -> None:
    values = yaml.safe_load((repository / CHART / "values.yaml").read_text("utf-8"))
    unset = {"resources.claims"}
    assert set(described(schema, schema)) - unset == set(leaves(values)) | {"resources.limits"}


def test_no_object_takes_keys_that_do_nothing(schema: dict[str, Any]) -> None:
    def loose(node: Any, path: str) -> Iterator[str]:
        if isinstance(node, dict):
            if "properties" in node and node.get("additionalProperties") is not False:
                yield path
            for name, each in node.items():
                yield from loose(each, f"{path}/{name}")

    # Helm hands `global` to all charts of a release: others may have values of their own in it.
    assert set(loose(schema, "")) <= {"/properties/global"}


def test_wrong_values_are_refused_in_words_that_help(helm: Helm, tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(yaml.safe_dump(WRONG))
    ended = helm("--values", str(values))
    assert ended.returncode != 0
    missing = [complaint for complaint in COMPLAINTS if complaint not in ended.stderr]
    assert not missing, ended.stderr


MIRRORED = ("--set", "global.imageRegistry=mirror.test/speech/")
WITH_SECRETS = (
    "--set",
    "global.imagePullSecrets[0].name=mirror,runtime.imagePullSecrets[0].name=own",
)
TRACED = ("--set", "tracing.endpoint=http://collector.test:4318")


def operator(manifests: list[Manifest]) -> Manifest:
    (deployment,) = of_kind(manifests, "Deployment")
    pod: Manifest = deployment["spec"]["template"]["spec"]
    return pod


def test_a_mirror_stands_before_every_image(helm: Helm, monkeypatch: pytest.MonkeyPatch) -> None:
    manifests = rendered(helm, *MIRRORED, *WITH_SECRETS, *TRACED)
    images = {
        container["image"]
        for manifest in manifests
        for container in (
            *manifest.get("spec", {}).get("containers", ()),
            *manifest.get("spec", {}).get("template", {}).get("spec", {}).get("containers", ()),
        )
    }
    assert images == {
        "mirror.test/speech/speaker-tts-operator:0.1.0",
        "mirror.test/speech/speaker-tts-runtime:cpu-0.1.0",
    }
    pod = operator(manifests)
    assert pod["imagePullSecrets"] == [{"name": "mirror"}]
    environment = {each["name"]: each["value"] for each in pod["containers"][0]["env"]}
    assert environment["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector.test:4318"
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    loaded = settings.load()
    assert loaded.runtime_image == "mirror.test/speech/speaker-tts-runtime:{engine}-0.1.0"
    assert loaded.runtime_pull_secrets == ("mirror", "own")


@pytest.mark.parametrize(
    ("watched", "namespace"), [((), "system"), (("--set", "watchNamespaces={one,two}"), "one")]
)
def test_the_test_speaks_where_the_operator_looks_and_is_allowed_nothing(
    helm: Helm, watched: tuple[str, ...], namespace: str
) -> None:
    manifests = rendered(helm, *watched)
    (service,) = of_kind(manifests, "TTSService")
    (pod,) = of_kind(manifests, "Pod")
    for each in (service, pod):
        assert each["metadata"]["namespace"] == namespace
        assert each["metadata"]["annotations"]["helm.sh/hook"] == "test"
    assert pod["spec"]["automountServiceAccountToken"] is False
    (container,) = pod["spec"]["containers"]
    assert f"--url=http://{service['metadata']['name']}.{namespace}.svc" in container["args"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}

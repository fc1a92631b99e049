"""What Artifact Hub shows of the chart is true."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from speaker_operator.api import crd
from speaker_operator.api.admission import admit
from tests.chart.conftest import Helm, of_kind, rendered

CHART = Path("charts/speaker-tts/Chart.yaml")
HUB = "artifacthub.io"


@pytest.fixture
def chart(repository: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((repository / CHART).read_text("utf-8"))
    return document


def told(chart: dict[str, Any], name: str) -> Any:
    return yaml.safe_load(chart["annotations"][f"{HUB}/{name}"])


def test_every_kind_is_told_by_the_name_of_its_crd(chart: dict[str, Any]) -> None:
    names = {each["name"]: (each["kind"], each["version"]) for each in told(chart, "crds")}
    assert names == {
        document["metadata"]["name"]: (
            document["spec"]["names"]["kind"],
            document["spec"]["versions"][0]["name"],
        )
        for document in (crd.custom_resource_definition(kind) for kind in crd.KINDS)
    }


def test_there_is_an_example_of_every_kind_and_it_is_admitted(chart: dict[str, Any]) -> None:
    examples = told(chart, "crdsExamples")
    assert [each["kind"] for each in examples] == [kind.definition.kind for kind in crd.KINDS]
    for each in examples:
        admit(each)


def test_the_images_are_those_that_the_chart_runs(chart: dict[str, Any], helm: Helm) -> None:
    manifests = rendered(helm)
    pods = [
        *(each["spec"] for each in of_kind(manifests, "Pod")),
        *(each["spec"]["template"]["spec"] for each in of_kind(manifests, "Deployment")),
    ]
    run = {container["image"] for pod in pods for container in pod["containers"]}
    assert {each["image"] for each in told(chart, "images")} == run

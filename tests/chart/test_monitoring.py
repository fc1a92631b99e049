"""Alerts and dashboards speak of metrics that there are, and lead to pages that there are."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from speaker_operator.explained import Standing
from speaker_operator.metrics import OperatorMetrics
from speaker_runtime.errors import CATALOGUE
from speaker_runtime.services.metrics import RuntimeMetrics
from tests.chart.conftest import Helm, of_kind, rendered

FILES = Path("charts/speaker-tts/files")
SCENARIOS = Path("tests/chart/alerts.test.yaml")
PROMTOOL_TIMEOUT = 60
SUFFIXES = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_count", "_sum"),
}
METRIC = re.compile(r"\b(?:tts|speaker_operator)_[a-z_]+\b")
LABELS = {"tts_service"}


def families(registry: CollectorRegistry) -> Iterable[str]:
    for family in registry.collect():
        yield from (f"{family.name}{suffix}" for suffix in SUFFIXES[family.type])


KNOWN = {*families(RuntimeMetrics().registry), *families(OperatorMetrics().registry)}


def rules(repository: Path) -> list[dict[str, Any]]:
    document = yaml.safe_load((repository / FILES / "alerts.yaml").read_text("utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def dashboards(repository: Path) -> dict[str, dict[str, Any]]:
    folder = repository / FILES / "dashboards"
    return {path.name: json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")}


def queries(dashboard: dict[str, Any]) -> list[str]:
    panels = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    variables = [
        variable["query"]["query"]
        for variable in dashboard["templating"]["list"]
        if variable["type"] == "query"
    ]
    return [*panels, *variables]


def unknown(query: str) -> set[str]:
    return set(METRIC.findall(query)) - KNOWN - LABELS


def test_every_alert_speaks_of_metrics_that_there_are(repository: Path) -> None:
    for rule in rules(repository):
        assert METRIC.search(rule["expr"]), rule["alert"]
        assert not unknown(rule["expr"]), rule["alert"]


def test_every_panel_speaks_of_metrics_that_there_are(repository: Path) -> None:
    found = dashboards(repository)
    assert found.keys() == {"services.json", "operator.json"}
    for name, dashboard in found.items():
        for query in queries(dashboard):
            assert METRIC.search(query), name
            assert not unknown(query), name


def test_a_metric_that_there_is_not_would_be_found() -> None:
    assert unknown("rate(tts_requests_total[5m]) / tts_audio_seconds_total") == {
        "tts_requests_total"
    }


def test_alerts_speak_of_standings_and_errors_that_there_are(repository: Path) -> None:
    text = "\n".join(rule["expr"] for rule in rules(repository))
    standings = set(re.findall(r'standing="(\w+)"', text))
    assert standings
    assert standings <= {each.value for each in Standing}
    codes = {code for match in re.findall(r'code=~"([\w|]+)"', text) for code in match.split("|")}
    assert codes == {code.value for code, kind in CATALOGUE.items() if kind.status == 500}


def test_every_runbook_is_there(repository: Path) -> None:
    for rule in rules(repository):
        page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert anchor == rule["alert"].lower()
        assert f'<a id="{anchor}"></a>`{rule["alert"]}`' in (repository / page).read_text("utf-8")


@pytest.fixture
def checked(repository: Path, tmp_path: Path) -> Path:
    """A folder with the alerts and their scenarios, for promtool."""
    if shutil.which("promtool") is None:
        pytest.skip("promtool is missing: apt-get install prometheus")
    shutil.copy(repository / FILES / "alerts.yaml", tmp_path)
    shutil.copy(repository / SCENARIOS, tmp_path)
    return tmp_path


def promtool(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["promtool", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PROMTOOL_TIMEOUT,
        check=False,
    )


def test_prometheus_accepts_the_alerts(checked: Path) -> None:
    ended = promtool(checked, "check", "rules", "alerts.yaml")
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_alerts_are_raised_when_they_should_be_and_not_else(checked: Path) -> None:
    ended = promtool(checked, "test", "rules", SCENARIOS.name)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_every_alert_is_raised_in_a_scenario(repository: Path) -> None:
    scenarios = yaml.safe_load((repository / SCENARIOS).read_text("utf-8"))
    raised = {
        case["alertname"]
        for test in scenarios["tests"]
        for case in test["alert_rule_test"]
        if case["exp_alerts"]
    }
    assert raised == {rule["alert"] for rule in rules(repository)}


PARTS = ("serviceMonitor", "podMonitor", "rules", "dashboards")
EVERYTHING = ("--set", ",".join(f"monitoring.{part}.enabled=true" for part in PARTS))


def test_nothing_of_others_kinds_is_made_unless_asked_for(helm: Helm) -> None:
    kinds = {(each["apiVersion"], each["kind"]) for each in rendered(helm)}
    assert not any(version.startswith("monitoring.coreos.com") for version, _ in kinds)


def test_the_monitors_choose_the_operator_and_the_pods_of_services(helm: Helm) -> None:
    manifests = rendered(helm, *EVERYTHING, "--set", "watchNamespaces={one,two}")
    (service,) = (
        each
        for each in of_kind(manifests, "Service")
        if each["metadata"]["name"].endswith("-metrics")
    )
    (of_operator,) = of_kind(manifests, "ServiceMonitor")
    chosen = of_operator["spec"]["selector"]["matchLabels"]
    assert chosen.items() <= service["metadata"]["labels"].items()
    (of_pods,) = of_kind(manifests, "PodMonitor")
    assert of_pods["spec"]["namespaceSelector"] == {"matchNames": ["one", "two"]}
    (everywhere,) = of_kind(rendered(helm, *EVERYTHING), "PodMonitor")
    assert everywhere["spec"]["namespaceSelector"] == {"any": True}


def test_the_chart_carries_alerts_and_dashboards_as_they_are(helm: Helm, repository: Path) -> None:
    manifests = rendered(
        helm, *EVERYTHING, "--set", "monitoring.rules.runbookUrl=https://docs.test/help"
    )
    (rule,) = of_kind(manifests, "PrometheusRule")
    text = (repository / FILES / "alerts.yaml").read_text("utf-8")
    expected = yaml.safe_load(text.replace("docs/troubleshooting.md", "https://docs.test/help"))
    assert rule["spec"] == expected
    carried = {
        name: json.loads(value)
        for each in of_kind(manifests, "ConfigMap")
        for name, value in each["data"].items()
    }
    assert carried == {
        f"speaker-tts-{name}": dashboard for name, dashboard in dashboards(repository).items()
    }

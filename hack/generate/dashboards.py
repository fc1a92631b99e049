"""The chart's Grafana dashboards, from a short description of their panels."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path("charts/speaker-tts/files/dashboards")
SOURCE: Final = {"type": "prometheus", "uid": "${source}"}
WIDTH: Final = 12
HEIGHT: Final = 8
SCHEMA_VERSION: Final = 39
CHOSEN: Final = 'namespace=~"$namespace",tts_service=~"$service"'


@dataclass(frozen=True)
class Panel:
    """One graph: queries with their legends, in one unit of Grafana's."""

    title: str
    description: str
    unit: str
    queries: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Variable:
    """A choice at the top of the dashboard."""

    name: str
    title: str
    query: str


def _rate(metric: str, by: str) -> str:
    return f"sum by ({by}) (rate({metric}[$__rate_interval]))"


def _chosen(metric: str, by: str) -> str:
    return _rate(f"{metric}{{{CHOSEN}}}", by)


def _quantiles(buckets: str, legend: str) -> list[tuple[str, str]]:
    return [
        (f"histogram_quantile({share}, {buckets})", f"{legend} {name}")
        for share, name in (("0.5", "p50"), ("0.95", "p95"))
    ]


def _times(metric: str) -> list[tuple[str, str]]:
    return _quantiles(_chosen(f"{metric}_bucket", "tts_service, le"), "{{tts_service}}")


_HITS: Final = _chosen("tts_cache_hits_total", "tts_service")
_MISSES: Final = _chosen("tts_cache_misses_total", "tts_service")
_HIT_RATE: Final = f"{_HITS} / ({_HITS} + {_MISSES})"
_FAULTY: Final = f"tts_faulty_utterances_total{{{CHOSEN}}}"
_FAULTS: Final = f"sum by (tts_service, fault, outcome) (increase({_FAULTY}[1h]))"

SERVICES: Final = (
    Panel(
        "Requests",
        "Requests that were answered in full, and those that failed, by the error's code.",
        "reqps",
        [
            (_chosen("tts_request_duration_seconds_count", "tts_service"), "{{tts_service}}"),
            (_chosen("tts_errors_total", "tts_service, code"), "{{tts_service}} {{code}}"),
        ],
    ),
    Panel(
        "Time to first audio",
        "From the request to the first audio of its answer.",
        "s",
        _times("tts_time_to_first_audio_seconds"),
    ),
    Panel(
        "Waiting speech",
        "Estimated seconds of speech that wait, in the busiest pod.",
        "s",
        [
            (
                f"max by (tts_service) (tts_queued_audio_seconds{{{CHOSEN}}})",
                "{{tts_service}}",
            )
        ],
    ),
    Panel(
        "Wait for a turn",
        "From the request to its first turn in the engine.",
        "s",
        _times("tts_queue_wait_seconds"),
    ),
    Panel(
        "Real-time factor",
        "Seconds of work per second of speech; above 1, listeners run dry.",
        "none",
        _times("tts_real_time_factor"),
    ),
    Panel(
        "Requests at once",
        "Being spoken and waiting, of all pods.",
        "none",
        [
            (
                f"sum by (tts_service) (tts_requests_running{{{CHOSEN}}})",
                "{{tts_service}} running",
            ),
            (
                f"sum by (tts_service) (tts_requests_waiting{{{CHOSEN}}})",
                "{{tts_service}} waiting",
            ),
        ],
    ),
    Panel(
        "Speech",
        "Seconds of speech sent per second, and the model's work that nobody took.",
        "none",
        [
            (_chosen("tts_audio_seconds_total", "tts_service"), "{{tts_service}} speech"),
            (_chosen("tts_wasted_compute_seconds_total", "tts_service"), "{{tts_service}} wasted"),
        ],
    ),
    Panel(
        "Cache",
        "Share of look-ups that found audio.",
        "percentunit",
        [
            (
                _HIT_RATE,
                "{{tts_service}}",
            )
        ],
    ),
    Panel(
        "Copies of the model",
        "Where they speak; fallback is true for those that lack their GPU.",
        "none",
        [
            (
                f"sum by (tts_service, device, fallback) (tts_model_copies{{{CHOSEN}}})",
                "{{tts_service}} {{device}} fallback={{fallback}}",
            )
        ],
    ),
    Panel(
        "Faulty speech",
        "Utterances that cannot be the speech of their text, by what became of them.",
        "none",
        [
            (
                _FAULTS,
                "{{tts_service}} {{fault}} {{outcome}}",
            )
        ],
    ),
)
OPERATOR: Final = (
    Panel(
        "Services by standing",
        "How many services are as declared, on their way, at rest, or wrong.",
        "none",
        [("sum by (standing) (speaker_operator_service_state)", "{{standing}}")],
    ),
    Panel(
        "What is wrong",
        "Services that somebody has to look after, by reason.",
        "none",
        [
            (
                'speaker_operator_service_state{standing="wrong"}',
                "{{service_namespace}}/{{service_name}} {{reason}}",
            )
        ],
    ),
    Panel(
        "Reconciliations",
        "By kind and result.",
        "ops",
        [
            (
                _rate("speaker_operator_reconciles_total", "kind, result"),
                "{{kind}} {{result}}",
            )
        ],
    ),
    Panel(
        "Duration of a reconciliation",
        "Half of them, and 19 of 20, end within.",
        "s",
        _quantiles(
            _rate("speaker_operator_reconcile_duration_seconds_bucket", "kind, le"), "{{kind}}"
        ),
    ),
    Panel(
        "Queues",
        "What waits for its reconciliation, or for another try.",
        "none",
        [("sum by (queue, state) (speaker_operator_queue_depth)", "{{queue}} {{state}}")],
    ),
    Panel(
        "Errors",
        "Failed reconciliations, by reason.",
        "ops",
        [
            (
                _rate("speaker_operator_reconcile_errors_total", "kind, reason"),
                "{{kind}} {{reason}}",
            )
        ],
    ),
    Panel(
        "Writes",
        "To children and statuses: none while nothing changes.",
        "ops",
        [
            (
                _rate("speaker_operator_child_writes_total", "kind, verb"),
                "{{kind}} {{verb}}",
            ),
            (
                _rate("speaker_operator_status_writes_total", "kind"),
                "{{kind}} status",
            ),
        ],
    ),
    Panel(
        "Requests to the API server",
        "By verb and answer.",
        "reqps",
        [
            (
                _rate("speaker_operator_api_requests_total", "verb, code"),
                "{{verb}} {{code}}",
            )
        ],
    ),
)


def files(_root: Path) -> dict[Path, str]:
    """Give both dashboards."""
    chosen = 'label_values(tts_requests_running{namespace=~"$namespace"}, tts_service)'
    return {
        FOLDER / "services.json": _dashboard(
            "speaker-tts-services",
            "Speaker TTS: services",
            SERVICES,
            (
                Variable("namespace", "Namespace", "label_values(tts_requests_running, namespace)"),
                Variable("service", "Service", chosen),
            ),
        ),
        FOLDER / "operator.json": _dashboard(
            "speaker-tts-operator", "Speaker TTS: operator", OPERATOR, ()
        ),
    }


def _dashboard(uid: str, title: str, panels: Sequence[Panel], variables: Sequence[Variable]) -> str:
    source = {"name": "source", "label": "Data source", "type": "datasource", "query": "prometheus"}
    document = {
        "uid": uid,
        "title": title,
        "description": "Written by `make generate` from hack/generate/dashboards.py.",
        "tags": ["speaker-tts"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [source, *map(_variable, variables)]},
        "panels": [_panel(number, panel) for number, panel in enumerate(panels)],
    }
    return json.dumps(document, indent=1) + "\n"


def _variable(variable: Variable) -> dict[str, Any]:
    return {
        "name": variable.name,
        "label": variable.title,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": variable.query, "refId": variable.name},
        "refresh": 2,
        "includeAll": True,
        "multi": True,
        "current": {"text": "All", "value": "$__all"},
    }


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.description,
        "datasource": SOURCE,
        "gridPos": {
            "x": number % 2 * WIDTH,
            "y": number // 2 * HEIGHT,
            "w": WIDTH,
            "h": HEIGHT,
        },
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + index), "expr": query, "legendFormat": legend}
            for index, (query, legend) in enumerate(panel.queries)
        ],
    }

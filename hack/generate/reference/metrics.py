"""docs/reference/metrics.md, from the metrics as the processes register them."""

from typing import Final

from prometheus_client import CollectorRegistry

from generate.reference.markdown import table
from speaker_operator.metrics import OperatorMetrics
from speaker_runtime.services.gateway.metrics import GatewayMetrics
from speaker_runtime.services.metrics import RuntimeMetrics

INTRODUCTION: Final = """# Metrics

Prometheus reads them at `/metrics`, of every runtime and gateway pod, and of the operator.
Written by `make generate` from the metrics as the code registers them.
"""
SUFFIX: Final = {"counter": "_total"}


def page() -> str:
    """Describe every metric of the runtime, the gateway and the operator."""
    return "\n".join(
        [
            INTRODUCTION,
            "## Runtime\n",
            _table(RuntimeMetrics().registry),
            "## Gateway\n",
            _table(GatewayMetrics().registry),
            "## Operator\n",
            _table(OperatorMetrics().registry),
        ]
    )


def _table(registry: CollectorRegistry) -> str:
    families = sorted(registry.collect(), key=lambda family: family.name)
    rows = [
        (f"`{f.name}{SUFFIX.get(f.type, '')}`", f.type, f.documentation)
        for f in families
        if not f.name.startswith(("python_", "process_"))
    ]
    return table(("metric", "type", "meaning"), rows)

"""The ScaledObject of a service that KEDA scales."""

from typing import Any, Final

from speaker_operator.api.quantity import parse_duration
from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.api.v1alpha1.keda import KedaSpec, KedaTrigger
from speaker_operator.api.v1alpha1.workload import AutoscalingSpec
from speaker_operator.render import metadata, names
from speaker_operator.render.autoscaler import QUEUE_METRIC, QUEUED_SECONDS

_ANYTHING: Final = "0"
"""Above so much, a service without pods is woken."""


def scaled_object(service: TTSService, autoscaling: AutoscalingSpec) -> metadata.Manifest:
    """Render the ScaledObject."""
    name = names.deployment(service.metadata.name)
    keda = autoscaling.keda or KedaSpec()
    delay = parse_duration(autoscaling.scale_down_delay)
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": metadata.owned(service, name),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicaCount": autoscaling.min_replicas,
            "maxReplicaCount": autoscaling.max_replicas,
            "pollingInterval": parse_duration(keda.polling_interval),
            "cooldownPeriod": delay,  # until the last pod goes
            "advanced": {
                "horizontalPodAutoscalerConfig": {
                    "behavior": {"scaleDown": {"stabilizationWindowSeconds": delay}}
                }
            },
            "triggers": _triggers(service, autoscaling, keda),
        },
    }


def _triggers(
    service: TTSService, autoscaling: AutoscalingSpec, keda: KedaSpec
) -> list[dict[str, Any]]:
    """What the load is measured by: the trigger that asks for most pods wins."""
    triggers: list[dict[str, Any]] = []
    if keda.server_address is not None:
        seconds = autoscaling.target_queued_seconds or QUEUED_SECONDS
        queries = {"queued": keda.query or queued(service), "waiting": keda.waiting_query}
        triggers += [
            _prometheus(name, keda.server_address, query, seconds, keda.trigger_authentication)
            for name, query in queries.items()
            if query is not None
        ]
    if autoscaling.target_cpu_utilization is not None:
        value = {"value": str(autoscaling.target_cpu_utilization)}
        triggers.append({"type": "cpu", "metricType": "Utilization", "metadata": value})
    triggers += [_as_written(trigger) for trigger in keda.triggers]
    return triggers


def queued(service: TTSService) -> str:
    """The speech that waits in the Deployment's pods; no dash, so none of NAME-other's match."""
    name = names.deployment(service.metadata.name)
    pods = f'namespace="{service.metadata.namespace}",pod=~"{name}-[a-z0-9]+-[a-z0-9]+"'
    return f"sum({QUEUE_METRIC}{{{pods}}})"


def _prometheus(
    name: str, address: str, query: str, seconds: int, authentication: str | None
) -> dict[str, Any]:
    """A trigger on a query that has no value while there are no pods; KEDA takes that for 0."""
    settings = {
        "serverAddress": address,
        "query": query,
        "threshold": str(seconds),
        "activationThreshold": _ANYTHING,
    }
    trigger = {"type": "prometheus", "name": name, "metadata": settings}
    return trigger | _authenticated(authentication)


def _as_written(trigger: KedaTrigger) -> dict[str, Any]:
    written = {"type": trigger.type, "metadata": dict(trigger.metadata)}
    return written | _authenticated(trigger.trigger_authentication)


def _authenticated(name: str | None) -> dict[str, Any]:
    return {} if name is None else {"authenticationRef": {"name": name}}

"""The HorizontalPodAutoscaler of a service that asks for one."""

from typing import Any, Final

from speaker_operator.api.quantity import parse_duration
from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.api.v1alpha1.workload import AutoscalingSpec
from speaker_operator.render import metadata, names

QUEUE_METRIC: Final = "tts_queued_audio_seconds"
"""Of the runtime: speech that waits in a pod, in seconds."""
QUEUED_SECONDS: Final = 10
"""Speech that may wait for each pod, unless the spec says otherwise."""
_CPU_PERCENT: Final = 70


def autoscaler(service: TTSService, autoscaling: AutoscalingSpec) -> metadata.Manifest:
    """Render the autoscaler."""
    name = names.deployment(service.metadata.name)
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata.owned(service, name),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": autoscaling.min_replicas,
            "maxReplicas": autoscaling.max_replicas,
            "metrics": _metrics(service, autoscaling),
            "behavior": {
                "scaleDown": {
                    "stabilizationWindowSeconds": parse_duration(autoscaling.scale_down_delay)
                }
            },
        },
    }


def _metrics(service: TTSService, autoscaling: AutoscalingSpec) -> list[dict[str, Any]]:
    """What the load is measured by: where there are several, the one that asks for most pods."""
    queued, cpu = autoscaling.target_queued_seconds, autoscaling.target_cpu_utilization
    if queued is None and cpu is None:
        # While a GPU speaks the CPUs are idle, however many requests wait.
        queued, cpu = (None, _CPU_PERCENT) if service.spec.gpu is None else (QUEUED_SECONDS, None)
    metrics: list[dict[str, Any]] = []
    if queued is not None:
        target: dict[str, Any] = {"type": "AverageValue", "averageValue": str(queued)}
        pods = {"metric": {"name": QUEUE_METRIC}, "target": target}
        metrics.append({"type": "Pods", "pods": pods})
    if cpu is not None:
        target = {"type": "Utilization", "averageUtilization": cpu}
        metrics.append({"type": "Resource", "resource": {"name": "cpu", "target": target}})
    return metrics

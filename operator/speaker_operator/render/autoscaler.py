"""The HorizontalPodAutoscaler of a service that asks for one."""

from speaker_operator.api.quantity import parse_duration
from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.api.v1alpha1.workload import AutoscalingSpec
from speaker_operator.render import metadata, names


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
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {
                        "name": "cpu",
                        "target": {
                            "type": "Utilization",
                            "averageUtilization": autoscaling.target_cpu_utilization,
                        },
                    },
                }
            ],
            "behavior": {
                "scaleDown": {
                    "stabilizationWindowSeconds": parse_duration(autoscaling.scale_down_delay)
                }
            },
        },
    }

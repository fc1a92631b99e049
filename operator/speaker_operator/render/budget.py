"""The PodDisruptionBudget of a service with several pods."""

from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.render import metadata, names
from speaker_operator.render.labels import selector_labels


def disruption_budget(service: TTSService) -> metadata.Manifest:
    """Render the budget: nodes are drained of some pods at a time, and always can be.

    A pod that does not serve anyway never keeps its node from being drained.
    """
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata.owned(service, names.deployment(service.metadata.name)),
        "spec": {
            "maxUnavailable": service.spec.disruption_budget.max_unavailable,
            "selector": {"matchLabels": selector_labels(service.metadata.name)},
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }

"""The labels and annotations by which the operator knows its own."""

from collections.abc import Mapping
from typing import Final

from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.api.v1alpha1.common import GROUP

MANAGED_BY: Final = "app.kubernetes.io/managed-by"
MANAGER: Final = "speaker-tts-operator"
SERVICE: Final = f"{GROUP}/service"
"""Label of every child: the name of its TTSService."""
CONFIG_HASH: Final = f"{GROUP}/config-hash"
"""Annotation of the pods: digest of what they were started with, but for the voices."""
TEMPLATE_HASH: Final = f"{GROUP}/template-hash"
"""Annotation of the pods: digest of the template that they were made from."""

OPERATOR_LABELS: Final[Mapping[str, str]] = {"app.kubernetes.io/name": "speaker-tts-operator"}
"""Labels of the operator's own pods, as the chart makes them."""
MANAGED_SELECTOR: Final = f"{MANAGED_BY}={MANAGER}"
"""Label selector of everything that the operator owns, in any namespace."""


def selector_labels(service_name: str) -> dict[str, str]:
    """The labels that choose the pods of one service."""
    return {SERVICE: service_name}


def child_labels(service: TTSService) -> dict[str, str]:
    """The labels of every child."""
    return {
        "app.kubernetes.io/name": "speaker-tts-runtime",
        "app.kubernetes.io/instance": service.metadata.name,
        "app.kubernetes.io/component": service.spec.backend,
        "app.kubernetes.io/part-of": "speaker-tts",
        MANAGED_BY: MANAGER,
        **selector_labels(service.metadata.name),
    }

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
CACHE: Final = f"{GROUP}/model-cache"
"""Label of everything that uses or fills a model cache: which one."""
RELEASED: Final = f"{GROUP}/model-released"
"""Annotation of a Deployment: the content of the cache that its pods were let loose on."""
CONTENT: Final = f"{GROUP}/model-content"
"""Annotation of a Job that fills a cache: what it fills it with; of a claim: what it holds."""
SOURCE: Final = f"{GROUP}/model-source"
"""Annotation of a claim and of a Job: address of the model."""
FILLED_AT: Final = f"{GROUP}/model-filled-at"
"""Annotation of a claim: when the model was there, and whole."""
REPORT: Final = f"{GROUP}/model-report"
"""Annotation of a claim: what the fetch that filled it had to tell."""
RETAIN: Final = f"{GROUP}/retain"
"""Annotation of a claim: true, false, or for how long it stays once nobody uses it."""
UNUSED_SINCE: Final = f"{GROUP}/unused-since"
"""Annotation of a claim that no service uses: since when."""
ATTEMPT: Final = f"{GROUP}/attempt"
"""Annotation of a Job: how often it was tried in a row, this one included."""
JOB_HASH: Final = f"{GROUP}/job-hash"
"""Annotation of a Job: digest of all that it was made from."""
CLAIM_UID: Final = f"{GROUP}/claim-uid"
"""Annotation of a Job: the very claim that it fills."""
RETRY: Final = f"{GROUP}/retry"
"""Annotation that people put on a TTSService: any new value has a failed fetch tried at once."""

OPERATOR_LABELS: Final[Mapping[str, str]] = {"app.kubernetes.io/name": "speaker-tts-operator"}
"""Labels of the operator's own pods, as the chart makes them."""
MANAGED_SELECTOR: Final = f"{MANAGED_BY}={MANAGER}"
"""Label selector of everything that the operator owns, in any namespace."""


def selector_labels(service_name: str) -> dict[str, str]:
    """The labels that choose the pods of one service."""
    return {SERVICE: service_name}


def cache_labels(key: str) -> dict[str, str]:
    """The labels of what fills a model cache, and of its claim."""
    return {
        "app.kubernetes.io/name": "speaker-tts-model-cache",
        "app.kubernetes.io/part-of": "speaker-tts",
        MANAGED_BY: MANAGER,
        CACHE: key,
    }


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

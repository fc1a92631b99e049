"""The volumes of cloned voices in a pod: claims with reference audio, and what becomes of it."""

import math
from fractions import Fraction
from typing import Any, Final

from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.render import names
from speaker_operator.render.references import can_clone
from speaker_runtime import contract

_SLACK: Final = Fraction(9, 8)
"""For files that are being written: a pod whose volume outgrows its limit is evicted."""


def volumes(service: TTSService) -> list[dict[str, Any]]:
    """The volumes, if the service may clone voices."""
    if not can_clone(service):
        return []
    size = math.ceil(contract.ReferencesConfig().max_bytes * _SLACK / 2**20)
    return [
        {"name": names.VOICE_STATES_VOLUME, "emptyDir": {"sizeLimit": f"{size}Mi"}},
        *(
            {
                "name": _volume(number),
                "persistentVolumeClaim": {"claimName": claim, "readOnly": True},
            }
            for number, claim in enumerate(service.spec.voices.claims)
        ),
    ]


def mounts(service: TTSService) -> list[dict[str, Any]]:
    """Their mounts in the container that speaks."""
    if not can_clone(service):
        return []
    return [
        {"name": names.VOICE_STATES_VOLUME, "mountPath": str(contract.VOICE_STATES_DIRECTORY)},
        *(
            {
                "name": _volume(number),
                "mountPath": str(contract.CLAIMS_DIRECTORY / claim),
                "readOnly": True,
            }
            for number, claim in enumerate(service.spec.voices.claims)
        ),
    ]


def _volume(number: int) -> str:
    return f"{names.VOICE_CLAIM_VOLUME}-{number}"

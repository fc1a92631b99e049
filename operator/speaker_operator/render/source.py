"""The volume that a model is copied from, where it lies on a PersistentVolumeClaim."""

import re
from typing import Any

from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.render import names
from speaker_operator.render.caches import place_of
from speaker_runtime import contract


def claim_name(service: TTSService) -> str | None:
    """Name of the claim that ``pvc://CLAIM/PATH`` names; None for any other source."""
    if not service.model_source.startswith(contract.CLAIM_SCHEME):
        return None
    location = service.model_source.removeprefix(contract.CLAIM_SCHEME)
    return re.split("[/@]", location, maxsplit=1)[0]


def volumes(service: TTSService) -> list[dict[str, Any]]:
    """The volume, if there is one."""
    claim = claim_name(service)
    if claim is None:
        return []
    volume: dict[str, Any] = {"claimName": claim}
    place = place_of(service)
    if place is None or claim != place.claim:  # which the same pod writes
        volume["readOnly"] = True
    return [{"name": names.SOURCE_VOLUME, "persistentVolumeClaim": volume}]


def mounts(service: TTSService) -> list[dict[str, Any]]:
    """The mount of the volume in the container that fetches, if there is one."""
    claim = claim_name(service)
    if claim is None:
        return []
    path = str(contract.CLAIMS_DIRECTORY / claim)
    return [{"name": names.SOURCE_VOLUME, "mountPath": path, "readOnly": True}]

"""The cache of spoken audio in a pod: its volume, and where its shared part is."""

import math
from fractions import Fraction
from typing import Any, Final

from speaker_operator.api.quantity import parse_quantity
from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.render import names
from speaker_runtime import contract

_MIB: Final = 2**20
_OVERHEAD: Final = Fraction(11, 10)
_SLACK_MIB: Final = 32
"""For folders and for files that are being written: a pod whose volume outgrows its limit is
evicted."""


def cache_bytes(service: TTSService) -> int:
    """Bytes that each pod may keep on disk; 0 where it keeps nothing."""
    if service.backend.runs != "model":
        return 0
    return int(parse_quantity(service.spec.serving.audio_cache.size))


def volumes(service: TTSService) -> list[dict[str, Any]]:
    """The volume, if there is anything to keep."""
    size = cache_bytes(service)
    if not size:
        return []
    limit = f"{math.ceil(Fraction(size, _MIB) * _OVERHEAD) + _SLACK_MIB}Mi"
    return [{"name": names.AUDIO_CACHE_VOLUME, "emptyDir": {"sizeLimit": limit}}]


def mounts(service: TTSService) -> list[dict[str, Any]]:
    """The mount of the volume, if there is one."""
    path = str(contract.CACHE_DIRECTORY)
    return [{"name": each["name"], "mountPath": path} for each in volumes(service)]


def environment(service: TTSService) -> list[dict[str, Any]]:
    """The variable with the address of the shared cache, if there is one."""
    redis = service.spec.serving.audio_cache.redis
    if redis is None:
        return []
    reference = redis.secret_key_ref.model_dump(by_alias=True)
    return [
        {"name": contract.SHARED_CACHE_VARIABLE, "valueFrom": {"secretKeyRef": reference}},
    ]

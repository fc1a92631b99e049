"""The PersistentVolumeClaim of a model cache."""

from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.api.v1alpha1.model import CacheSpec
from speaker_operator.render import metadata, names


def claim_name(service: TTSService) -> str | None:
    """Name of the claim that the pods mount, or None where the cache ends with the pod."""
    cache = service.spec.cache
    if cache is None:
        return None
    return cache.existing_claim or names.cache_claim(service.metadata.name)


def own_cache(service: TTSService) -> CacheSpec | None:
    """The cache that the operator keeps for the service, if it keeps one."""
    cache = service.spec.cache
    return None if cache is None or cache.existing_claim else cache


def cache_claim(service: TTSService, cache: CacheSpec) -> metadata.Manifest:
    """Render the claim; one that is retained has no owner, so it outlives the service."""
    describe = metadata.owned if cache.retain is False else metadata.unowned
    spec = {
        "accessModes": [cache.access_mode or "ReadWriteOnce"],
        "resources": {"requests": {"storage": str(cache.size or service.backend.cache_size)}},
    }
    if cache.storage_class_name is not None:
        spec["storageClassName"] = cache.storage_class_name
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": describe(service, names.cache_claim(service.metadata.name)),
        "spec": spec,
    }

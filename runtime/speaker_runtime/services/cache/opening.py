"""The cache that a configuration asks for."""

import logging
from importlib.metadata import version

from speaker_runtime.backends import registry
from speaker_runtime.contract import AudioCacheConfig, RuntimeConfig
from speaker_runtime.services.cache.audio import AudioCache
from speaker_runtime.services.cache.disk import DiskStore
from speaker_runtime.services.cache.metrics import CacheMetrics
from speaker_runtime.services.cache.store import Store, Tiers

logger = logging.getLogger(__name__)


def open_cache(
    config: RuntimeConfig, shared_url: str | None, metrics: CacheMetrics
) -> AudioCache | None:
    """Open the cache of a service, or None where it keeps nothing.

    A folder that cannot be used costs the cache, not the service.

    Args:
        config: What is served, and where to keep what is spoken.
        shared_url: Of a Redis or Valkey server to share it with.
        metrics: What to count in.

    Raises:
        InvalidAddressError: ``shared_url`` is none of a Redis server.
        UnknownBackendError: The configuration's backend is not installed.
    """
    near = _disk(config.serving.audio_cache, metrics)
    far = _shared(shared_url, metrics) if shared_url else None
    store = Tiers(near, far) if near and far else near or far
    if store is None:
        return None
    return AudioCache(store, metrics, backend=config.backend, release=_release(config.backend))


def _disk(config: AudioCacheConfig | None, metrics: CacheMetrics) -> Store | None:
    if config is None:
        return None
    try:
        return DiskStore(config.directory, config.max_bytes, metrics)
    except OSError as error:
        logger.warning("nothing is kept on disk: %s", error)
        return None


def _shared(url: str, metrics: CacheMetrics) -> Store:
    # Its library is loaded only where it is used.
    from speaker_runtime.services.cache.shared import SharedStore  # noqa: PLC0415

    return SharedStore(url, metrics)


def _release(backend: str) -> str:
    """Which program speaks: ours, and the package of the backend."""
    package = registry.find(backend).dist
    theirs = f"{package.name} {package.version}" if package else ""
    return f"speaker-tts {version('speaker-tts')}, {theirs}"

"""The cache that a configuration asks for."""

import hashlib
import itertools
import logging
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from speaker_runtime.backends import registry
from speaker_runtime.contract import AudioCacheConfig, RuntimeConfig
from speaker_runtime.services.cache.audio import AudioCache
from speaker_runtime.services.cache.disk import DiskStore
from speaker_runtime.services.cache.metrics import CacheMetrics
from speaker_runtime.services.cache.store import Store, Tiers

logger = logging.getLogger(__name__)

_OURS: Final = "speaker_runtime"


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
    """Digest of the code that speaks: another release may speak the same text in another way."""
    theirs = registry.find(backend).module.partition(".")[0]
    digest = hashlib.sha256()
    for file in itertools.chain.from_iterable(map(_sources, dict.fromkeys((_OURS, theirs)))):
        content = file.read_bytes()
        digest.update(f"{file.name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _sources(package: str) -> Sequence[Path]:
    """The files of a package, or the one of a module."""
    spec = find_spec(package)
    if spec is None:
        return ()
    folders = spec.submodule_search_locations
    if folders is None:
        return [Path(spec.origin)] if spec.origin else ()
    return sorted(file for folder in folders for file in Path(folder).rglob("*.py"))

"""Which services use which model cache, as they are declared."""

from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.api.v1alpha1.backends import BACKENDS
from speaker_operator.kube.resources import TTS_SERVICE, JsonObject, Key
from speaker_operator.reconcile.parsing import UnreadableError, read_service
from speaker_operator.reconcile.plan import is_ending
from speaker_operator.reconcile.store import Change
from speaker_operator.render.caches import Place, place_of

CACHE_KIND: Final = "ModelCache"
"""In place of a kind, for what is no object of its own: the cache of a namespace and a key."""


def cache_key(namespace: str, key: str) -> Key:
    """A cache, as the work queue knows it."""
    return Key(CACHE_KIND, namespace, key)


@dataclass(frozen=True)
class _Use:
    cache: Key
    service: TTSService | None
    """The service, if a Job fills its cache and it can be read."""


class CacheUsers:
    """Kept current by the services' changes; each is read once for each generation."""

    def __init__(self) -> None:
        self._of_cache: dict[Key, dict[str, TTSService | None]] = defaultdict(dict)
        """The users of each cache, by their names."""
        self._of_service: dict[tuple[str, str], Key] = {}

    def note(self, change: Change) -> set[Key]:
        """Take in a service's change; returns the caches that it concerns."""
        manifest = change.new or change.old
        if manifest is None or not _matters(change):
            return set()
        metadata = manifest["metadata"]
        name = (metadata["namespace"], metadata["name"])
        before, use = self._of_service.pop(name, None), _use(change.new)
        if before is not None:
            self._of_cache[before].pop(name[1], None)
        if use is not None:
            self._of_service[name] = use.cache
            self._of_cache[use.cache][name[1]] = use.service
        if before is not None and not self._of_cache[before]:
            del self._of_cache[before]
        after = None if use is None else use.cache
        return {key for key in (before, after) if key is not None}

    def caches(self) -> list[Key]:
        """All caches that any service uses."""
        return list(self._of_cache)

    def of(self, cache: Key) -> list[Key]:
        """The services that use a cache, by name."""
        names = sorted(self._of_cache.get(cache, ()))
        return [Key(TTS_SERVICE.kind, cache.namespace, name) for name in names]

    def services(self, cache: Key) -> list[TTSService]:
        """Those of them that can be read, where a Job fills the cache."""
        users = self._of_cache.get(cache, {}).values()
        return [service for service in users if service is not None]


def _matters(change: Change) -> bool:
    if change.old is None or change.new is None:
        return True
    old, new = change.old["metadata"], change.new["metadata"]
    fields = ("uid", "generation", "annotations", "deletionTimestamp")
    return any(old.get(field) != new.get(field) for field in fields)


def _use(manifest: JsonObject | None) -> _Use | None:
    if manifest is None or is_ending(manifest) or manifest["spec"].get("cache") is None:
        return None
    place = _place(manifest)
    if place is None:
        return None
    key, service = cache_key(manifest["metadata"]["namespace"], place.key), None
    if place.by_job:
        with suppress(UnreadableError):  # its own reconciliation reports it
            service = read_service({**manifest, "status": {}})
    return _Use(key, service)


def _place(manifest: Mapping[str, Any]) -> Place | None:
    """The cache of a service, even if there is much about it that cannot be read."""
    spec = {name: manifest["spec"].get(name) for name in ("backend", "model", "cache")}
    if spec["backend"] not in BACKENDS:
        return None
    known = {name: value for name, value in spec.items() if value is not None}
    try:
        service = TTSService.model_validate({"metadata": manifest["metadata"], "spec": known})
    except ValidationError:
        return None
    return place_of(service)

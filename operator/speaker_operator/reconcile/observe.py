"""From what happens in the cluster to what needs attention."""

from collections.abc import Callable, Iterable
from typing import Final

from speaker_operator.kube.resources import (
    DECLARED,
    POD,
    TTS_SERVICE,
    VOICE,
    JsonObject,
    Key,
    Resource,
)
from speaker_operator.reconcile.cacheusers import CacheUsers, cache_key
from speaker_operator.reconcile.queue import Queue
from speaker_operator.reconcile.store import (
    Change,
    Store,
    cache_label,
    is_gateway,
    service_key,
)
from speaker_operator.render.labels import MANAGED_SELECTOR

_DELETED: Final = "DELETED"
_LISTED: Final = None
_DECLARED_KINDS: Final = frozenset(resource.kind for resource in DECLARED)
_GATHER_SECONDS: Final = 0.2
"""People apply several objects at once: waiting for the others saves writes for each of them."""


def selector_of(resource: Resource) -> str:
    """Which objects are observed: all that people declare, else those that the operator made."""
    return "" if resource in DECLARED else MANAGED_SELECTOR


class Observer:
    """Keeps the store current, and puts into the queue whatever a change concerns."""

    def __init__(
        self, store: Store, users: CacheUsers, queue: Queue, on_relist: Callable[[], None]
    ) -> None:
        self._store = store
        self._users = users
        self._queue = queue
        self._on_relist = on_relist

    def event(self, event_type: str | None, manifest: JsonObject) -> None:
        """Take in a watch event; one without a type comes from listing instead of watching.

        Listing anew, after a watch broke, does not tell which objects went away meanwhile.
        """
        if event_type == _DELETED:
            self.gone(manifest)
            return
        self.present(manifest)
        if event_type is _LISTED:
            self._on_relist()

    def present(self, manifest: JsonObject) -> None:
        """Take in an object as it is now."""
        change = self._store.put(manifest)
        if change is not None:
            self._announce(manifest["kind"], change)

    def gone(self, manifest: JsonObject) -> None:
        """Take in that an object is no more."""
        change = self._store.remove(manifest)
        if change is not None:
            self._announce(manifest["kind"], change)

    def _announce(self, kind: str, change: Change) -> None:
        versions = [manifest for manifest in (change.old, change.new) if manifest is not None]
        if kind == TTS_SERVICE.kind:
            keys = _own_keys(versions) | self._neighbours(change, versions)
            keys |= self._users.note(change)
        elif kind == VOICE.kind:
            keys = _own_keys(versions)
            if _is_redeclared(change):  # also for those that selected it before
                keys = keys.union(*map(self._store.selecting, versions))
        elif kind == POD.kind and not _matters(change):
            keys = set()
        else:
            keys = {
                Key(TTS_SERVICE.kind, *service)
                for service in map(service_key, versions)
                if service is not None
            }
        if kind not in _DECLARED_KINDS and _concerns_cache(kind, change):
            keys |= {cache_key(*cache) for cache in map(cache_label, versions) if cache is not None}
        for key in sorted(keys):
            if kind in _DECLARED_KINDS:
                self._queue.add_after(key, _GATHER_SECONDS)
            else:
                self._queue.add(key)

    def _neighbours(self, change: Change, versions: Iterable[JsonObject]) -> set[Key]:
        """Whom a change of a service concerns beside itself.

        Gateways follow the services of their namespace, and tell whether these are available; the
        network policies of services let in the gateways in front of them.
        """
        namespace = next(iter(versions))["metadata"]["namespace"]
        redeclared = _is_redeclared(change)
        if redeclared and any(map(is_gateway, versions)):
            services = self._store.in_namespace(TTS_SERVICE.kind, namespace)
            return _own_keys(each for each in services if _lists_who_may_come(each))
        if redeclared or _availability(change.old) != _availability(change.new):
            return set(self._store.gateways(namespace))
        return set()


def _lists_who_may_come(service: JsonObject) -> bool:
    return service["spec"].get("networkPolicy", {}).get("allowFrom") is not None


def _availability(service: JsonObject | None) -> object:
    """What a service says of whether it serves."""
    conditions = () if service is None else service.get("status", {}).get("conditions", ())
    return next((each for each in conditions if each["type"] == "Available"), None)


def _concerns_cache(kind: str, change: Change) -> bool:
    """Whether a change of what carries a cache's label can change what becomes of the cache."""
    if change.old is None or change.new is None:
        return True
    if cache_label(change.old) != cache_label(change.new):
        return True
    if service_key(change.new) is not None:  # it only uses the cache
        return False
    return kind != POD.kind or _matters(change)


def _own_keys(versions: Iterable[JsonObject]) -> set[Key]:
    return {
        Key(version["kind"], version["metadata"]["namespace"], version["metadata"]["name"])
        for version in versions
    }


def _is_redeclared(change: Change) -> bool:
    """Whether people changed the object; its status is the operator's own word."""
    if change.old is None or change.new is None:
        return True
    old, new = change.old["metadata"], change.new["metadata"]
    fields = ("uid", "generation", "labels", "deletionTimestamp")
    return any(old.get(field) != new.get(field) for field in fields)


def _matters(change: Change) -> bool:
    """Whether a pod's change can show in a status; heartbeats and annotations do not."""
    if change.old is None or change.new is None:
        return True
    return (
        change.old.get("status") != change.new.get("status")
        or change.old["metadata"].get("labels") != change.new["metadata"].get("labels")
        or change.old["metadata"].get("deletionTimestamp")
        != change.new["metadata"].get("deletionTimestamp")
    )

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
"""People apply several voices at once, and a child that was written is talked of by its controller,
its pods and their scheduler: waiting for the others saves a write for each of them."""
REPORT_PATIENCE_SECONDS: Final = 30.0
"""While much is to be made, what there is to be told of what was made can wait for it so long."""


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

    def answered(self, manifest: JsonObject) -> None:
        """Take in the answer to a write of the operator's own: who wrote knows it already.

        Others may not, and people may have declared something else in the meantime.
        """
        change, kind = self._store.put(manifest), manifest["kind"]
        if change is None:
            return
        if kind in _DECLARED_KINDS and _is_redeclared(change):
            self._announce(kind, change)
            return
        self._add(self._caches(kind, change))
        if kind == TTS_SERVICE.kind:
            self._gather(self._neighbours(change))
        elif change.old is not None:  # a child that somebody had labelled as another service's
            self._add(_service_keys([change.old]) - _service_keys(_versions(change)[-1:]))

    def gone(self, manifest: JsonObject) -> None:
        """Take in that an object is no more."""
        change = self._store.remove(manifest)
        if change is not None:
            self._announce(manifest["kind"], change)

    def _announce(self, kind: str, change: Change) -> None:
        versions = _versions(change)
        self._add(self._caches(kind, change))
        if kind == TTS_SERVICE.kind:
            self._add(_own_keys(versions))
            self._gather(self._neighbours(change))
        elif kind == VOICE.kind:
            keys = _own_keys(versions)
            if _is_redeclared(change):  # also for those that selected it before
                keys = keys.union(*map(self._store.selecting, versions))
            self._gather(keys)
        elif kind == POD.kind:
            self._gather(
                _service_keys(versions) if _matters(change) else set(), REPORT_PATIENCE_SECONDS
            )
        elif _is_report(change):
            self._gather(_service_keys(versions), REPORT_PATIENCE_SECONDS)
        else:
            self._add(_service_keys(versions))

    def _add(self, keys: set[Key]) -> None:
        for key in sorted(keys):
            self._queue.add(key)

    def _gather(self, keys: set[Key], patience: float = 0.0) -> None:
        for key in sorted(keys):
            self._queue.add_after(key, _GATHER_SECONDS, patience=patience)

    def _caches(self, kind: str, change: Change) -> set[Key]:
        """The model caches that a change concerns."""
        if kind == TTS_SERVICE.kind:
            return self._users.note(change)
        if kind in _DECLARED_KINDS or not _concerns_cache(kind, change):
            return set()
        labels = map(cache_label, _versions(change))
        return {cache_key(*label) for label in labels if label is not None}

    def _neighbours(self, change: Change) -> set[Key]:
        """Whom a change of a service concerns beside itself.

        Gateways follow the services of their namespace, and tell whether these are available; the
        network policies of services let in the gateways in front of them.
        """
        versions = _versions(change)
        namespace = versions[0]["metadata"]["namespace"]
        redeclared = _is_redeclared(change)
        if redeclared and any(map(is_gateway, versions)):
            services = self._store.in_namespace(TTS_SERVICE.kind, namespace)
            return _own_keys(each for each in services if _lists_who_may_come(each))
        if redeclared or _availability(change.old) != _availability(change.new):
            return set(self._store.gateways(namespace))
        return set()


def _versions(change: Change) -> list[JsonObject]:
    return [manifest for manifest in (change.old, change.new) if manifest is not None]


def _service_keys(versions: Iterable[JsonObject]) -> set[Key]:
    """The services that the versions of a child say it belongs to."""
    services = map(service_key, versions)
    return {Key(TTS_SERVICE.kind, *service) for service in services if service is not None}


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


def _is_report(change: Change) -> bool:
    """Whether nothing but a child's status and annotations changed: its controller's word.

    An annotation of the operator's own that others write is theirs from then on, which shows in the
    record of field managers.
    """
    if change.old is None or change.new is None:
        return False
    return _without_report(change.old) == _without_report(change.new)


def _without_report(child: JsonObject) -> JsonObject:
    kept = {name: value for name, value in child.items() if name not in ("metadata", "status")}
    metadata = child["metadata"].items()
    passing = ("resourceVersion", "generation", "annotations")
    return {**kept, "metadata": {n: value for n, value in metadata if n not in passing}}


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

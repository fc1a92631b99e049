"""What the operator last heard of every object that it watches."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from speaker_operator.kube.client import FIELD_MANAGER
from speaker_operator.kube.resources import JsonObject, Key, key_of
from speaker_operator.metrics import OperatorMetrics
from speaker_operator.render.labels import SERVICE


@dataclass(frozen=True)
class Change:
    """An object before and after; None where it was absent."""

    old: JsonObject | None
    new: JsonObject | None


def version_of(manifest: Mapping[str, Any]) -> int:
    """The object's resource version; a later one is greater."""
    return int(manifest["metadata"]["resourceVersion"])


def service_key(manifest: Mapping[str, Any]) -> tuple[str, str] | None:
    """Namespace and name of the service that an object says it belongs to."""
    metadata = manifest["metadata"]
    name = metadata.get("labels", {}).get(SERVICE)
    return None if name is None else (metadata["namespace"], name)


class Store:
    """The newest version of every object, by key and by the service that it belongs to.

    Objects are handed out as they are kept: nobody may change them.
    """

    def __init__(self, metrics: OperatorMetrics) -> None:
        self._metrics = metrics
        self._objects: dict[tuple[str, str], dict[Key, JsonObject]] = defaultdict(dict)
        """By kind and namespace."""
        self._by_service: dict[tuple[str, str], dict[Key, JsonObject]] = defaultdict(dict)

    def put(self, manifest: JsonObject) -> Change | None:
        """Keep an object; None if it is no newer than what is known."""
        key = key_of(manifest)
        siblings = self._objects[key.kind, key.namespace]
        old = siblings.get(key)
        if old is not None and version_of(old) >= version_of(manifest):
            return None
        if old is not None:
            self._unindex(key, old)
        new = _without_ballast(manifest)
        siblings[key] = new
        service = service_key(new)
        if service is not None:
            self._by_service[service][key] = new
        if old is None:
            self._metrics.objects.labels(key.kind).inc()
        return Change(old, new)

    def remove(self, manifest: Mapping[str, Any]) -> Change | None:
        """Forget an object; None if it is unknown, or another of its name has taken its place."""
        key = key_of(manifest)
        old = self.get(key)
        if old is None or old["metadata"]["uid"] != manifest["metadata"]["uid"]:
            return None
        siblings = self._objects[key.kind, key.namespace]
        del siblings[key]
        if not siblings:
            del self._objects[key.kind, key.namespace]
        self._unindex(key, old)
        self._metrics.objects.labels(key.kind).dec()
        return Change(old, None)

    def get(self, key: Key) -> JsonObject | None:
        """The object, if it is known."""
        return self._objects.get((key.kind, key.namespace), {}).get(key)

    def in_namespace(self, kind: str, namespace: str) -> list[JsonObject]:
        """All objects of a kind in a namespace."""
        return list(self._objects.get((kind, namespace), {}).values())

    def everywhere(self, kind: str) -> list[JsonObject]:
        """All objects of a kind."""
        return [
            manifest
            for (each, _), siblings in self._objects.items()
            if each == kind
            for manifest in siblings.values()
        ]

    def belonging_to(self, namespace: str, service: str) -> Iterable[JsonObject]:
        """Everything that says it belongs to the service: its children, and their pods."""
        return list(self._by_service.get((namespace, service), {}).values())

    def _unindex(self, key: Key, manifest: JsonObject) -> None:
        service = service_key(manifest)
        if service is None:
            return
        members = self._by_service[service]
        members.pop(key, None)
        if not members:
            del self._by_service[service]


def _without_ballast(manifest: JsonObject) -> JsonObject:
    """Leave out what other field managers own: it is large, and never looked at."""
    metadata = manifest["metadata"]
    own = [
        entry for entry in metadata.get("managedFields", ()) if entry["manager"] == FIELD_MANAGER
    ]
    return {**manifest, "metadata": {**metadata, "managedFields": own}}

"""What the operator last heard of every object that it watches.

Objects are kept as JSON text: as Python's own objects, the children of a thousand services would
take ten times the memory, and what is read is a handful of them at a time.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, KeysView, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

import orjson

from speaker_operator.api.v1alpha1.common import LabelSelector
from speaker_operator.kube.client import FIELD_MANAGER
from speaker_operator.kube.resources import TTS_SERVICE, VOICE, JsonObject, Key, key_of
from speaker_operator.metrics import OperatorMetrics
from speaker_operator.reconcile.parsing import selector_in
from speaker_operator.reconcile.selection import Selection
from speaker_operator.render.labels import CACHE, SERVICE
from speaker_runtime.contract import GATEWAY


@dataclass(frozen=True)
class Change:
    """An object before and after; None where it was absent."""

    old: JsonObject | None
    new: JsonObject | None


def version_of(manifest: Mapping[str, Any]) -> int:
    """The object's resource version; a later one is greater."""
    return int(manifest["metadata"]["resourceVersion"])


def labels_of(manifest: Mapping[str, Any]) -> Mapping[str, str]:
    """The object's labels."""
    labels: Mapping[str, str] = manifest["metadata"].get("labels", {})
    return labels


def service_key(manifest: Mapping[str, Any]) -> tuple[str, str] | None:
    """Namespace and name of the service that an object says it belongs to."""
    name = labels_of(manifest).get(SERVICE)
    return None if name is None else (manifest["metadata"]["namespace"], name)


def cache_label(manifest: Mapping[str, Any]) -> tuple[str, str] | None:
    """Namespace and key of the model cache that an object says it belongs to."""
    key = labels_of(manifest).get(CACHE)
    return None if key is None else (manifest["metadata"]["namespace"], key)


def is_gateway(service: Mapping[str, Any]) -> bool:
    """Whether a TTSService is a gateway."""
    return bool(service.get("spec", {}).get("backend") == GATEWAY)


class _Record(NamedTuple):
    """An object at rest."""

    text: bytes
    uid: str
    version: int

    @property
    def manifest(self) -> JsonObject:
        manifest: JsonObject = orjson.loads(self.text)
        return manifest


_USES = f"{CACHE} of a service"


class _Place(NamedTuple):
    """What objects are looked up by: a service that they belong to, or a label that they have."""

    namespace: str
    label: str
    value: str


class Store:
    """The newest version of every object, by key and by service; voices by their labels, too."""

    def __init__(self, metrics: OperatorMetrics) -> None:
        self._metrics = metrics
        self._records: dict[tuple[str, str], dict[Key, _Record]] = defaultdict(dict)
        """By kind and namespace."""
        self._index: dict[_Place, dict[Key, None]] = defaultdict(dict)
        """The keys of what is at a place, in the order in which it appeared."""
        self._last: tuple[_Place, list[JsonObject]] | None = None
        """What was last looked up, while nothing has changed: it is so several times in a row."""
        self._selection = Selection()
        self._gateways: dict[str, set[Key]] = defaultdict(set)
        """By namespace."""

    def put(self, manifest: JsonObject) -> Change | None:
        """Keep an object; None if it is no newer than what is known."""
        key, version = key_of(manifest), version_of(manifest)
        siblings = self._records[key.kind, key.namespace]
        known = siblings.get(key)
        if known is not None and known.version >= version:
            return None
        old, new = None if known is None else known.manifest, _without_ballast(manifest)
        before, after = set() if old is None else _places(old), _places(new)
        self._leave(key, before - after)
        for place in after:
            self._index[place].setdefault(key)
        self._last = None
        siblings[key] = _Record(orjson.dumps(new), new["metadata"]["uid"], version)
        if key.kind == TTS_SERVICE.kind and (old is None or _is_respecified(old, new)):
            self._selection.put(key, selector_in(new))
            self._note_gateway(key, is_gateway(new))
        if old is None:
            self._metrics.objects.labels(key.kind).inc()
        return Change(old, new)

    def remove(self, manifest: Mapping[str, Any]) -> Change | None:
        """Forget an object; None if it is unknown, or another of its name has taken its place."""
        key = key_of(manifest)
        known = self._record(key)
        if known is None or known.uid != manifest["metadata"]["uid"]:
            return None
        old, siblings = known.manifest, self._records[key.kind, key.namespace]
        self._last = None
        del siblings[key]
        if not siblings:
            del self._records[key.kind, key.namespace]
        self._leave(key, _places(old))
        self._selection.put(key, None)
        self._note_gateway(key, False)
        self._metrics.objects.labels(key.kind).dec()
        return Change(old, None)

    def get(self, key: Key) -> JsonObject | None:
        """The object, if it is known."""
        record = self._record(key)
        return None if record is None else record.manifest

    def version(self, key: Key) -> int:
        """The version in which the object is known; 0 if it is not."""
        record = self._record(key)
        return 0 if record is None else record.version

    def keys(self, kind: str, namespace: str | None = None) -> KeysView[Key]:
        """Which objects of a kind there are in a namespace, or anywhere."""
        if namespace is not None:
            return self._records.get((kind, namespace), {}).keys()
        everywhere = (keys for (each, _), keys in self._records.items() if each == kind)
        return dict.fromkeys(chain.from_iterable(everywhere)).keys()

    def in_namespace(self, kind: str, namespace: str) -> list[JsonObject]:
        """All objects of a kind in a namespace."""
        return self._manifests(self.keys(kind, namespace))

    def everywhere(self, kind: str) -> Iterator[JsonObject]:
        """All objects of a kind, one at a time: together they would take much memory."""
        return (self._records[key.kind, key.namespace][key].manifest for key in self.keys(kind))

    def belonging_to(self, namespace: str, service: str) -> list[JsonObject]:
        """Everything that says it belongs to the service: its children, and their pods."""
        place = _Place(namespace, SERVICE, service)
        if self._last is None or self._last[0] != place:
            self._last = place, self._manifests(self._index.get(place, ()))
        return [*self._last[1]]

    def of_cache(self, namespace: str, cache: str) -> list[JsonObject]:
        """The claim of a model cache that services share, and what fills it."""
        return self._manifests(self._index.get(_Place(namespace, CACHE, cache), ()))

    def using_cache(self, namespace: str, cache: str) -> list[JsonObject]:
        """What of single services belongs to a model cache."""
        return self._manifests(self._index.get(_Place(namespace, _USES, cache), ()))

    def voices(self, namespace: str, selector: LabelSelector) -> list[JsonObject]:
        """The voices of a namespace that the selector chooses."""
        labels = selector.match_labels.items()
        labelled = [self._index.get(_Place(namespace, *label), {}).keys() for label in labels]
        fewest = min(labelled, key=len, default=self.keys(VOICE.kind, namespace))
        found = self._manifests(key for key in fewest if key.kind == VOICE.kind)
        return [voice for voice in found if selector.matches(labels_of(voice))]

    def selecting(self, voice: Mapping[str, Any]) -> set[Key]:
        """The services that select the voice."""
        return self._selection.selecting(voice["metadata"]["namespace"], labels_of(voice))

    def gateways(self, namespace: str) -> list[Key]:
        """The gateways of a namespace."""
        return sorted(self._gateways.get(namespace, ()))

    def _note_gateway(self, key: Key, is_one: bool) -> None:
        if is_one:
            self._gateways[key.namespace].add(key)
        elif key in self._gateways.get(key.namespace, ()):
            self._gateways[key.namespace].discard(key)
            if not self._gateways[key.namespace]:
                del self._gateways[key.namespace]

    def _manifests(self, keys: Iterable[Key]) -> list[JsonObject]:
        return [self._records[key.kind, key.namespace][key].manifest for key in keys]

    def _record(self, key: Key) -> _Record | None:
        return self._records.get((key.kind, key.namespace), {}).get(key)

    def _leave(self, key: Key, places: Iterable[_Place]) -> None:
        for place in places:
            members = self._index[place]
            del members[key]
            if not members:
                del self._index[place]


def _places(manifest: JsonObject) -> set[_Place]:
    namespace, labels = manifest["metadata"]["namespace"], labels_of(manifest)
    if manifest["kind"] == VOICE.kind:
        return {_Place(namespace, *label) for label in labels.items()}
    service, cache = labels.get(SERVICE), labels.get(CACHE)
    found = {
        SERVICE: service,
        (_USES if service is not None or is_of_service(manifest) else CACHE): cache,
    }
    return {_Place(namespace, label, value) for label, value in found.items() if value is not None}


def is_of_service(manifest: Mapping[str, Any]) -> bool:
    """Whether a service owns an object, whatever its labels say.

    Somebody may take them away or change them: the claim would then look like that of a cache which
    no service uses, and be deleted with the model.
    """
    owners = manifest["metadata"].get("ownerReferences", ())
    return any(owner["kind"] == TTS_SERVICE.kind for owner in owners)


def _is_respecified(old: JsonObject, new: JsonObject) -> bool:
    """Whether an object's spec is another, or ends."""
    fields = ("uid", "generation", "deletionTimestamp")
    return any(old["metadata"].get(field) != new["metadata"].get(field) for field in fields)


def _without_ballast(manifest: JsonObject) -> JsonObject:
    """Leave out what other field managers own: it is large, and never looked at."""
    metadata = manifest["metadata"]
    own = [
        entry for entry in metadata.get("managedFields", ()) if entry["manager"] == FIELD_MANAGER
    ]
    return {**manifest, "metadata": {**metadata, "managedFields": own}}

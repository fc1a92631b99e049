"""Reference audio in Secrets and ConfigMaps: read when it is needed, and watched for changes.

What is kept are digests: the audio itself is read again when a pod asks for it, so that hundreds of
recordings cost the operator no memory. Watches carry the objects' metadata only.
"""

import asyncio
import base64
import math
from collections import OrderedDict, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Literal, NamedTuple

from speaker_operator.kube.client import KubeClient, Versions, state_of
from speaker_operator.kube.errors import ForbiddenError
from speaker_operator.kube.resources import CONFIG_MAP, SECRET, TTS_SERVICE, JsonObject, Key
from speaker_operator.reasons import Reason
from speaker_operator.reconcile.queue import Queue
from speaker_operator.reconcile.versionwatch import VersionWatch
from speaker_operator.reconcile.voices import ServiceName
from speaker_operator.render.recordings import may_be_audio
from speaker_operator.render.references import Problem, Source, Sources
from speaker_runtime.contract import digest_of

_RESOURCES: Final = {SECRET.kind: SECRET, CONFIG_MAP.kind: CONFIG_MAP}
_CACHE_BYTES: Final = 16 * 2**20
"""Audio that is kept for the next pod, and dropped for what is asked for later."""
_READS: Final = 8
"""Objects that are read at a time, of up to a MiB each."""
_FORBIDDEN_SECONDS: Final = 30.0
"""After so long it is looked whether the operator may read an object by now: nobody tells it."""


class _Place(NamedTuple):
    kind: Literal["Secret", "ConfigMap"]
    namespace: str


class _Object(NamedTuple):
    place: _Place
    name: str


@dataclass
class _Known:
    """One object, in one version; that of one that is not there is empty."""

    version: str
    found: dict[str, str | Problem] = field(default_factory=dict)
    """By key: the digest of its content, or why there is none."""
    until: float = math.inf
    """For how long this counts, by the event loop's clock, unless there are news."""


class References:
    """Knows what is in the objects that voices name.

    Args:
        client: Reads and watches.
        queue: Where services are put whose voices' audio has changed.
    """

    def __init__(self, client: KubeClient, queue: Queue) -> None:
        self._client = client
        self._queue = queue
        self._known: dict[_Object, _Known] = {}
        self._news: dict[_Object, int] = {}
        """How often each was heard of: what is read meanwhile may be older."""
        self._users: dict[ServiceName, set[_Object]] = {}
        self._watches: dict[_Place, VersionWatch] = {}
        self._audio: OrderedDict[str, bytes] = OrderedDict()
        self._reading = asyncio.Semaphore(_READS)

    async def find(self, service: ServiceName, sources: Iterable[Source]) -> Sources:
        """What the entries that a service's voices name hold; raises a transient ``KubeError``."""
        keys: dict[_Object, set[str]] = defaultdict(set)
        for source in sources:
            keys[_object(source)].add(source.key)
        self._use(service, set(keys))
        looks = (self._look(each, wanted) for each, wanted in keys.items())
        known = dict(zip(keys, await asyncio.gather(*looks), strict=True))
        soonest = min((each.until for each in known.values()), default=math.inf)
        if soonest < math.inf:
            now = asyncio.get_running_loop().time()
            self._queue.add_after(Key(TTS_SERVICE.kind, *service), max(0.0, soonest - now))
        return {
            _source(each, key): known[each].found[key]
            for each, wanted in keys.items()
            for key in wanted
        }

    def forget(self, service: ServiceName) -> None:
        """Forget a service that is gone."""
        self._use(service, set())

    async def audio(self, source: Source, digest: str) -> bytes | None:
        """The audio in an entry; None if it is there no more. Raises a ``KubeError``."""
        if digest in self._audio:
            self._audio.move_to_end(digest)
            return self._audio[digest]
        async with self._reading:
            resource = _RESOURCES[source.kind]
            manifest = await self._client.read(resource, source.namespace, source.name)
        content = None if manifest is None else _content(manifest, source.key)
        if content is None or digest_of(content) != digest:
            return None
        self._audio[digest] = content
        while sum(map(len, self._audio.values())) > _CACHE_BYTES:
            self._audio.popitem(last=False)
        return content

    def rest(self) -> None:
        """Forget everything, and stop watching."""
        for service in list(self._users):
            self.forget(service)
        self._audio.clear()

    def _use(self, service: ServiceName, objects: set[_Object]) -> None:
        before = self._users.pop(service, set())
        if objects:
            self._users[service] = objects
        used = set().union(*self._users.values()) if before - objects else None
        if used is not None:
            for each in [each for each in self._known if each not in used]:
                self._drop(each)
            for each in [each for each in self._news if each not in used]:
                del self._news[each]
            places = {each.place for each in used}
            for place in [place for place in self._watches if place not in places]:
                self._watches.pop(place).stop()
        for place in {each.place for each in objects}:
            if place not in self._watches:
                self._watches[place] = self._watch(place)

    async def _look(self, each: _Object, keys: set[str]) -> _Known:
        known, now = self._known.get(each), asyncio.get_running_loop().time()
        if known is None or not keys <= known.found.keys() or known.until <= now:
            async with self._reading:
                heard = self._news.get(each)
                known = await self._read(each, keys | (known.found.keys() if known else set()))
            if self._news.get(each) == heard:  # else the service comes here again
                self._known[each] = known
        return known

    async def _read(self, each: _Object, keys: set[str]) -> _Known:
        kind, namespace = each.place
        try:
            manifest = await self._client.read(_RESOURCES[kind], namespace, each.name)
        except ForbiddenError as error:
            problem = Problem.of(Reason.SOURCE_FORBIDDEN, f"{kind} {each.name}: {error}")
            until = asyncio.get_running_loop().time() + _FORBIDDEN_SECONDS
            return _Known("", dict.fromkeys(keys, problem), until)
        if manifest is None:
            problem = Problem.of(Reason.SOURCE_NOT_FOUND, f"there is no {kind} {each.name}")
            return _Known("", dict.fromkeys(keys, problem))
        return _Known(state_of(manifest), {key: _found(manifest, key) for key in keys})

    def _watch(self, place: _Place) -> VersionWatch:
        """Have services look again at what changes there."""
        return VersionWatch(
            self._client,
            _RESOURCES[place.kind],
            place.namespace,
            heard=partial(self._note, place),
            unheard=partial(self._doubt, place),
        )

    def _note(self, place: _Place, versions: Versions) -> None:
        names = self._used(place) if versions.is_all else versions.states
        for name in names:
            each = _Object(place, name)
            known = self._known.get(each)
            if known is None or known.version != versions.states.get(name, ""):
                self._change(each)

    def _doubt(self, place: _Place) -> None:
        """Something may have changed unseen."""
        for name in self._used(place):
            self._change(_Object(place, name))

    def _used(self, place: _Place) -> set[str]:
        """The names of what services use there, be it known already or not."""
        used = set().union(*self._users.values())
        return {each.name for each in used if each.place == place}

    def _change(self, each: _Object) -> None:
        self._drop(each)
        users = [service for service, objects in self._users.items() if each in objects]
        if users:
            self._news[each] = self._news.get(each, 0) + 1
        for namespace, name in users:
            self._queue.add(Key(TTS_SERVICE.kind, namespace, name))

    def _drop(self, each: _Object) -> None:
        known = self._known.pop(each, None)
        for digest in known.found.values() if known else ():
            if isinstance(digest, str):
                self._audio.pop(digest, None)


def _object(source: Source) -> _Object:
    return _Object(_Place(source.kind, source.namespace), source.name)


def _source(each: _Object, key: str) -> Source:
    return Source(each.place.kind, each.place.namespace, each.name, key)


def _found(manifest: JsonObject, key: str) -> str | Problem:
    """The digest of a recording, or why there is none."""
    content, name = _content(manifest, key), f"{manifest['kind']} {manifest['metadata']['name']}"
    if content is None:
        return Problem.of(Reason.SOURCE_NOT_FOUND, f"{name} has no key {key}")
    if not may_be_audio(content):
        return Problem.of(Reason.NOT_AUDIO, f"{name}, key {key}, begins like no audio file")
    return digest_of(content)


def _content(manifest: JsonObject, key: str) -> bytes | None:
    """What an entry holds; None if there is none."""
    encoded = "data" if manifest["kind"] == SECRET.kind else "binaryData"
    text = manifest.get(encoded, {}).get(key)
    if text is not None:
        return base64.b64decode(text)
    plain = None if encoded == "data" else manifest.get("data", {}).get(key)
    return None if plain is None else str(plain).encode()

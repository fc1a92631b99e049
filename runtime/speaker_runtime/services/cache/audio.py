"""The cache as the request path sees it: audio by order, off the event loop, never an error."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import BoundedSemaphore
from typing import Final, Protocol, TypeVar

from speaker_runtime.audio.pcm import Pcm16
from speaker_runtime.backends.protocol import Capabilities
from speaker_runtime.services.cache.entries import (
    Answer,
    DamagedEntryError,
    Utterance,
    read_answer,
    read_utterance,
    write_answer,
    write_utterance,
)
from speaker_runtime.services.cache.keys import OrderKeys, Origin, order_keys
from speaker_runtime.services.cache.metrics import CacheMetrics, Kind
from speaker_runtime.services.cache.store import Store
from speaker_runtime.services.planning import CacheUse, Plan, SpeechOrder

logger = logging.getLogger(__name__)

T = TypeVar("T")

_READERS: Final = 4
_MOST_WRITES: Final = 32
"""Entries that may wait to be written; more are not kept."""


class OrderCache(Protocol):
    """What the cache has for one order, and what it takes of it."""

    @property
    def use(self) -> CacheUse:
        """What the order has to do with the cache."""

    @property
    def answer(self) -> Answer | None:
        """The whole answer, where it is known."""

    @property
    def known(self) -> frozenset[int]:
        """Places of the utterances that are known, where the answer is not."""

    async def utterance(self, place: int) -> Utterance | None:
        """A known utterance, unless it has gone meanwhile."""

    def keep_utterance(self, place: int, chunks: Sequence[Pcm16]) -> None:
        """Learn a whole utterance; returns at once."""

    def keep_answer(self, answer: Answer) -> None:
        """Learn the whole answer; returns at once."""


class Uncached:
    """The cache of an order that uses none."""

    use = CacheUse.NOTHING
    answer = None
    known: frozenset[int] = frozenset()

    async def utterance(self, place: int) -> Utterance | None:
        """Nothing is known."""

    def keep_utterance(self, place: int, chunks: Sequence[Pcm16]) -> None:
        """Nothing is kept."""

    def keep_answer(self, answer: Answer) -> None:
        """Nothing is kept."""


class AudioCache:
    """Utterances and answers in a store.

    Args:
        store: Where they are kept; closed together with the cache.
        metrics: What to count in.
        backend: Who speaks.
        release: Which program that is.
    """

    def __init__(self, store: Store, metrics: CacheMetrics, *, backend: str, release: str) -> None:
        self._store = store
        self._metrics = metrics
        self._backend = backend
        self._release = release
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="cache-read")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="cache-write")
        self._room = BoundedSemaphore(_MOST_WRITES)
        metrics.watch(store.size)

    async def order(self, order: SpeechOrder, planned: Plan, can: Capabilities) -> OrderCache:
        """What is known of an order that is carried out in this way."""
        if order.cache is CacheUse.NOTHING:
            return Uncached()
        origin = Origin(
            backend=self._backend,
            release=self._release,
            model_digest=can.model_digest,
            device=can.device,
            sample_rate=can.sample_rate,
            precision=can.precision,
        )
        make_keys = partial(order_keys, origin, planned, order.audio_format)
        return await self._read(partial(self._look_up, order.cache, make_keys))

    async def utterance(self, key: str) -> Utterance | None:
        """The utterance of a key, if it is known."""
        return await self._read(partial(self._find, Kind.UTTERANCE, key, read_utterance))

    def keep_utterance(self, key: str, utterance: Utterance) -> None:
        """Keep an utterance, some time soon."""
        self._write(key, partial(write_utterance, key, utterance))

    def keep_answer(self, key: str, answer: Answer) -> None:
        """Keep an answer, some time soon."""
        self._write(key, partial(write_answer, key, answer))

    def close(self) -> None:
        """Write what waits to be written, and close the store."""
        self._readers.shutdown(wait=True, cancel_futures=True)
        self._writer.shutdown(wait=True)
        self._store.close()

    async def _read(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, work)

    # What follows runs on the cache's own threads, but for _write.

    def _look_up(self, use: CacheUse, make_keys: Callable[[], OrderKeys]) -> OrderCache:
        keys = make_keys()
        if use is CacheUse.KEEP:
            return _CachedOrder(self, use, keys)
        answer = self._find(Kind.ANSWER, keys.answer, read_answer)
        if answer is not None:
            return _CachedOrder(self, use, keys, answer=answer)
        held = self._store.known(keys.utterances)
        known = frozenset(place for place, key in enumerate(keys.utterances) if key in held)
        self._metrics.missed(Kind.UTTERANCE, len(keys.utterances) - len(known))
        return _CachedOrder(self, use, keys, known=known)

    def _find(self, kind: Kind, key: str, read: Callable[[str, bytes], T]) -> T | None:
        blob = self._store.get(key)
        if blob is not None:
            try:
                entry = read(key, blob)
            except DamagedEntryError as error:
                logger.warning("removed a damaged entry of the cache: %s", error)
                self._metrics.damaged()
                self._store.remove(key)
            else:
                self._metrics.hit(kind)
                return entry
        self._metrics.missed(kind, 1)
        return None

    def _write(self, key: str, make: Callable[[], bytes]) -> None:
        if self._room.acquire(blocking=False):
            self._writer.submit(self._put, key, make)
        else:
            self._metrics.skipped()

    def _put(self, key: str, make: Callable[[], bytes]) -> None:
        try:
            self._store.put(key, make())
        finally:
            self._room.release()


class _CachedOrder:
    """An order that takes from a cache what it knows, and gives it the rest."""

    def __init__(
        self,
        cache: AudioCache,
        use: CacheUse,
        keys: OrderKeys,
        *,
        answer: Answer | None = None,
        known: frozenset[int] = frozenset(),
    ) -> None:
        self.use = use
        self.answer = answer
        self.known = known
        self._cache = cache
        self._keys = keys

    async def utterance(self, place: int) -> Utterance | None:
        return await self._cache.utterance(self._keys.utterances[place])

    def keep_utterance(self, place: int, chunks: Sequence[Pcm16]) -> None:
        self._cache.keep_utterance(self._keys.utterances[place], Utterance(tuple(chunks)))

    def keep_answer(self, answer: Answer) -> None:
        self._cache.keep_answer(self._keys.answer, answer)

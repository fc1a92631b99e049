"""The chunks of a job in order: from the cache what it knows, from the engine the rest."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING

from speaker_runtime.engine.job import Job
from speaker_runtime.engine.ticket import Chunk, End, Ticket
from speaker_runtime.services.cache.audio import OrderCache
from speaker_runtime.services.planning import CacheUse

if TYPE_CHECKING:
    from speaker_runtime.audio.pcm import Pcm16

Submit = Callable[[Job, Callable[[], None]], Ticket]
"""Queues a job with the engine; the engine is given what to call on every change."""


class CacheStatus(StrEnum):
    """What the cache did for an answer."""

    HIT = "hit"
    """No model was needed."""
    PARTIAL = "partial"
    """Some utterances were known."""
    MISS = "miss"
    """Nothing was known."""
    BYPASS = "bypass"
    """Nothing was looked up."""


class Source:
    """One job's chunks, made or remembered once. It lives on one event loop.

    An utterance that the cache loses between the look-up and its turn is queued by itself then.

    Args:
        submit: Queues what is not known, if there is anything.
        job: What to speak.
        cached: What is known of it, and who learns the rest.

    Raises:
        SpeechError: The engine takes no job now.
    """

    def __init__(self, submit: Submit, job: Job, cached: OrderCache) -> None:
        self._submit = submit
        self._job = job
        self._cached = cached
        self._known = set(cached.known)
        missing = [each for n, each in enumerate(job.requests) if n not in self._known]
        self._feed = _Feed(submit, replace(job, requests=missing)) if missing else None
        self._late: _Feed | None = None
        self._utterance = 0
        self._recalled: deque[Chunk] = deque()
        self._making: list[Pcm16] = []
        self.status = self._as_known()

    @property
    def queue_seconds(self) -> float:
        """How long the job waited for the engine, if it did; known once there is a chunk."""
        return self._feed.queue_seconds if self._feed else 0.0

    async def next(self) -> Chunk | End:
        """The next chunk, or the end. Where it is cancelled, no chunk is lost.

        Raises:
            SpeechError: The engine failed.
        """
        while not self._recalled:
            if self._utterance == len(self._job.requests):
                return End.END
            feed = self._late or self._feed
            if self._utterance in self._known:
                await self._recall()
            elif feed:
                return self._made(await feed.next())
        chunk = self._recalled.popleft()
        self._utterance += chunk.last
        return chunk

    def cancel(self) -> None:
        """Nobody wants the rest."""
        for feed in (self._feed, self._late):
            if feed:
                feed.cancel()

    def _as_known(self) -> CacheStatus:
        if self._cached.use is not CacheUse.FULL:
            return CacheStatus.BYPASS
        if self._feed is None:
            return CacheStatus.HIT
        return CacheStatus.PARTIAL if self._known else CacheStatus.MISS

    async def _recall(self) -> None:
        place = self._utterance
        found = await self._cached.utterance(place)
        if found is None:
            self._known.discard(place)
            alone = replace(self._job, requests=[self._job.requests[place]], begin_within=None)
            self._late = _Feed(self._submit, alone)
            return
        last = len(found.chunks) - 1
        self._recalled.extend(
            Chunk(place, samples, last=n == last, work=0.0)
            for n, samples in enumerate(found.chunks)
        )

    def _made(self, item: Chunk | End) -> Chunk | End:
        """Put a chunk of the engine in its place of the whole job, and learn it."""
        if isinstance(item, End):
            return item
        chunk = replace(item, utterance=self._utterance)
        self._making.append(chunk.samples)
        if chunk.last:
            self._cached.keep_utterance(self._utterance, self._making)
            self._making = []
            self._utterance += 1
            self._late = None
        return chunk


class _Feed:
    """What the engine makes of a job."""

    def __init__(self, submit: Submit, job: Job) -> None:
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._ticket = submit(job, self._wake)

    @property
    def queue_seconds(self) -> float:
        return self._ticket.queue_seconds

    async def next(self) -> Chunk | End:
        while True:
            self._changed.clear()
            item = self._ticket.take()
            if item is not None:
                return item
            await self._changed.wait()

    def cancel(self) -> None:
        self._ticket.cancel()

    def _wake(self) -> None:
        """Called on the engine's thread."""
        self._loop.call_soon_threadsafe(self._changed.set)

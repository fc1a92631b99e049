"""The chunks of a job in order: from the cache what it knows, from the engine the rest."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING

from speaker_runtime.backends.protocol import SpeechRequest
from speaker_runtime.engine.job import Job
from speaker_runtime.engine.ticket import Chunk, End, Ticket
from speaker_runtime.errors import SpeechError
from speaker_runtime.services.cache.audio import OrderCache
from speaker_runtime.services.planning import CacheUse
from speaker_runtime.services.watch import RETRIES, Outcome, Watch, another_reading

if TYPE_CHECKING:
    from speaker_runtime.audio.guard import Fault

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
    So is another reading of one that went wrong: the first utterance is given as it is made, as
    somebody waits for it, but later ones are held until they are whole and looked at.

    Args:
        submit: Queues what is not known, if there is anything.
        job: What to speak.
        cached: What is known of it, and who learns the rest.
        watch: Looks at what the engine makes.

    Raises:
        SpeechError: The engine takes no job now.
    """

    def __init__(self, submit: Submit, job: Job, cached: OrderCache, watch: Watch) -> None:
        self._submit = submit
        self._job = job
        self._cached = cached
        self._known = set(cached.known)
        missing = [each for n, each in enumerate(job.requests) if n not in self._known]
        self._feed = _Feed(submit, replace(job, requests=missing)) if missing else None
        self._late: _Feed | None = None
        self._utterance = 0
        self._ready: deque[Chunk] = deque()
        self._making: list[Chunk] = []
        self._attempts = 0
        self._watch = watch
        self.faults: list[Fault] = []
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
        while not self._ready:
            if self._utterance == len(self._job.requests):
                return End.END
            feed = self._late or self._feed
            if self._making and self._making[-1].last:
                await self._look()
            elif self._utterance in self._known:
                await self._recall()
            elif feed:
                item = await feed.next()
                if isinstance(item, End):
                    return item
                self._take(item)
        chunk = self._ready.popleft()
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
            alone = replace(
                self._job,
                requests=[self._job.requests[place]],
                begin_within=None,
                continues=True,
            )
            self._late = _Feed(self._submit, alone)
            return
        last = len(found.chunks) - 1
        self._ready.extend(
            Chunk(place, samples, last=n == last, work=0.0)
            for n, samples in enumerate(found.chunks)
        )

    @property
    def _holds(self) -> bool:
        """Whether the present utterance is given only when it is whole."""
        return self._utterance > 0 and self._watch.can_retry

    def _take(self, item: Chunk) -> None:
        """Put a chunk of the engine in its place of the whole job."""
        chunk = replace(item, utterance=self._utterance)
        self._making.append(chunk)
        if not chunk.last and not self._holds:
            self._ready.append(chunk)

    async def _look(self) -> None:
        """Judge a whole utterance, then give the rest of it, or have it spoken anew.

        Where it is cancelled, nothing has happened.
        """
        request = self._job.requests[self._utterance]
        samples = [chunk.samples for chunk in self._making]
        fault = self._making[-1].fault
        if fault is None:
            fault = await self._watch.fault(request, samples, self._job.priority.rank)
        if fault and self._holds and self._attempts < RETRIES and self._speak_anew(request):
            self._watch.note(request, fault, Outcome.RETRIED)
            return
        if fault:
            self.faults.append(fault)
            self._watch.note(request, fault, Outcome.DELIVERED)
        else:
            self._cached.keep_utterance(self._utterance, samples)
        self._ready.extend(self._making if self._holds else self._making[-1:])
        self._making = []
        self._late = None
        self._attempts = 0

    def _speak_anew(self, request: SpeechRequest) -> bool:
        """Queue another reading, unless the engine takes nothing now."""
        other = another_reading(request, self._attempts + 1)
        alone = replace(self._job, requests=[other], begin_within=None)
        try:
            self._late = _Feed(self._submit, alone)
        except SpeechError:
            return False
        self._attempts += 1
        self._making = []
        return True


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

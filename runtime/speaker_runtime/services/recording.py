"""The speech of one order as the engine makes it, shared by everybody who asked for the same."""

import asyncio
from collections import deque
from typing import Final

from speaker_runtime.audio.guard import Fault
from speaker_runtime.engine.job import Job
from speaker_runtime.engine.ticket import Chunk, End
from speaker_runtime.services.cache.audio import OrderCache
from speaker_runtime.services.source import CacheStatus, Source, Submit
from speaker_runtime.services.watch import Watch

JOINABLE_SAMPLES: Final = 60 * 24_000
"""A recording that is longer keeps only what its listeners have not heard yet."""


class Recording:
    """One job's chunks, made once. It lives on one event loop; listeners come and go.

    Args:
        submit: Queues what is not known.
        job: What to speak.
        cached: What is known of it.
        watch: Looks at what is made.

    Raises:
        SpeechError: The engine takes no job now.
    """

    def __init__(self, submit: Submit, job: Job, cached: OrderCache, watch: Watch) -> None:
        self.job = job
        self._source = Source(submit, job, cached, watch)
        self._turn = asyncio.Lock()
        self._chunks: deque[Chunk] = deque()
        self._dropped = 0
        self._samples = 0
        self._listeners: set[Listener] = set()

    @property
    def queue_seconds(self) -> float:
        """How long the job waited for the engine; known once there is a chunk."""
        return self._source.queue_seconds

    @property
    def status(self) -> CacheStatus:
        """What the cache did for it."""
        return self._source.status

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What is wrong with the speech so far."""
        return tuple(dict.fromkeys(self._source.faults))

    @property
    def can_be_joined(self) -> bool:
        """Whether a new listener would hear everything from the beginning."""
        return bool(self._listeners) and not self._dropped and self._samples <= JOINABLE_SAMPLES

    def listen(self) -> "Listener":
        """A new listener, from the beginning."""
        listener = Listener(self)
        self._listeners.add(listener)
        return listener

    def leave(self, listener: "Listener") -> None:
        """A listener wants no more; without any, the job is dropped."""
        self._listeners.discard(listener)
        if not self._listeners:
            self._source.cancel()

    async def chunk(self, place: int) -> Chunk | End:
        """The chunk at ``place``, which no listener has gone past alone.

        Raises:
            SpeechError: The job failed before it.
        """
        while place >= self._dropped + len(self._chunks):
            # One listener at a time takes from the engine, the one in need; the others find it.
            async with self._turn:
                if place < self._dropped + len(self._chunks):
                    break
                item = await self._source.next()
                if isinstance(item, End):
                    return item
                self._chunks.append(item)
                self._samples += len(item.samples)
        return self._chunks[place - self._dropped]

    def forget_what_is_heard(self) -> None:
        """Drop the chunks that nobody will ask for."""
        if self._samples <= JOINABLE_SAMPLES:
            return
        heard = min(listener.place for listener in self._listeners)
        while self._dropped < heard:
            self._chunks.popleft()
            self._dropped += 1


class Listener:
    """One reader of a recording."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.place = 0

    async def next(self) -> Chunk | End:
        """The next chunk, or the end.

        Raises:
            SpeechError: The job failed; the chunks made before were given first.
        """
        item = await self.recording.chunk(self.place)
        if isinstance(item, Chunk):
            self.place += 1
            self.recording.forget_what_is_heard()
        return item

    def close(self) -> None:
        """Listen no more."""
        self.recording.leave(self)


class Recordings:
    """What is being recorded now; equal jobs share a recording.

    Args:
        submit: Queues a job with the engine.
        watch: Looks at what the engine makes.
    """

    def __init__(self, submit: Submit, watch: Watch) -> None:
        self._submit = submit
        self._watch = watch
        self._by_requests: dict[tuple[object, ...], Recording] = {}

    def listen(self, job: Job, cached: OrderCache) -> Listener:
        """Listen to a job, new or already being spoken for somebody as urgent.

        Args:
            job: What to speak.
            cached: What is known of it. Who looks nothing up does not hear what was.

        Raises:
            SpeechError: The engine takes no job now.
        """
        key = (cached.use, *job.requests)
        current = self._by_requests.get(key)
        if current and current.can_be_joined and current.job.priority.rank <= job.priority.rank:
            return current.listen()
        recording = Recording(self._submit, job, cached, self._watch)
        self._by_requests = {
            each: other for each, other in self._by_requests.items() if other.can_be_joined
        }
        self._by_requests[key] = recording
        return recording.listen()

"""The speech of one order as the engine makes it, shared by everybody who asked for the same."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from speaker_runtime.engine.job import Job
from speaker_runtime.engine.ticket import Chunk, End, Ticket

JOINABLE_SAMPLES: Final = 60 * 24_000
"""A recording that is longer keeps only what its listeners have not heard yet."""

Submit = Callable[[Job, Callable[[], None]], Ticket]
"""Queues a job with the engine; the engine is given what to call on every change."""


class Recording:
    """One job's chunks, made once. It lives on one event loop; listeners come and go.

    Args:
        submit: Queues the job.
        job: What to speak.

    Raises:
        SpeechError: The engine takes no job now.
    """

    def __init__(self, submit: Submit, job: Job) -> None:
        self.job = job
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._ticket = submit(job, self._wake)
        self._turn = asyncio.Lock()
        self._chunks: deque[Chunk] = deque()
        self._dropped = 0
        self._samples = 0
        self._listeners: set[Listener] = set()

    @property
    def queue_seconds(self) -> float:
        """How long the job waited for the engine; known once there is a chunk."""
        return self._ticket.queue_seconds

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
            self._ticket.cancel()

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
                item = await self._take()
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

    async def _take(self) -> Chunk | End:
        while True:
            self._changed.clear()
            item = self._ticket.take()
            if item is not None:
                return item
            await self._changed.wait()

    def _wake(self) -> None:
        """Called on the engine's thread."""
        self._loop.call_soon_threadsafe(self._changed.set)


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
    """

    def __init__(self, submit: Submit) -> None:
        self._submit = submit
        self._by_requests: dict[tuple[object, ...], Recording] = {}

    def listen(self, job: Job) -> Listener:
        """Listen to a job, new or already being spoken for somebody as urgent.

        Raises:
            SpeechError: The engine takes no job now.
        """
        key = tuple(job.requests)
        current = self._by_requests.get(key)
        if current and current.can_be_joined and current.job.priority.rank <= job.priority.rank:
            return current.listen()
        recording = Recording(self._submit, job)
        self._by_requests = {
            each: other for each, other in self._by_requests.items() if other.can_be_joined
        }
        self._by_requests[key] = recording
        return recording.listen()

"""One job's way through the engine, seen by the scheduler and by whoever waits for the speech."""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from threading import Condition
from typing import Any, Final

from speaker_runtime.audio.guard import Fault
from speaker_runtime.audio.pcm import Pcm16
from speaker_runtime.backends.protocol import SpeechRequest
from speaker_runtime.engine.job import Job
from speaker_runtime.errors import SpeechError

BUFFERED_CHUNKS: Final = 2
"""Chunks made ahead of the client; a job that has so many is skipped until one is taken."""


@dataclass(frozen=True)
class Chunk:
    """Some speech of an utterance.

    Attributes:
        utterance: Place of the utterance in the job.
        samples: Perhaps none.
        last: Whether the utterance ends here.
        work: Seconds for which a model was busy with it.
        fault: What the backend found wrong with the utterance.
    """

    utterance: int
    samples: Pcm16
    last: bool
    work: float
    fault: Fault | None = None


class End(Enum):
    """What :meth:`Ticket.take` gives after the last chunk."""

    END = "end"


@dataclass(eq=False)
class Turn:
    """An utterance of a job on one copy of the model.

    Attributes:
        ticket: Whose it is.
        utterance: Its place in the job.
        stream: The backend's state of it, once it is open.
        has_spoken: Whether some of its speech has been delivered.
        work: Seconds for which a model was busy with it, without anything to deliver since.
    """

    ticket: "Ticket"
    utterance: int
    stream: Any = None
    has_spoken: bool = False
    work: float = 0.0

    @property
    def request(self) -> SpeechRequest:
        """What is spoken."""
        return self.ticket.job.requests[self.utterance]


@dataclass
class Tally:
    """What came to nothing, counted over all jobs under the scheduler's lock.

    Attributes:
        wasted_seconds: A model's work on speech that nobody took.
        cancelled: Jobs given up before their last speech was taken.
    """

    wasted_seconds: float = 0.0
    cancelled: int = 0


class Ticket:
    """One job in the engine.

    The scheduler uses the attributes, under its lock; the other side reads ``queue_seconds`` and
    calls :meth:`take` and :meth:`cancel`, from any thread.

    Args:
        job: What to speak.
        estimate: Seconds of speech that it will be, roughly.
        now: When it was queued, by the engine's clock.
        on_change: Called on a thread of the engine whenever :meth:`take` has something new to say;
            it returns at once and never raises.
        guard: The scheduler's own lock.
        tally: Where to count what comes to nothing.
    """

    def __init__(
        self,
        job: Job,
        *,
        estimate: float,
        now: float,
        on_change: Callable[[], None],
        guard: Condition,
        tally: Tally,
    ) -> None:
        self.job = job
        self.estimate = estimate
        self.submitted = now
        self.served = now
        self.deadline = math.inf if job.begin_within is None else now + job.begin_within
        self.queue_seconds = 0.0
        self.next = 0
        self.front = 0
        self.has_begun = False
        self.cancelled = False
        self.outcome: End | SpeechError | None = None
        self._on_change = on_change
        self._guard = guard
        self._tally = tally
        self._ready: deque[Chunk] = deque()
        self._ahead: dict[int, list[Chunk]] = {}

    @property
    def has_room(self) -> bool:
        """Whether another chunk may be made."""
        return len(self._ready) < BUFFERED_CHUNKS

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be made for it."""
        return self.cancelled or self.outcome is not None

    def put(self, chunk: Chunk) -> None:
        """Take what was made; speech of a later utterance waits for the one before."""
        if self.is_over:
            self._tally.wasted_seconds += chunk.work
            return
        self.has_begun = True
        if chunk.utterance == self.front:
            self._ready.append(chunk)
            self._advance(chunk)
        else:
            self._ahead.setdefault(chunk.utterance, []).append(chunk)
        if self.front == len(self.job.requests):
            self.outcome = End.END
        self._on_change()

    def end(self, outcome: SpeechError) -> None:
        """Say that no further chunk comes, and why."""
        if self.is_over:
            return
        self.outcome = outcome
        self._waste_what_is_ahead()
        self._on_change()

    def take(self) -> Chunk | End | None:
        """The next chunk, the end, or None while neither is there.

        Raises:
            SpeechError: The job failed; the chunks made before were given first.
        """
        with self._guard:
            if self._ready:
                self._guard.notify_all()
                return self._ready.popleft()
            if isinstance(self.outcome, SpeechError):
                raise self.outcome
            return self.outcome

    def cancel(self) -> None:
        """Nobody wants the speech any more: drop the job at the next step."""
        with self._guard:
            if self.cancelled:
                return
            self.cancelled = True
            if self._ready or self.outcome is None:
                self._tally.cancelled += 1
            self._tally.wasted_seconds += sum(chunk.work for chunk in self._ready)
            self._ready.clear()
            self._waste_what_is_ahead()
            self._guard.notify_all()

    def _waste_what_is_ahead(self) -> None:
        late = (chunk for chunks in self._ahead.values() for chunk in chunks)
        self._tally.wasted_seconds += sum(chunk.work for chunk in late)
        self._ahead.clear()

    def _advance(self, chunk: Chunk) -> None:
        """Where an utterance ends, what was made of the next ones becomes ready."""
        while chunk.last:
            self.front += 1
            following = self._ahead.pop(self.front, [])
            if not following:
                return
            self._ready.extend(following)
            chunk = following[-1]

"""Who is spoken next: one bounded queue for all copies, by priority, age and deadline."""

import math
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from speaker_runtime.backends.protocol import Capabilities
from speaker_runtime.engine.errand import Errand
from speaker_runtime.engine.job import Job, Priority
from speaker_runtime.engine.pace import Pace
from speaker_runtime.engine.state import Load, Waiting
from speaker_runtime.engine.ticket import Chunk, Tally, Ticket, Turn
from speaker_runtime.errors import ErrorCode, SpeechError

AGING_SECONDS: Final = 10.0
"""A job that had no turn for so long counts as one class more urgent, so that none starves."""
_LISTED: Final = 100
"""Waiting jobs that are told one by one."""
_MOST_AHEAD: Final = 4
"""Utterances of one job that are spoken at a time, where there is nothing more urgent."""


@dataclass(frozen=True)
class Bounds:
    """How much may wait.

    Attributes:
        queue_seconds: Estimated speech of the waiting jobs of a priority and those above it.
        client_seconds: Estimated speech of the waiting jobs of one client.
    """

    queue_seconds: float
    client_seconds: float = math.inf


class Scheduler:
    """The jobs of everybody. Every method may be called on any thread.

    A job waits until there is a place for it, then its utterances take turns with those of the
    other running jobs. The next utterance of a job may begin on another copy of the model while
    the one before is still being spoken.

    Args:
        bounds: How much may wait.
        copies: Of the model, each asking with its own number for its next turns.
        clock: Seconds, never going back.
    """

    def __init__(self, bounds: Bounds, copies: int, clock: Callable[[], float]) -> None:
        self._bounds = bounds
        self._clock = clock
        self._guard = threading.Condition()
        self._pace = Pace(characters_per_second=1.0)
        self._can: Capabilities | None = None
        self._waiting: list[Ticket] = []
        self._running: list[Ticket] = []
        self._errands: deque[Errand] = deque()
        self._open: dict[int, list[Turn]] = {copy: [] for copy in range(copies)}
        self._serving: set[int] = set()
        self._closed: SpeechError | None = None
        self._tally = Tally()

    def open_copy(self, copy: int, can: Capabilities) -> None:
        """A copy of the model is loaded and will ask for turns."""
        with self._guard:
            if self._can is None:
                self._pace = Pace(can.characters_per_second)
            self._can = can
            self._serving.add(copy)
            self._guard.notify_all()

    def close(self, error: SpeechError) -> None:
        """End every job, and every wait for a turn; later jobs are refused."""
        with self._guard:
            self._closed = self._closed or error
            while self._errands:
                self._errands.popleft().fail(self._closed)
            for ticket in (*self._running, *self._waiting):
                ticket.end(self._closed)
            self._guard.notify_all()

    @property
    def load(self) -> Load:
        """How busy everybody is now."""
        with self._guard:
            self._drop_what_is_over()
            queued = self._queued()
            now = self._clock()
            return Load(
                running=len(self._running) + len(self._waiting) - len(queued),
                waiting=len(queued),
                queued_seconds=_seconds(queued),
                real_time_factor=self._pace.real_time_factor,
                wasted_seconds=self._tally.wasted_seconds,
                cancelled=self._tally.cancelled,
                queue=tuple(
                    Waiting(each.job.label, each.job.priority, now - each.submitted, each.estimate)
                    for each in queued[:_LISTED]
                ),
            )

    def submit(self, job: Job, on_change: Callable[[], None]) -> Ticket:
        """Queue a job.

        Raises:
            SpeechError: Too much is waiting already, or no copy of the model serves.
        """
        with self._guard:
            if self._closed:
                raise self._closed
            self._drop_what_is_over()
            estimate = self._pace.estimate(job.requests)
            if not job.continues:
                self._admit(job, estimate)
            ticket = Ticket(
                job,
                estimate=estimate,
                now=self._clock(),
                on_change=on_change,
                guard=self._guard,
                tally=self._tally,
            )
            self._waiting.append(ticket)
            self._guard.notify_all()
            return ticket

    def send(self, errand: Errand) -> None:
        """Have a copy of the model do something between its steps.

        Whoever sends errands bounds how many there are.
        """
        with self._guard:
            if self._closed:
                errand.fail(self._closed)
                return
            self._errands.append(errand)
            self._guard.notify_all()

    def next_errand(self) -> Errand | None:
        """What a copy of the model is to do before its next step, if anything."""
        with self._guard:
            return self._errands.popleft() if self._errands else None

    @property
    def is_closed(self) -> bool:
        """Whether there will be no more work."""
        with self._guard:
            return self._closed is not None

    def next_turns(self, copy: int) -> Sequence[Turn]:
        """Wait for work; the utterances that a copy of the model steps next.

        Returns:
            Nothing once the scheduler is closed, or where there is nothing to step and an errand
            to do.
        """
        with self._guard:
            while not self._closed:
                self._drop_what_is_over()
                turns = self._pick(copy)
                if turns:
                    return turns
                if self._errands:
                    return ()
                self._guard.wait(self._until_next_deadline())
            return ()

    def deliver(self, copy: int, turn: Turn, outcome: Chunk | SpeechError) -> None:
        """Hand over what a step made of an utterance, or why it cannot go on."""
        with self._guard:
            ticket = turn.ticket
            ticket.served = self._clock()
            if isinstance(outcome, SpeechError):
                ticket.end(outcome)
            elif outcome.last or len(outcome.samples):
                turn.has_spoken = True
                ticket.put(replace(outcome, work=outcome.work + turn.work))
                turn.work = 0.0
                if outcome.last and turn in self._open[copy]:
                    self._open[copy].remove(turn)
            else:
                turn.work += outcome.work
            self._drop_what_is_over()
            self._guard.notify_all()

    def forget_streams(self, copy: int, error: SpeechError) -> None:
        """A copy lost its device: what it had begun ends, the rest begins anew on the next one."""
        with self._guard:
            for turn in self._open[copy]:
                turn.stream = None
                if turn.has_spoken:
                    turn.ticket.end(error)
            self._drop_what_is_over()

    def observe(self, work: float, audio_seconds: float) -> None:
        """Learn from one step how fast the model is."""
        with self._guard:
            self._pace.observe(work, audio_seconds)

    # Everything below is called with the lock held.

    def _admit(self, job: Job, estimate: float) -> None:
        queued = self._queued()
        own = [each for each in queued if each.job.client == job.client]
        if own and job.client and _seconds(own) + estimate > self._bounds.client_seconds:
            raise SpeechError(
                ErrorCode.RATE_LIMITED,
                f"{_seconds(own):.0f} s of your speech are waiting already; this service queues at "
                f"most {self._bounds.client_seconds:.0f} s for one client.",
                retry_after=self._seconds_to_speak(own),
            )
        before = [each for each in queued if each.job.priority.rank <= job.priority.rank]
        if before and _seconds(before) + estimate > self._bounds.queue_seconds:
            raise SpeechError(
                ErrorCode.OVERLOADED,
                f"{_seconds(before):.0f} s of speech are waiting already; this service queues at "
                f"most {self._bounds.queue_seconds:.0f} s.",
                retry_after=self._seconds_to_speak(before),
            )

    def _seconds_to_speak(self, tickets: Sequence[Ticket]) -> int:
        work = _seconds(tickets) * self._pace.real_time_factor
        return max(1, math.ceil(work / max(1, len(self._serving))))

    def _drop_what_is_over(self) -> None:
        now = self._clock()
        for ticket in (*self._waiting, *self._running):
            if not ticket.has_begun and ticket.deadline <= now:
                ticket.end(_too_late(ticket, self._seconds_to_speak(self._waiting)))
        self._waiting = [each for each in self._waiting if not each.is_over]
        self._running = [each for each in self._running if not each.is_over]
        for copy, turns in self._open.items():
            self._tally.wasted_seconds += sum(turn.work for turn in turns if turn.ticket.is_over)
            self._open[copy] = [turn for turn in turns if not turn.ticket.is_over]

    def _until_next_deadline(self) -> float | None:
        tickets = (*self._waiting, *self._running)
        first = min((each.deadline for each in tickets if not each.has_begun), default=math.inf)
        return None if first == math.inf else max(0.0, first - self._clock())

    def _pick(self, copy: int) -> Sequence[Turn]:
        """The most urgent utterances that this copy may step now, opened or to be opened."""
        if self._can is None:
            return ()
        self._start_waiting()
        now = self._clock()
        opened = self._open[copy]
        turns = [turn for turn in opened if turn.ticket.has_room]
        turns += self._openable(copy, self._can)
        turns.sort(key=lambda turn: self._urgency(turn, now))
        chosen = turns[: self._can.max_batch]
        for turn in chosen:
            if turn not in opened:
                opened.append(turn)
                turn.ticket.next += 1
                if turn.utterance == 0:
                    turn.ticket.queue_seconds = now - turn.ticket.submitted
        return chosen

    def _start_waiting(self) -> None:
        """Give free places to the most urgent of the waiting jobs."""
        while self._waiting:
            self._waiting.sort(key=self._place_in_queue)
            if len(self._running) >= self._places(self._waiting[0]):
                return
            self._running.append(self._waiting.pop(0))

    def _place_in_queue(self, ticket: Ticket) -> tuple[int, int, float, float]:
        client = ticket.job.client
        others = sum(1 for each in self._running if each.job.client == client) if client else 0
        rank = self._rank(ticket, self._clock())
        return rank, others, ticket.deadline, ticket.submitted

    def _places(self, ticket: Ticket) -> int:
        """How many jobs may run before this one; some places are kept from what is not urgent."""
        most = (self._can.max_streams if self._can else 0) * len(self._serving)
        kept = {Priority.INTERACTIVE: 0, Priority.NORMAL: most // 8, Priority.BATCH: most // 4}
        return most - kept[ticket.job.priority]

    def _queued(self) -> Sequence[Ticket]:
        """Jobs that wait for another to end; the others begin with the next turn."""
        queued = []
        running = len(self._running)
        for ticket in sorted(self._waiting, key=self._place_in_queue):
            if running < self._places(ticket):
                running += 1
            else:
                queued.append(ticket)
        return queued

    def _openable(self, copy: int, can: Capabilities) -> Sequence[Turn]:
        """The next utterance of each job, where this copy is the one to speak it."""
        busy = {each: len(self._open[each]) for each in self._serving}
        free = can.max_streams - busy[copy]
        if free <= 0 or busy[copy] > min(busy.values()):
            return ()
        waits = sum(1 for each in self._running if each.next == each.front)
        spare = can.max_streams * len(self._serving) - sum(busy.values()) - waits
        window = min(_MOST_AHEAD, max(len(self._serving), can.max_batch)) if spare > 0 else 1
        return [
            Turn(ticket, ticket.next)
            for ticket in self._running
            if ticket.has_room
            and ticket.next < len(ticket.job.requests)
            # What comes later takes no model from another job's first sound, nor from its own.
            and ticket.next < ticket.front + (window if ticket.has_begun else 1)
        ][:free]

    def _urgency(self, turn: Turn, now: float) -> tuple[int, int, bool, float, float]:
        ticket = turn.ticket
        # A first sentence is waited for; of the others, what is being listened to comes first.
        return (
            self._rank(ticket, now),
            turn.utterance - ticket.front,
            ticket.has_begun,
            math.inf if ticket.has_begun else ticket.deadline,
            ticket.served,
        )

    @staticmethod
    def _rank(ticket: Ticket, now: float) -> int:
        return ticket.job.priority.rank - int((now - ticket.served) / AGING_SECONDS)


def _seconds(tickets: Sequence[Ticket]) -> float:
    return sum(ticket.estimate for ticket in tickets)


def _too_late(ticket: Ticket, retry_after: int) -> SpeechError:
    return SpeechError(
        ErrorCode.DEADLINE_EXCEEDED,
        f"The speech could not begin within {ticket.job.begin_within:g} s.",
        param="deadline",
        retry_after=retry_after,
    )

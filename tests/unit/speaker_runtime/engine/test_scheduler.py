"""Who is spoken next, decided without a thread and with a clock that only the test moves."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from speaker_runtime.engine.job import Job, Priority
from speaker_runtime.engine.scheduler import AGING_SECONDS, Bounds, Scheduler
from speaker_runtime.engine.ticket import Chunk, End, Ticket, Turn
from speaker_runtime.errors import ErrorCode, SpeechError
from tests.support.tone import ToneBackend, request

CAN = ToneBackend(max_streams=8).load(lambda _: None)
SHUT = SpeechError(ErrorCode.SHUTTING_DOWN, "over")


@dataclass
class Desk:
    """A scheduler with copies that step when the test says so; one character is 0.1 s."""

    copies: int = 1
    max_streams: int = 8
    max_batch: int = 1
    bounds: Bounds = field(default_factory=lambda: Bounds(60))
    now: float = 0.0

    def __post_init__(self) -> None:
        self.scheduler = Scheduler(self.bounds, self.copies, clock=lambda: self.now)
        can = replace(CAN, max_streams=self.max_streams, max_batch=self.max_batch)
        for copy in range(self.copies):
            self.scheduler.open_copy(copy, can)

    def submit(
        self,
        *texts: str,
        priority: Priority = Priority.NORMAL,
        client: str = "",
        within: float | None = None,
        on_change: Callable[[], None] = lambda: None,
    ) -> Ticket:
        job = Job(
            tuple(map(request, texts)),
            priority,
            client=client,
            label=texts[0],
            begin_within=within,
        )
        return self.scheduler.submit(job, on_change)

    def step(self, copy: int = 0, *, work: float = 0.0) -> list[str]:
        """Let a copy speak its next turns to their ends."""
        turns = self.scheduler.next_turns(copy)
        for turn in turns:
            self.deliver(turn, copy, work=work)
        return [turn.request.text for turn in turns]

    def deliver(
        self,
        turn: Turn,
        copy: int = 0,
        *,
        work: float = 0.0,
        last: bool = True,
        samples: int = 2400,
    ) -> None:
        chunk = Chunk(turn.utterance, np.zeros(samples, np.int16), last=last, work=work)
        self.scheduler.deliver(copy, turn, chunk)


def test_jobs_take_turns_beginning_with_those_that_have_nothing_yet() -> None:
    desk = Desk()
    desk.submit("a1", "a2")
    assert desk.step() == ["a1"]
    desk.now = 1
    desk.submit("b1", "b2")
    assert [desk.step() for _ in range(3)] == [["b1"], ["a2"], ["b2"]]


def test_what_is_urgent_comes_first() -> None:
    desk = Desk()
    for priority in reversed(Priority):
        desk.submit(priority, priority=priority)
    assert [desk.step()[0] for _ in range(3)] == ["interactive", "normal", "batch"]


def test_an_interactive_job_passes_a_running_batch() -> None:
    desk = Desk()
    desk.submit("b1", "b2", "b3", priority=Priority.BATCH)
    desk.step()
    desk.submit("i1", "i2", priority=Priority.INTERACTIVE)
    assert [desk.step()[0] for _ in range(3)] == ["i1", "i2", "b2"]


def test_a_job_that_waits_long_becomes_more_urgent() -> None:
    desk = Desk()
    desk.submit("old", priority=Priority.BATCH)
    desk.now = 2.5 * AGING_SECONDS
    desk.submit("new", priority=Priority.INTERACTIVE)
    assert desk.step() == ["old"]


def test_the_nearest_deadline_comes_first() -> None:
    desk = Desk()
    desk.submit("later", within=9)
    desk.submit("sooner", within=3)
    assert desk.step() == ["sooner"]


def test_a_job_that_cannot_begin_in_time_ends_and_costs_nothing() -> None:
    desk = Desk()
    late = desk.submit("late", within=3)
    desk.submit("patient")
    desk.now = 3
    assert desk.step() == ["patient"]
    with pytest.raises(SpeechError, match="within 3 s") as ended:
        late.take()
    assert ended.value.code is ErrorCode.DEADLINE_EXCEEDED


def test_a_deadline_is_about_the_beginning() -> None:
    desk = Desk()
    ticket = desk.submit("one", "two", within=3)
    desk.step()
    desk.now = 4
    assert desk.step() == ["two"]
    assert [type(ticket.take()) for _ in range(3)] == [Chunk, Chunk, End]


def test_a_batch_holds_as_many_utterances_as_the_backend_takes() -> None:
    desk = Desk(max_batch=2)
    for text in ("a", "b", "c"):
        desk.submit(text)
    assert [desk.step(), desk.step()] == [["a", "b"], ["c"]]


def test_the_next_utterance_begins_on_another_copy_once_the_first_is_heard() -> None:
    desk = Desk(copies=2)
    ticket = desk.submit("a1", "a2", "a3")
    desk.step(copy=0)
    (second,), (third,) = desk.scheduler.next_turns(0), desk.scheduler.next_turns(1)
    desk.deliver(third, copy=1)
    desk.deliver(second, copy=0)
    heard = [ticket.take() for _ in range(4)]
    assert [each.utterance for each in heard if isinstance(each, Chunk)] == [0, 1, 2]


def test_what_has_no_sound_yet_comes_before_what_is_ahead_of_its_listener() -> None:
    desk = Desk(max_batch=2)
    desk.submit("a1", "a2", "a3")
    desk.step()
    desk.submit("b1", "b2")
    turns = desk.scheduler.next_turns(0)
    assert {turn.request.text for turn in turns} == {"b1", "a2"}


def test_the_least_loaded_copy_takes_a_new_utterance() -> None:
    desk = Desk(copies=2, max_batch=4)
    desk.submit("a")
    (first,) = desk.scheduler.next_turns(0)
    desk.deliver(first, copy=0, last=False)
    desk.submit("b")
    assert [turn.request.text for turn in desk.scheduler.next_turns(0)] == ["a"]
    assert [turn.request.text for turn in desk.scheduler.next_turns(1)] == ["b"]


def test_some_places_are_kept_from_batches() -> None:
    desk = Desk(max_streams=4)
    for number in range(4):
        desk.submit(f"batch {number}", "more", priority=Priority.BATCH)
    desk.step()
    assert (desk.scheduler.load.running, desk.scheduler.load.waiting) == (3, 1)
    desk.submit("now", priority=Priority.INTERACTIVE)
    assert (desk.scheduler.load.running, desk.scheduler.load.waiting) == (4, 1)


def test_a_client_with_fewer_running_jobs_begins_first() -> None:
    desk = Desk(max_streams=1)
    desk.submit("many 0", "more", client="many")
    desk.step()
    desk.submit("many 1", client="many")
    desk.submit("one", client="one")
    assert [each.label for each in desk.scheduler.load.queue] == ["one", "many 1"]


def test_more_than_the_queue_holds_is_refused_with_a_time_to_come_back() -> None:
    desk = Desk(max_streams=1, bounds=Bounds(queue_seconds=10))
    desk.scheduler.observe(work=4, audio_seconds=1)
    desk.submit("running")
    desk.submit("x" * 60)
    with pytest.raises(SpeechError, match="6 s of speech are waiting") as refused:
        desk.submit("y" * 60)
    assert refused.value.code is ErrorCode.OVERLOADED
    assert refused.value.retry_after == 24


def test_what_belongs_to_an_answer_that_has_begun_is_never_refused() -> None:
    desk = Desk(max_streams=1, bounds=Bounds(queue_seconds=10, client_seconds=10))
    desk.submit("running", client="one")
    desk.submit("x" * 60, client="one")
    rest = Job((request("y" * 60),), client="one", continues=True)
    assert desk.scheduler.submit(rest, lambda: None).job is rest


def test_a_full_queue_of_batches_does_not_refuse_the_urgent() -> None:
    desk = Desk(max_streams=1, bounds=Bounds(queue_seconds=10))
    desk.submit("running")
    desk.submit("x" * 90, priority=Priority.BATCH)
    desk.submit("y" * 90, priority=Priority.INTERACTIVE)
    with pytest.raises(SpeechError):
        desk.submit("z" * 90, priority=Priority.BATCH)


def test_one_client_cannot_fill_the_queue() -> None:
    desk = Desk(max_streams=1, bounds=Bounds(queue_seconds=60, client_seconds=10))
    desk.submit("running")
    desk.submit("x" * 60, client="many")
    with pytest.raises(SpeechError) as refused:
        desk.submit("y" * 60, client="many")
    desk.submit("z" * 60, client="other")
    assert refused.value.code is ErrorCode.RATE_LIMITED
    assert refused.value.retry_after == 3


def test_what_waits_is_told_in_the_order_in_which_it_begins() -> None:
    desk = Desk(max_streams=1)
    desk.submit("running")
    desk.step()
    desk.submit("again")
    desk.submit("b" * 50, priority=Priority.BATCH)
    desk.submit("i" * 30, priority=Priority.INTERACTIVE)
    desk.now = 2
    queue = desk.scheduler.load.queue
    assert [(each.label[0], each.priority, each.waited, each.seconds) for each in queue] == [
        ("a", Priority.NORMAL, 2, 1),
        ("b", Priority.BATCH, 2, 5),
    ]


def test_a_ticket_knows_how_long_it_waited() -> None:
    desk = Desk()
    ticket = desk.submit("hello")
    desk.now = 1.5
    desk.step()
    assert ticket.queue_seconds == 1.5


def test_work_that_nobody_took_is_counted() -> None:
    desk = Desk()
    ticket = desk.submit("one", "two")
    desk.step(work=0.25)
    turns = desk.scheduler.next_turns(0)
    ticket.cancel()
    desk.deliver(turns[0], work=0.5)
    load = desk.scheduler.load
    assert (load.wasted_seconds, load.cancelled, load.running) == (0.75, 1, 0)


def test_a_step_without_a_sound_is_work_of_the_next_one_that_has() -> None:
    desk = Desk()
    ticket = desk.submit("one")
    (turn,) = desk.scheduler.next_turns(0)
    for _ in range(20):
        desk.deliver(turn, work=0.25, last=False, samples=0)
    assert ticket.take() is None
    assert not ticket.has_begun
    assert desk.scheduler.next_turns(0) == [turn]
    desk.deliver(turn, work=1.0)
    chunk = ticket.take()
    assert isinstance(chunk, Chunk)
    assert chunk.work == 6.0


def test_work_on_what_had_no_sound_yet_is_wasted_by_leaving() -> None:
    desk = Desk()
    ticket = desk.submit("one")
    (turn,) = desk.scheduler.next_turns(0)
    desk.deliver(turn, work=0.25, last=False, samples=0)
    ticket.cancel()
    desk.deliver(turn, work=0.5, last=False, samples=0)
    load = desk.scheduler.load
    assert (load.wasted_seconds, load.cancelled, load.running) == (0.75, 1, 0)


def test_what_was_taken_to_its_end_is_not_wasted_by_leaving() -> None:
    desk = Desk()
    ticket = desk.submit("one")
    desk.step(work=0.25)
    ticket.take()
    ticket.cancel()
    load = desk.scheduler.load
    assert (load.wasted_seconds, load.cancelled) == (0, 0)


def test_closing_ends_everything_and_refuses_the_rest() -> None:
    desk = Desk()
    told: list[str] = []
    ticket = desk.submit("one", on_change=lambda: told.append("changed"))
    desk.scheduler.close(SHUT)
    assert desk.scheduler.next_turns(0) == ()
    for refused in (ticket.take, lambda: desk.submit("late")):
        with pytest.raises(SpeechError) as ended:
            refused()
        assert ended.value.code is ErrorCode.SHUTTING_DOWN
    assert told == ["changed"]

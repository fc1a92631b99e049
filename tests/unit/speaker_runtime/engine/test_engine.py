"""One thread speaks for everybody: fairly, within bounds, and each failure for itself."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from speaker_runtime.audio.pcm import Samples
from speaker_runtime.backends.protocol import SpeechRequest
from speaker_runtime.engine.engine import Engine
from speaker_runtime.engine.state import Phase
from speaker_runtime.engine.ticket import BUFFERED_CHUNKS, Chunk, End, Ticket
from speaker_runtime.errors import ErrorCode, SpeechError
from tests.support.runtime import eventually
from tests.support.tone import ToneBackend, hum

WITHIN = 5.0


@contextmanager
def running(backend: ToneBackend, max_queue_seconds: float = 60) -> Iterator[Engine]:
    engine = Engine(backend, max_queue_seconds=max_queue_seconds)
    engine.start()
    eventually(lambda: engine.state.phase is Phase.READY, within=WITHIN, what="readiness")
    backend.steps.clear()
    try:
        yield engine
    finally:
        backend.release()
        engine.stop(WITHIN)


def request(*utterances: str) -> SpeechRequest:
    return SpeechRequest(utterances, preset="low", speed=1.0, seed=0)


class Listener:
    """Takes what a ticket gives, as a client would."""

    def __init__(self, engine: Engine, *utterances: str) -> None:
        self._changed = threading.Event()
        self.ticket: Ticket = engine.submit((request(*utterances),), self._changed.set)

    def next(self) -> Chunk | End:
        while True:
            self._changed.clear()
            item = self.ticket.take()
            if item is not None:
                return item
            assert self._changed.wait(WITHIN), "nothing came"

    def all(self) -> Samples:
        parts = []
        while not isinstance(item := self.next(), End):
            parts.append(item.samples)
        return np.concatenate(parts)


def test_it_speaks_every_utterance_in_order() -> None:
    with running(ToneBackend()) as engine:
        heard = Listener(engine, "one", "two", "three").all()
    np.testing.assert_array_equal(heard, np.concatenate([hum("one"), hum("two"), hum("three")]))


def test_one_client_may_have_several_requests_spoken_in_order() -> None:
    backend = ToneBackend()
    with running(backend) as engine:
        ticket = engine.submit((request("one", "two"), request("three")), lambda: None)

        def next_chunk() -> Chunk | End | None:
            return ticket.take()

        chunks = [eventually(next_chunk, within=WITHIN, what="speech") for _ in range(4)]
    places = [chunk.request for chunk in chunks if isinstance(chunk, Chunk)]
    assert (places, chunks[-1]) == ([0, 0, 1], End.END)
    assert backend.steps == [["one"], ["two"], ["three"]]


def test_a_client_is_refused_as_a_whole_before_anything_is_spoken() -> None:
    backend = ToneBackend()
    with running(backend) as engine:
        ticket = engine.submit((request("one"), request("#")), lambda: None)
        with pytest.raises(SpeechError):
            eventually(ticket.take, within=WITHIN, what="refusal")
    assert backend.steps == []


def test_requests_take_turns() -> None:
    backend = ToneBackend()
    with running(backend) as engine:
        backend.hold()
        first = Listener(engine, "a1", "a2")
        second = Listener(engine, "b1", "b2")
        backend.release()
        first.all()
        second.all()
    assert [step[0] for step in backend.steps] == ["a1", "b1", "a2", "b2"]


def test_a_request_knows_how_long_it_waited() -> None:
    backend = ToneBackend(max_streams=1)
    now = iter(range(1000))
    engine = Engine(backend, max_queue_seconds=60, clock=lambda: next(now))
    engine.start()
    eventually(lambda: engine.state.phase is Phase.READY, within=WITHIN, what="readiness")
    backend.hold()
    first = Listener(engine, "one", "two", "three")
    second = Listener(engine, "late")
    backend.release()
    first.all()
    second.all()
    engine.stop(WITHIN)
    assert 0 < first.ticket.queue_seconds < second.ticket.queue_seconds


def test_a_batch_is_no_larger_than_the_backend_takes() -> None:
    backend = ToneBackend(max_batch=2)
    with running(backend) as engine:
        backend.hold()
        listeners = [Listener(engine, f"{name}1") for name in "abc"]
        backend.release()
        for listener in listeners:
            listener.all()
    assert {len(step) for step in backend.steps} <= {1, 2}


def test_a_client_that_does_not_read_is_skipped() -> None:
    backend = ToneBackend()
    with running(backend) as engine:
        slow = Listener(engine, *(f"slow {number}" for number in range(10)))
        Listener(engine, "quick 1", "quick 2").all()
        made = [step[0] for step in backend.steps if step[0].startswith("slow")]
        assert len(made) <= BUFFERED_CHUNKS
        assert len(slow.all()) == 10 * len(hum("slow 0"))


def test_a_cancelled_request_is_never_finished() -> None:
    backend = ToneBackend()
    with running(backend) as engine:
        backend.hold()
        gone = Listener(engine, *(f"{number}" for number in range(9)))
        gone.ticket.cancel()
        backend.release()
        eventually(lambda: engine.load.running == 0, within=WITHIN, what="the request is dropped")
    assert len(backend.steps) <= 1


def test_what_waits_is_bounded_by_its_speech() -> None:
    backend = ToneBackend(max_streams=1)
    with running(backend, max_queue_seconds=10) as engine:
        backend.hold()
        Listener(engine, "running")
        eventually(lambda: engine.load.running == 1, within=WITHIN, what="the first runs")
        Listener(engine, "x" * 60)
        with pytest.raises(SpeechError) as refused:
            Listener(engine, "y" * 60)
        load = engine.load
    assert refused.value.code is ErrorCode.OVERLOADED
    assert refused.value.retry_after is not None
    assert refused.value.retry_after >= 1
    assert (load.running, load.waiting) == (1, 1)
    assert load.queued_seconds == pytest.approx(6.0)


def test_what_has_a_free_place_does_not_count_as_waiting() -> None:
    backend = ToneBackend(max_streams=3)
    with running(backend, max_queue_seconds=1) as engine:
        backend.hold()
        listeners = [Listener(engine, "x" * 40) for _ in range(3)]
        assert (engine.load.running, engine.load.waiting) == (3, 0)
        backend.release()
        assert all(len(listener.all()) for listener in listeners)


def test_a_text_longer_than_the_queue_is_spoken_where_nothing_waits() -> None:
    with running(ToneBackend(), max_queue_seconds=1) as engine:
        assert len(Listener(engine, "x" * 40, "y" * 40).all()) > 0


def test_an_unreadable_text_fails_alone() -> None:
    with running(ToneBackend()) as engine:
        with pytest.raises(SpeechError) as refused:
            Listener(engine, "#").all()
        assert len(Listener(engine, "fine").all()) > 0
    assert refused.value.code is ErrorCode.TEXT_NOT_SPEAKABLE


def test_a_backend_that_breaks_fails_one_request_and_goes_on() -> None:
    with running(ToneBackend()) as engine:
        broken = Listener(engine, "well", "broken!")
        with pytest.raises(SpeechError) as failed:
            broken.all()
        assert len(Listener(engine, "fine").all()) > 0
    assert failed.value.code is ErrorCode.SPEECH_FAILED


def test_chunks_made_before_a_failure_come_first() -> None:
    with running(ToneBackend()) as engine:
        broken = Listener(engine, "well", "broken!")
        first = broken.next()
        assert isinstance(first, Chunk)
        np.testing.assert_array_equal(first.samples, hum("well"))
        with pytest.raises(SpeechError):
            broken.next()


def test_before_it_is_ready_requests_are_refused() -> None:
    engine = Engine(ToneBackend(), max_queue_seconds=60)
    with pytest.raises(SpeechError) as refused:
        engine.submit((request("early"),), lambda: None)
    assert refused.value.code is ErrorCode.MODEL_NOT_READY


def test_a_model_that_does_not_load_is_told() -> None:
    error = RuntimeError("no weights")
    backend = ToneBackend(load_error=error)
    engine = Engine(backend, max_queue_seconds=60)
    engine.start()
    assert engine.wait() is error
    assert (engine.state.phase, engine.state.detail) == (Phase.FAILED, "no weights")
    assert backend.closed


def test_stopping_ends_every_request_with_an_error() -> None:
    backend = ToneBackend(max_streams=1)
    with running(backend) as engine:
        backend.hold()
        listeners = [Listener(engine, "one", "two"), Listener(engine, "three")]
        engine.stop(timeout=0)
        backend.release()
        assert engine.wait() is None
        for listener in listeners:
            with pytest.raises(SpeechError) as ended:
                listener.all()
            assert ended.value.code is ErrorCode.SHUTTING_DOWN
        with pytest.raises(SpeechError):
            Listener(engine, "late")
    assert engine.state.phase is Phase.STOPPED

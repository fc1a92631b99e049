"""One thread speaks for everybody: fairly, within bounds, and each failure for itself."""

import numpy as np
import pytest

from speaker_runtime.backends.protocol import (
    Cloning,
)
from speaker_runtime.engine.engine import Engine
from speaker_runtime.engine.scheduler import Bounds
from speaker_runtime.engine.state import Phase
from speaker_runtime.engine.ticket import BUFFERED_CHUNKS, Chunk, End
from speaker_runtime.errors import ErrorCode, SpeechError
from tests.support.runtime import eventually
from tests.support.tone import ToneBackend, copies, hum, request
from tests.unit.speaker_runtime.engine.talking import WITHIN, Listener, hummed, job, running


def test_it_speaks_every_utterance_in_order() -> None:
    with running(ToneBackend()) as engine:
        heard = Listener(engine, "one", "two", "three").all()
    np.testing.assert_array_equal(heard, hummed("one", "two", "three"))


def test_a_chunk_tells_its_utterance_and_whether_it_is_the_last_of_it() -> None:
    with running(ToneBackend(slices=2)) as engine:
        listener = Listener(engine, "abcd", "efgh")
        chunks = [listener.next() for _ in range(4)]
        assert listener.next() is End.END
    told = [(each.utterance, each.last) for each in chunks if isinstance(each, Chunk)]
    assert told == [(0, False), (0, True), (1, False), (1, True)]


def test_what_cannot_be_spoken_is_known_before_it_is_queued() -> None:
    backend = ToneBackend()
    with running(backend) as engine, pytest.raises(SpeechError) as refused:
        engine.check((request("one"), request("#")))
    assert refused.value.code is ErrorCode.TEXT_NOT_SPEAKABLE
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
        np.testing.assert_array_equal(first.samples, hummed("well"))
        with pytest.raises(SpeechError):
            broken.next()


def test_before_it_is_ready_jobs_are_refused() -> None:
    make, places = copies(ToneBackend())
    engine = Engine(make, places, bounds=Bounds(60))
    with pytest.raises(SpeechError) as refused:
        engine.submit(job("early"), lambda: None)
    assert refused.value.code is ErrorCode.MODEL_NOT_READY


def test_a_model_that_does_not_load_is_told() -> None:
    error = RuntimeError("no weights")
    backend = ToneBackend(load_error=error)
    make, places = copies(backend)
    engine = Engine(make, places, bounds=Bounds(60))
    engine.start()
    assert engine.wait() is error
    assert (engine.state.phase, engine.state.detail) == (Phase.FAILED, "no weights")
    assert backend.closed
    with pytest.raises(SpeechError, match="no weights"):
        engine.submit(job("late"), lambda: None)


def test_one_copy_that_fails_ends_the_others() -> None:
    broken = ToneBackend(load_error=RuntimeError("no weights"))
    well = ToneBackend()
    make, places = copies(well, broken)
    engine = Engine(make, places, bounds=Bounds(60))
    engine.start()
    assert isinstance(engine.wait(), RuntimeError)
    assert (well.closed, engine.state.phase) == (True, Phase.FAILED)


def test_stopping_ends_every_job_with_an_error() -> None:
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


def test_several_copies_speak_side_by_side() -> None:
    one, two = ToneBackend(), ToneBackend()
    with running(one, two) as engine:
        one.hold()
        two.hold()
        listeners = [Listener(engine, "aaa"), Listener(engine, "bbb")]
        eventually(lambda: one.held and two.held, within=WITHIN, what="both are at work")
        one.release()
        two.release()
        heard = [listener.all() for listener in listeners]
    assert (len(one.steps), len(two.steps)) == (1, 1)
    np.testing.assert_array_equal(heard[0], hummed("aaa"))
    np.testing.assert_array_equal(heard[1], hummed("bbb"))


def test_a_model_that_only_clones_is_ready_without_a_first_word() -> None:
    backend = ToneBackend(presets=(), cloning=Cloning(sample_rate=16_000, languages=("en", "de")))
    with running(backend) as engine:
        can = engine.state.capabilities
    assert can is not None
    assert (can.presets, can.languages) == ((), ("en", "de"))


@pytest.mark.parametrize(("sounds", "heard"), [(None, "hum"), (1, "h"), (2, "hu"), (9, "hum")])
def test_a_warm_up_ends_with_the_last_sound_that_runs_anything_new(
    sounds: int | None, heard: str
) -> None:
    backend = ToneBackend(slices=3, warmup_sounds=sounds)
    make, places = copies(backend)
    engine = Engine(make, places, bounds=Bounds(60))
    engine.start()
    eventually(lambda: engine.state.phase is Phase.READY, within=WITHIN, what="readiness")
    engine.stop(WITHIN)
    assert backend.steps == [[each] for each in heard]

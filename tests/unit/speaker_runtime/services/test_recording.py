"""One recording for everybody who asks for the same."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from speaker_runtime.audio.pcm import Pcm16, to_pcm16
from speaker_runtime.engine.engine import Engine
from speaker_runtime.engine.job import Job, Priority
from speaker_runtime.engine.scheduler import Bounds
from speaker_runtime.engine.state import Phase
from speaker_runtime.engine.ticket import End
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.services import recording
from speaker_runtime.services.cache.audio import Uncached
from speaker_runtime.services.recording import Listener, Recordings
from speaker_runtime.services.watch import Watch
from tests.support.runtime import eventually
from tests.support.tone import ToneBackend, copies, hum, request

WITHIN = 5.0


@pytest.fixture
def backend() -> ToneBackend:
    return ToneBackend()


@pytest.fixture
async def recordings(backend: ToneBackend) -> AsyncIterator[Recordings]:
    make, places = copies(backend)
    engine = Engine(make, places, bounds=Bounds(60))
    engine.start()
    eventually(lambda: engine.state.phase is Phase.READY, within=WITHIN, what="readiness")
    backend.steps.clear()
    with ThreadPoolExecutor(1) as pool:
        can = backend.load(lambda _: None)
        yield Recordings(engine.submit, Watch(lambda: can, lambda _: pool, lambda *_: None))
    backend.release()
    await asyncio.to_thread(engine.stop, WITHIN)


def job(*texts: str, priority: Priority = Priority.NORMAL) -> Job:
    return Job(tuple(map(request, texts)), priority)


def hummed(*texts: str) -> Pcm16:
    return np.concatenate([to_pcm16(hum(text)) for text in texts])


async def hear(listener: Listener) -> Pcm16:
    parts = []
    try:
        while not isinstance(item := await listener.next(), End):
            parts.append(item.samples)
    finally:
        listener.close()
    return np.concatenate(parts)


async def test_equal_jobs_are_spoken_once(recordings: Recordings, backend: ToneBackend) -> None:
    backend.hold()
    listeners = [recordings.listen(job("one", "two"), Uncached()) for _ in range(5)]
    backend.release()
    for heard in await asyncio.gather(*map(hear, listeners)):
        np.testing.assert_array_equal(heard, hummed("one", "two"))
    assert backend.steps == [["one"], ["two"]]


async def test_who_comes_late_hears_the_beginning(recordings: Recordings) -> None:
    first = recordings.listen(job("one", "two", "three"), Uncached())
    await first.next()
    late = recordings.listen(job("one", "two", "three"), Uncached())
    np.testing.assert_array_equal(await hear(late), hummed("one", "two", "three"))
    np.testing.assert_array_equal(await hear(first), hummed("two", "three"))


async def test_a_listener_that_leaves_takes_nothing_from_the_others(
    recordings: Recordings, backend: ToneBackend
) -> None:
    backend.hold()
    leader, follower = (recordings.listen(job("one", "two"), Uncached()) for _ in range(2))
    waiting = asyncio.create_task(leader.next())
    await asyncio.sleep(0)
    waiting.cancel()
    leader.close()
    backend.release()
    np.testing.assert_array_equal(await hear(follower), hummed("one", "two"))


async def test_a_job_that_everybody_left_is_spoken_anew(recordings: Recordings) -> None:
    recordings.listen(job("one"), Uncached()).close()
    np.testing.assert_array_equal(
        await hear(recordings.listen(job("one"), Uncached())), hummed("one")
    )


async def test_who_is_more_urgent_does_not_wait_for_a_batch(recordings: Recordings) -> None:
    batch = recordings.listen(job("one", priority=Priority.BATCH), Uncached())
    urgent = recordings.listen(job("one", priority=Priority.INTERACTIVE), Uncached())
    assert urgent.recording is not batch.recording
    for listener in (urgent, batch):
        np.testing.assert_array_equal(await hear(listener), hummed("one"))


async def test_everybody_is_told_of_a_failure(recordings: Recordings, backend: ToneBackend) -> None:
    backend.hold()
    listeners = [recordings.listen(job("one", "broken!"), Uncached()) for _ in range(2)]
    backend.release()
    for outcome in await asyncio.gather(*map(hear, listeners), return_exceptions=True):
        assert isinstance(outcome, SpeechError)
        assert outcome.code is ErrorCode.SPEECH_FAILED


async def test_a_long_recording_forgets_what_was_heard(
    recordings: Recordings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "JOINABLE_SAMPLES", 500)
    first = recordings.listen(job("one", "two"), Uncached())
    await first.next()
    second = recordings.listen(job("one", "two"), Uncached())
    assert second.recording is not first.recording
    np.testing.assert_array_equal(await hear(first), hummed("two"))
    np.testing.assert_array_equal(await hear(second), hummed("one", "two"))

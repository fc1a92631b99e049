"""Speech that went wrong: spoken anew where that may help, and told in any case."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import numpy as np
import pytest

from speaker_runtime.audio.guard import Fault
from speaker_runtime.audio.pcm import Pcm16, to_pcm16
from speaker_runtime.backends.protocol import SpeechRequest
from speaker_runtime.engine.engine import Engine
from speaker_runtime.engine.job import Job
from speaker_runtime.engine.scheduler import Bounds
from speaker_runtime.engine.state import Phase
from speaker_runtime.engine.ticket import End
from speaker_runtime.services.cache.audio import Uncached
from speaker_runtime.services.recording import Recordings
from speaker_runtime.services.watch import Outcome, Watch, another_reading
from tests.support.runtime import eventually
from tests.support.tone import ToneBackend, copies, hum, request

WITHIN = 5.0
Told = list[tuple[Fault, Outcome]]


@asynccontextmanager
async def recordings(backend: ToneBackend, told: Told) -> AsyncIterator[Recordings]:
    make, places = copies(backend)
    engine = Engine(make, places, bounds=Bounds(60))
    engine.start()
    eventually(lambda: engine.state.phase is Phase.READY, within=WITHIN, what="readiness")
    backend.steps.clear()
    can = backend.load(lambda _: None)
    with ThreadPoolExecutor(1) as pool:
        watch = Watch(lambda: can, lambda _: pool, lambda *each: told.append(each))
        yield Recordings(engine.submit, watch)
    await asyncio.to_thread(engine.stop, WITHIN)


async def hear(backend: ToneBackend, told: Told, *texts: str) -> tuple[Pcm16, tuple[Fault, ...]]:
    """What is heard of a job, and what is told to be wrong with it."""
    async with recordings(backend, told) as studio:
        listener = studio.listen(Job(tuple(map(request, texts))), Uncached())
        parts = []
        while not isinstance(item := await listener.next(), End):
            parts.append(item.samples)
        listener.close()
        return np.concatenate(parts), listener.recording.faults


def mute_for(text: str, readings: int) -> Callable[[SpeechRequest], bool]:
    """The first readings of a text have no sound."""
    silent = [request(text), *(another_reading(request(text), n) for n in range(1, readings))]
    return silent.__contains__


def hummed(*texts: str) -> Pcm16:
    return np.concatenate([to_pcm16(hum(text)) for text in texts])


@pytest.mark.parametrize("slices", [1, 3])
async def test_good_speech_is_given_as_it_is(slices: int) -> None:
    told: Told = []
    backend = ToneBackend(slices=slices, has_chance=True)
    heard, faults = await hear(backend, told, "one one", "two two")
    assert len(heard) == len(hummed("one one", "two two"))
    assert (faults, told) == ((), [])


@pytest.mark.parametrize("slices", [1, 3])
async def test_a_later_utterance_that_went_wrong_is_spoken_anew(slices: int) -> None:
    told: Told = []
    backend = ToneBackend(slices=slices, has_chance=True, mute=mute_for("two two", readings=2))
    heard, faults = await hear(backend, told, "one one", "two two", "three three")
    clean = ToneBackend(slices=slices)
    np.testing.assert_array_equal(heard, (await hear(clean, [], *TEXTS))[0])
    assert faults == ()
    assert told == [(Fault.SILENT, Outcome.RETRIED)] * 2


TEXTS = ("one one", "two two", "three three")


async def test_who_fails_every_time_is_heard_as_it_is_in_the_end() -> None:
    told: Told = []
    backend = ToneBackend(has_chance=True, mute=mute_for("two two", readings=3))
    heard, faults = await hear(backend, told, *TEXTS)
    silent = np.zeros(len(hummed("two two")), np.int16)
    expected = np.concatenate([hummed("one one"), silent, hummed("three three")])
    np.testing.assert_array_equal(heard, expected)
    assert faults == (Fault.SILENT,)
    assert told == [(Fault.SILENT, Outcome.RETRIED)] * 2 + [(Fault.SILENT, Outcome.DELIVERED)]


async def test_what_the_model_itself_gave_up_is_spoken_anew() -> None:
    told: Told = []
    backend = ToneBackend(has_chance=True, lost=mute_for("two two", readings=1))
    heard, faults = await hear(backend, told, *TEXTS)
    np.testing.assert_array_equal(heard, hummed(*TEXTS))
    assert faults == ()
    assert told == [(Fault.REPEATING, Outcome.RETRIED)]


async def test_the_first_utterance_is_not_waited_for_but_told() -> None:
    told: Told = []
    backend = ToneBackend(has_chance=True, mute=mute_for("one one", readings=1))
    _, faults = await hear(backend, told, *TEXTS)
    assert faults == (Fault.SILENT,)
    assert told == [(Fault.SILENT, Outcome.DELIVERED)]


async def test_a_model_without_chance_is_not_asked_again() -> None:
    told: Told = []
    backend = ToneBackend(mute=mute_for("two two", readings=1))
    await hear(backend, told, *TEXTS)
    assert told == [(Fault.SILENT, Outcome.DELIVERED)]
    assert backend.steps == [["one one"], ["two two"], ["three three"]]


def test_another_reading_is_the_same_one_every_time() -> None:
    first, second = (another_reading(request("one"), attempt) for attempt in (1, 2))
    assert another_reading(request("one"), 1) == first
    assert len({request("one"), first, second}) == 3

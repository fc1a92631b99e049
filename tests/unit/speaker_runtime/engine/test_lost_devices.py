"""GPUs that are not there, fail, or have no memory left: what was begun, and what goes on."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from speaker_runtime.backends.protocol import (
    Cloning,
    DeviceUnavailableError,
    OutOfMemoryError,
    Placement,
    Reference,
)
from speaker_runtime.engine.engine import Engine
from speaker_runtime.engine.scheduler import Bounds
from speaker_runtime.engine.state import Phase
from speaker_runtime.engine.ticket import Chunk
from speaker_runtime.errors import ErrorCode, SpeechError
from tests.support.runtime import eventually
from tests.support.tone import ToneBackend, request
from tests.unit.speaker_runtime.engine.talking import WITHIN, Listener, hummed, running


@contextmanager
def elsewhere(gpu: ToneBackend) -> Iterator[tuple[Engine, ToneBackend]]:
    """An engine whose only copy runs on a GPU, with the CPU to fall back to."""
    spare = ToneBackend()
    cpu = Placement("cpu", threads=1)
    engine = Engine(
        lambda placement: spare if placement == cpu else gpu,
        [Placement("gpu:0", threads=1)],
        bounds=Bounds(60),
        fallback=cpu,
    )
    engine.start()
    eventually(lambda: engine.state.phase is Phase.READY, within=WITHIN, what="readiness")
    try:
        yield engine, spare
    finally:
        engine.stop(WITHIN)


def test_a_copy_without_its_gpu_goes_on_elsewhere_and_says_so() -> None:
    lost = ToneBackend(load_error=DeviceUnavailableError("no GPU is there"))
    with elsewhere(lost) as (engine, spare):
        np.testing.assert_array_equal(Listener(engine, "hello").all(), hummed("hello"))
        (copy,) = engine.copies
        assert (copy.device, copy.fallback) == ("cpu", "no GPU is there")
        assert engine.check((request("hello"),)) == ("spoken on the CPU: no GPU is there",)
    assert lost.closed
    assert spare.steps


def test_what_a_lost_gpu_had_not_begun_is_spoken_elsewhere() -> None:
    with elsewhere(ToneBackend(lost_at="hello")) as (engine, _):
        np.testing.assert_array_equal(Listener(engine, "hello").all(), hummed("hello"))


def test_what_a_lost_gpu_had_begun_ends_with_an_error() -> None:
    gpu = ToneBackend(slices=9)
    with elsewhere(gpu) as (engine, _):
        listener = Listener(engine, "abcdefghi")
        assert isinstance(listener.next(), Chunk)
        gpu.lost_at = "abcdefghi"
        with pytest.raises(SpeechError) as failed:
            listener.all()
    assert failed.value.code is ErrorCode.SPEECH_FAILED


def test_a_lost_gpu_without_a_fallback_ends_the_engine() -> None:
    with running(ToneBackend(lost_at="hello")) as engine:
        with pytest.raises(SpeechError):
            Listener(engine, "hello").all()
        assert isinstance(engine.wait(), DeviceUnavailableError)


def test_speech_for_which_there_is_no_memory_ends_and_the_engine_goes_on() -> None:
    with running(ToneBackend(starved_at="hello")) as engine:
        for _ in range(5):
            with pytest.raises(SpeechError) as failed:
                Listener(engine, "hello").all()
            assert (failed.value.code, failed.value.retry_after) == (ErrorCode.OUT_OF_MEMORY, 1)
            np.testing.assert_array_equal(Listener(engine, "hi").all(), hummed("hi"))


def test_a_device_that_has_no_memory_for_anything_ends_the_engine() -> None:
    with running(ToneBackend(starved_at="hello")) as engine:
        for _ in range(3):
            with pytest.raises(SpeechError):
                Listener(engine, "hello").all()
        assert isinstance(engine.wait(), OutOfMemoryError)


def test_a_gpu_without_memory_is_left_where_there_is_a_fallback() -> None:
    with elsewhere(ToneBackend(starved_at="hello")) as (engine, _):
        np.testing.assert_array_equal(Listener(engine, "hello").all(), hummed("hello"))
        (copy,) = engine.copies
        assert (copy.device, copy.fallback) == ("cpu", "the tone generator has no memory left")


def test_a_voice_for_which_there_is_no_memory_leaves_the_others_speaking() -> None:
    cloning = Cloning(sample_rate=16_000, languages=("en",))
    backend = ToneBackend(cloning=cloning, embed_error=OutOfMemoryError("too long"))
    with running(backend) as engine:
        with pytest.raises(OutOfMemoryError, match="too long"):
            engine.embed(Reference((np.zeros(16_000, np.float32),), "en")).result(WITHIN)
        np.testing.assert_array_equal(Listener(engine, "hello").all(), hummed("hello"))

"""A machine whose memory is at its end, as the system tells it."""

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from speaker_runtime.audio.guard import Bounds
from speaker_runtime.backends.protocol import OutOfMemoryError, Placement, Reference
from speaker_runtime.backends.xtts.model import Model
from speaker_runtime.models.store import StoredModel

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

BOUNDS = Bounds(usual=17.0, slowest=0.01, fastest=1000.0)
ROOM = 32 << 20


@contextmanager
def room_for(more: int) -> Iterator[None]:
    """The system gives this process so many bytes more, and no others."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + more, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def loaded(stored: StoredModel) -> Model:
    return Model(stored, Placement("cpu", 2), 4, BOUNDS, lambda _: None)


def noise(seconds: float) -> Reference:
    count = int(seconds * Model.clip_rate)
    drawn = np.random.default_rng(0).standard_normal(count, dtype=np.float32)
    return Reference((0.1 * drawn,), "en")


def test_a_voice_for_which_there_is_no_memory_is_told_and_the_next_one_made(
    stored: StoredModel,
) -> None:
    model, usual, endless = loaded(stored), noise(3), noise(3600)
    expected = model.embed(usual)

    with room_for(ROOM), pytest.raises(OutOfMemoryError, match="allocate"):
        model.embed(endless)

    made = model.embed(usual)
    for part, numbers in expected.items():
        np.testing.assert_array_equal(made[part], numbers)


@pytest.mark.parametrize("room", [1 << 20, 128 << 20])
def test_a_model_that_does_not_fit_is_told(stored: StoredModel, room: int) -> None:
    loaded(stored).close()

    with room_for(room), pytest.raises(OutOfMemoryError, match="allocate"):
        loaded(stored)

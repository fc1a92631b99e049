"""The most urgent work first."""

import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future

import pytest

from speaker_runtime.services.pool import RankedPool

WITHIN = 5.0


@pytest.fixture
def pool() -> Iterator[RankedPool]:
    made = RankedPool(1, "test")
    yield made
    made.close()


@pytest.fixture
def busy(pool: RankedPool) -> Iterator[threading.Event]:
    """Keeps the only thread until it is set."""
    go, began = threading.Event(), threading.Event()

    def hold() -> None:
        began.set()
        go.wait(WITHIN)

    pool.submit(0, hold)
    assert began.wait(WITHIN)
    yield go
    go.set()


def test_urgent_work_passes_what_waits(pool: RankedPool, busy: threading.Event) -> None:
    done: list[str] = []
    futures = [
        pool.at(rank).submit(done.append, name)
        for rank, name in ((2, "batch 1"), (2, "batch 2"), (1, "normal"), (0, "interactive"))
    ]
    busy.set()
    for future in futures:
        future.result(WITHIN)
    assert done == ["interactive", "normal", "batch 1", "batch 2"]


def test_an_error_goes_to_whoever_waits(pool: RankedPool) -> None:
    def fail() -> None:
        raise KeyError("no")

    with pytest.raises(KeyError):
        pool.submit(0, fail).result(WITHIN)
    assert pool.submit(0, lambda: 7).result(WITHIN) == 7


def test_cancelled_work_is_left_out(pool: RankedPool, busy: threading.Event) -> None:
    done: list[str] = []
    cancelled: Future[None] = pool.at(0).submit(done.append, "cancelled")
    assert cancelled.cancel()
    last = pool.at(1).submit(done.append, "last")
    busy.set()
    last.result(WITHIN)
    assert done == ["last"]


def test_closing_cancels_what_waits_and_takes_no_more(
    pool: RankedPool, busy: threading.Event
) -> None:
    waiting = pool.submit(0, lambda: None)
    pool.close()
    with pytest.raises(CancelledError):
        waiting.result(WITHIN)
    with pytest.raises(RuntimeError, match="closed"):
        pool.submit(0, lambda: None)

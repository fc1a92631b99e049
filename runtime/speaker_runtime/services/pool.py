"""Threads for the work that is not the model's, the most urgent work first."""

import heapq
import itertools
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_Work = tuple[int, int, Future[Any], Callable[[], Any]]
"""Rank, order of arrival, and what is to be done."""


class RankedPool:
    """A fixed number of threads that take the most urgent work, and of that the oldest.

    Encoding takes longer than what a small model needs to speak, so a flood of answers that
    nobody waits for would otherwise keep the first sound of the others.

    Args:
        threads: How many.
        name: Of the threads.
    """

    def __init__(self, threads: int, name: str) -> None:
        self._work: list[_Work] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._closed = False
        for number in range(threads):
            threading.Thread(target=self._run, name=f"{name}-{number}", daemon=True).start()

    def at(self, rank: int) -> Executor:
        """An executor whose work has this rank; 0 is the most urgent."""
        return _Rank(self, rank)

    def close(self) -> None:
        """Let the threads end after their present work; what waits is cancelled."""
        with self._changed:
            self._closed = True
            for _, _, future, _ in self._work:
                future.cancel()
            self._work.clear()
            self._changed.notify_all()

    def submit(self, rank: int, work: Callable[[], T]) -> Future[T]:
        """Have ``work`` done.

        Raises:
            RuntimeError: The pool is closed.
        """
        future: Future[T] = Future()
        with self._changed:
            if self._closed:
                raise RuntimeError("the pool is closed")
            heapq.heappush(self._work, (rank, next(self._order), future, work))
            self._changed.notify()
        return future

    def _run(self) -> None:
        while (item := self._next()) is not None:
            future, work = item
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001  told to whoever waits for it
                future.set_exception(error)
            del future, work, item

    def _next(self) -> tuple[Future[Any], Callable[[], Any]] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._work or self._closed)
            if not self._work:
                return None
            _, _, future, work = heapq.heappop(self._work)
            return future, work


class _Rank(Executor):
    def __init__(self, pool: RankedPool, rank: int) -> None:
        self._pool = pool
        self._rank = rank

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        return self._pool.submit(self._rank, lambda: fn(*args, **kwargs))

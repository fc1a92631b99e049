"""The work queue: which objects to reconcile, and when.

* A key that waits already is not added again; a key that is running is run once more afterwards.
* At most one worker runs a key at a time, and at most ``concurrency`` keys run at once.
* A failed key waits longer each time, up to a cap; news of it during the wait end the wait.
* Whoever adds a key may say that it can wait for others, and for how long at most.

Every key waits in here once (twice where it was moved forward), so the queue is bounded by the
number of objects.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from itertools import count
from math import inf
from typing import Final, NamedTuple, Protocol

from speaker_operator import logs
from speaker_operator.kube.errors import KubeError
from speaker_operator.kube.resources import Key
from speaker_operator.metrics import OperatorMetrics
from speaker_operator.pods.errors import PodError
from speaker_operator.reconcile.backoff import Backoff
from speaker_operator.tracing import NO_TRACING, Tracing

logger = logging.getLogger(__name__)


_CALM_SECONDS: Final = 0.3
"""After so long without another key that cannot wait, those that can have their turn."""

Handler = Callable[[Key], Awaitable[None]]
"""Reconciles one object, or raises."""


class Queue(Protocol):
    """Where to announce that an object needs attention."""

    def add(self, key: Key) -> None:
        """Have the object reconciled as soon as possible."""

    def add_after(self, key: Key, seconds: float, *, patience: float = 0.0) -> None:
        """Have the object reconciled when so much time has passed, or earlier.

        While there is more to do than can be done, others may go first for ``patience`` seconds.
        """


class _Delay(NamedTuple):
    """A key that is not to run yet."""

    timer: asyncio.Handle
    when: float
    """When the timer ends; uvloop's do not know it where that is at once."""
    due: float
    """By when it is to run."""


class ReconcileQueue:
    """Has a handler run for every key that is added, until it succeeds."""

    def __init__(
        self,
        *,
        name: str,
        concurrency: int,
        backoff: Backoff,
        run_timeout_seconds: float,
        metrics: OperatorMetrics,
        tracing: Tracing = NO_TRACING,
    ) -> None:
        self._concurrency = concurrency
        self._backoff = backoff
        self._run_timeout = run_timeout_seconds
        self._metrics = metrics
        self._tracing = tracing
        self._pending: asyncio.PriorityQueue[tuple[float, int, Key]] = asyncio.PriorityQueue()
        """By when each is to run, in this order; one that was moved forward is in it twice."""
        self._numbers = count()
        self._ready: dict[Key, float] = {}
        """The keys in ``_pending``, and by when they are to run."""
        self._running: set[Key] = set()
        self._again: dict[Key, float] = {}
        """With their patience."""
        self._failures: dict[Key, int] = {}
        self._delayed: dict[Key, _Delay] = {}
        self._cuts: set[asyncio.Timeout] = set()
        """The time limits of what runs."""
        self._opened = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._last_progress = 0.0
        self._busy_until = 0.0
        """What can wait waits until then: what was added last may not have been the last."""
        depth = metrics.queue_depth
        depth.labels(name, "ready").set_function(lambda: len(self._ready))
        depth.labels(name, "delayed").set_function(lambda: len(self._delayed))

    def add(self, key: Key) -> None:
        """Run the key as soon as a worker is free."""
        self._busy_until = asyncio.get_running_loop().time() + _CALM_SECONDS
        self._add(key, 0.0)

    def add_after(self, key: Key, seconds: float, *, patience: float = 0.0) -> None:
        """Run the key when so much time has passed, unless it runs earlier anyway.

        While others are added, or wait for a worker, they may go first for ``patience`` seconds.
        """
        loop = asyncio.get_running_loop()
        when = loop.time() + seconds
        due = when + patience
        if self._ready.get(key, inf) <= due:
            return
        delayed = self._delayed.get(key)
        if delayed is not None:
            if delayed.when <= when and delayed.due <= due:
                return
            when, due = min(delayed.when, when), min(delayed.due, due)
            delayed.timer.cancel()
        self._delay(key, when, due)

    def _delay(self, key: Key, when: float, due: float) -> None:
        timer = asyncio.get_running_loop().call_at(when, self._end_delay, key, due)
        self._delayed[key] = _Delay(timer, when, due)

    def _end_delay(self, key: Key, due: float) -> None:
        now = asyncio.get_running_loop().time()
        until = min(due, self._busy_until)
        if until > now:
            self._delay(key, until, due)
        else:
            del self._delayed[key]
            self._add(key, max(0.0, due - now))

    def _add(self, key: Key, patience: float) -> None:
        if key in self._running:
            self._again[key] = min(patience, self._again.get(key, inf))
        else:
            self._make_ready(key, patience)

    async def run(self, handler: Handler) -> None:
        """Have the handler run for every key, until cancelled."""
        async with asyncio.TaskGroup() as workers:
            for _ in range(self._concurrency):
                workers.create_task(self._work(handler))

    def open(self) -> None:
        """Let the workers begin; until then keys only gather."""
        self._opened.set()

    def close(self) -> None:
        """Cut off what runs, and run nothing more until the queue is opened again."""
        self._opened.clear()
        now = asyncio.get_running_loop().time()
        for cut in self._cuts:
            if not cut.expired():
                cut.reschedule(now)

    async def drain(self) -> None:
        """Begin nothing more, and wait for what runs."""
        self._opened.clear()
        await self._idle.wait()

    def stalled_for(self) -> float:
        """Seconds since work was last begun or ended, although there is some; 0 if there is none.

        A run is cut off after its time-out, so more than that means that the workers are stuck.
        """
        if not self._opened.is_set() or not (self._ready or self._running):
            return 0.0
        return asyncio.get_running_loop().time() - self._last_progress

    def _make_ready(self, key: Key, patience: float) -> None:
        due = asyncio.get_running_loop().time() + patience
        if self._ready.get(key, inf) <= due:
            return
        self._cancel_delay(key)
        if not (self._ready or self._running):
            self._note_progress()
        self._ready[key] = due
        self._pending.put_nowait((due, next(self._numbers), key))

    def _cancel_delay(self, key: Key) -> None:
        delayed = self._delayed.pop(key, None)
        if delayed is not None:
            delayed.timer.cancel()

    async def _work(self, handler: Handler) -> None:
        while True:
            due, _, key = await self._pending.get()
            await self._opened.wait()
            if self._ready.get(key) != due:
                continue  # it was moved forward
            del self._ready[key]
            self._cancel_delay(key)
            self._running.add(key)
            self._idle.clear()
            self._note_progress()
            try:
                with logs.about(*key):
                    failed = not await self._succeeds(handler, key)
            finally:
                self._running.discard(key)
                if not self._running:
                    self._idle.set()
            self._note_progress()
            self._settle(key, failed=failed)

    def _note_progress(self) -> None:
        self._last_progress = asyncio.get_running_loop().time()

    async def _succeeds(self, handler: Handler, key: Key) -> bool:
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            with self._tracing.span(f"reconcile {key.kind}", _attributes(key)):
                async with asyncio.timeout(self._run_timeout) as cut:
                    self._cuts.add(cut)
                    await handler(key)
        except Exception as error:  # noqa: BLE001 - whatever one object does, the others go on
            if self._opened.is_set():
                self._report(key, error)
            return False
        finally:
            self._cuts.discard(cut)
            self._metrics.reconcile_seconds.labels(key.kind).observe(loop.time() - started)
        self._metrics.reconciles.labels(key.kind, "ok").inc()
        return True

    def _report(self, key: Key, error: Exception) -> None:
        reason = error.reason if isinstance(error, KubeError | PodError) else type(error).__name__
        self._metrics.reconciles.labels(key.kind, "error").inc()
        self._metrics.errors.labels(key.kind, reason).inc()
        wait = self._backoff.delay(self._failures.get(key, 0) + 1)
        expected = isinstance(error, KubeError | PodError | TimeoutError)
        logger.log(
            logging.WARNING if expected else logging.ERROR,
            "Reconciliation failed, next try in %.3g s: %s",
            wait,
            error or reason,
            exc_info=None if expected else error,
        )

    def _settle(self, key: Key, *, failed: bool) -> None:
        """Decide when the key runs next."""
        if not failed:
            self._failures.pop(key, None)
        else:
            self._failures[key] = self._failures.get(key, 0) + 1
        patience = self._again.pop(key, None)
        if failed:  # even if there was news: it may be of what this very run has written
            self.add_after(key, self._backoff.delay(self._failures[key]))
        elif patience is not None:
            self._make_ready(key, patience)


def _attributes(key: Key) -> dict[str, str]:
    """The object, as OpenTelemetry's conventions name such things."""
    return {
        "k8s.namespace.name": key.namespace,
        "k8s.object.kind": key.kind,
        "k8s.object.name": key.name,
    }

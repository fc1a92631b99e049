"""A queue in virtual time, and a handler that remembers what it ran."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from speaker_operator.kube.errors import ConflictError
from speaker_operator.kube.resources import Key
from speaker_operator.metrics import OperatorMetrics
from speaker_operator.reconcile.backoff import Backoff
from speaker_operator.reconcile.queue import Handler, ReconcileQueue
from tests.unit.speaker_operator.virtual_time import run

A = Key("TTSService", "speech", "a")
B = Key("TTSService", "speech", "b")
BACKOFF = Backoff(base_seconds=1, factor=2, cap_seconds=10)


@dataclass
class Worker:
    """A handler that takes its time, fails as told, and remembers when it ran what."""

    seconds: float = 0
    failures: int = 0
    starts: list[tuple[float, Key]] = field(default_factory=list)
    running: int = 0
    most_running: int = 0

    async def __call__(self, key: Key) -> None:
        self.starts.append((asyncio.get_running_loop().time(), key))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.running -= 1
        if self.failures:
            self.failures -= 1
            raise ConflictError("not now")

    def times(self, key: Key = A) -> list[float]:
        return [time for time, each in self.starts if each == key]


def make(metrics: OperatorMetrics | None = None) -> ReconcileQueue:
    return ReconcileQueue(
        name="objects",
        concurrency=2,
        backoff=BACKOFF,
        run_timeout_seconds=60,
        metrics=metrics or OperatorMetrics(),
    )


@asynccontextmanager
async def working(queue: ReconcileQueue, handler: Handler) -> AsyncIterator[None]:
    """Run the queue while the context is open."""
    queue.open()
    task = asyncio.create_task(queue.run(handler))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def scenario(
    worker: Worker, act: Callable[[ReconcileQueue], Awaitable[None]], *, seconds: float = 100
) -> Worker:
    """Let the actions happen to a working queue, and so much time pass afterwards."""

    async def main() -> None:
        queue = make()
        async with working(queue, worker):
            await act(queue)
            await asyncio.sleep(seconds)

    run(main())
    return worker

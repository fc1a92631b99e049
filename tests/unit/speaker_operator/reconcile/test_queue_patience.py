"""The work queue: what can wait lets others go first, but not for ever."""

import asyncio

import pytest
import uvloop

from speaker_operator.kube.resources import Key
from speaker_operator.reconcile.queue import ReconcileQueue
from tests.unit.speaker_operator.reconcile.queues import (
    A,
    B,
    Worker,
    make,
    scenario,
    working,
)


def test_what_can_wait_is_overtaken_but_not_for_ever() -> None:
    others = [Key("TTSService", "speech", f"other-{number}") for number in range(40)]

    async def act(queue: ReconcileQueue) -> None:
        for key in others[:4]:
            queue.add(key)
        queue.add_after(A, 0.5, patience=10)
        for key in others[4:]:
            await asyncio.sleep(0.5)
            queue.add(key)

    worker = scenario(Worker(seconds=1), act)
    (began,) = worker.times()
    assert 10.5 <= began < 13, "two workers, and two new keys a second"
    assert [key for _, key in worker.starts if key != A] == others


def test_what_can_wait_runs_as_soon_as_there_is_nothing_else() -> None:
    async def act(queue: ReconcileQueue) -> None:
        queue.add_after(A, 0.5, patience=10)

    assert scenario(Worker(), act).times() == [0.5]


def test_what_can_wait_lets_others_come_first_even_if_a_worker_is_free() -> None:
    async def act(queue: ReconcileQueue) -> None:
        queue.add_after(A, 0.1, patience=2)
        for _ in range(10):
            queue.add(B)
            await asyncio.sleep(0.1)

    assert scenario(Worker(), act).times() == pytest.approx([1.2]), "0.3 s after the last of them"


def test_what_can_wait_does_not_wait_for_ever_though_a_worker_is_free() -> None:
    async def act(queue: ReconcileQueue) -> None:
        queue.add_after(A, 0.1, patience=2)
        for _ in range(50):
            queue.add(B)
            await asyncio.sleep(0.1)

    assert scenario(Worker(), act).times() == pytest.approx([2.1])


def test_what_can_wait_is_moved_forward_and_runs_once() -> None:
    async def act(queue: ReconcileQueue) -> None:
        for key in (B, Key("TTSService", "speech", "c"), Key("TTSService", "speech", "d")):
            queue.add(key)
        queue.add_after(A, 0.5, patience=10)
        await asyncio.sleep(1)
        queue.add(A)
        queue.add(Key("TTSService", "speech", "e"))

    worker = scenario(Worker(seconds=2), act)
    assert worker.times() == [2]
    assert worker.starts[3][1] == A or worker.starts[2][1] == A


def test_news_of_a_failed_key_that_can_wait_end_its_pause() -> None:
    async def act(queue: ReconcileQueue) -> None:
        queue.add(A)
        await asyncio.sleep(0.1)
        queue.add_after(A, 0.2, patience=10)

    times = scenario(Worker(failures=1), act).times()
    assert times == pytest.approx([0, 0.3])


def test_what_is_due_at_once_can_be_put_off_again_in_the_loop_that_the_operator_has() -> None:
    ran: list[Key] = []

    async def main() -> None:
        queue, over = make(), asyncio.Event()

        async def handle(key: Key) -> None:
            ran.append(key)
            over.set()

        async with working(queue, handle):
            for _ in range(3):
                queue.add_after(A, 0.0, patience=10)
            async with asyncio.timeout(10):
                await over.wait()

    uvloop.run(main())
    assert ran == [A]

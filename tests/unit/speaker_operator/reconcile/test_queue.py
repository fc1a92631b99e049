"""The work queue: dedup, one worker per key, backoff, bounded concurrency."""

import asyncio

import pytest

from speaker_operator.kube.resources import Key
from speaker_operator.metrics import OperatorMetrics
from speaker_operator.reconcile.queue import ReconcileQueue
from tests.unit.speaker_operator.reconcile.queues import (
    A,
    B,
    Worker,
    make,
    scenario,
    working,
)
from tests.unit.speaker_operator.virtual_time import run


def test_a_key_that_waits_is_not_added_twice() -> None:
    async def act(queue: ReconcileQueue) -> None:
        for _ in range(5):
            queue.add(A)

    assert scenario(Worker(), act).times() == [0]


def test_a_key_that_runs_is_run_once_more() -> None:
    async def act(queue: ReconcileQueue) -> None:
        queue.add(A)
        await asyncio.sleep(1)
        queue.add(A)
        queue.add(A)

    assert scenario(Worker(seconds=3), act).times() == [0, 3]


def test_a_key_never_runs_twice_at_once_and_others_go_on() -> None:
    async def act(queue: ReconcileQueue) -> None:
        queue.add(A)
        await asyncio.sleep(1)
        queue.add(A)
        queue.add(B)

    worker = scenario(Worker(seconds=3), act)
    assert (worker.times(A), worker.times(B)) == ([0, 3], [1])


def test_concurrency_is_bounded() -> None:
    async def act(queue: ReconcileQueue) -> None:
        for number in range(10):
            queue.add(Key("Voice", "speech", str(number)))

    worker = scenario(Worker(seconds=1), act)
    assert (len(worker.starts), worker.most_running) == (10, 2)


def test_a_failed_key_waits_longer_each_time_up_to_the_cap() -> None:
    async def act(queue: ReconcileQueue) -> None:
        queue.add(A)

    assert scenario(Worker(failures=6), act).times() == [0, 1, 3, 7, 15, 25, 35]


def test_success_ends_the_memory_of_failures() -> None:
    async def act(queue: ReconcileQueue) -> None:
        queue.add(A)
        await asyncio.sleep(50)
        worker.failures = 1
        queue.add(A)

    worker = Worker(failures=2)
    assert scenario(worker, act).times() == [0, 1, 3, 50, 51]


def test_news_about_a_failed_key_ends_its_wait() -> None:
    async def act(queue: ReconcileQueue) -> None:
        queue.add(A)
        await asyncio.sleep(0.5)
        queue.add(A)

    assert scenario(Worker(failures=1), act).times() == [0, 0.5]


def test_news_during_a_run_that_fails_does_not_shorten_the_wait() -> None:
    async def act(queue: ReconcileQueue) -> None:
        queue.add(A)
        await asyncio.sleep(1)
        queue.add(A)

    assert scenario(Worker(seconds=2, failures=1), act).times() == [0, 3]


def test_a_delayed_key_gathers_what_comes_meanwhile() -> None:
    async def act(queue: ReconcileQueue) -> None:
        queue.add_after(A, 2)
        await asyncio.sleep(1)
        queue.add_after(A, 2)

    assert scenario(Worker(), act).times() == [2]


def test_an_earlier_delay_comes_before_a_later_one() -> None:
    async def act(queue: ReconcileQueue) -> None:
        queue.add_after(A, 9)
        queue.add_after(A, 2)

    assert scenario(Worker(), act).times() == [2]


def test_a_delayed_key_that_is_added_runs_at_once_and_only_once() -> None:
    async def act(queue: ReconcileQueue) -> None:
        queue.add_after(A, 2)
        queue.add(A)

    assert scenario(Worker(), act).times() == [0]


def test_a_delay_that_ends_during_a_run_leads_to_another_run() -> None:
    async def act(queue: ReconcileQueue) -> None:
        queue.add(A)
        await asyncio.sleep(1)
        queue.add_after(A, 1)

    assert scenario(Worker(seconds=5), act).times() == [0, 5]


def test_a_run_that_takes_too_long_is_cut_off_and_tried_again() -> None:
    async def act(queue: ReconcileQueue) -> None:
        queue.add(A)

    worker = scenario(Worker(seconds=1000), act)
    assert worker.times() == [0, 61]


def test_nothing_runs_before_the_queue_is_opened() -> None:
    async def main() -> list[float]:
        queue, worker = make(), Worker()
        task = asyncio.create_task(queue.run(worker))
        queue.add(A)
        await asyncio.sleep(5)
        queue.open()
        await asyncio.sleep(1)
        task.cancel()
        return worker.times()

    assert run(main()) == [5]


def test_an_unforeseen_error_does_not_end_the_workers(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(key: Key) -> None:
        ran.append(key)
        raise ZeroDivisionError

    async def main() -> None:
        queue = make()
        async with working(queue, broken):
            queue.add(A)
            await asyncio.sleep(0.5)
            queue.add(B)
            await asyncio.sleep(0.1)

    ran: list[Key] = []
    run(main())
    assert ran == [A, B]
    assert "ZeroDivisionError" in caplog.text


def test_the_queue_counts_what_it_does() -> None:
    metrics = OperatorMetrics()

    async def main() -> None:
        queue = make(metrics)
        async with working(queue, Worker(failures=1)):
            queue.add(A)
            await asyncio.sleep(0.5)
            assert metrics.registry.get_sample_value(
                "speaker_operator_queue_depth", {"queue": "objects", "state": "delayed"}
            )
            await asyncio.sleep(5)

    run(main())
    value = metrics.registry.get_sample_value
    assert (
        value("speaker_operator_reconciles_total", {"kind": "TTSService", "result": "ok"}),
        value("speaker_operator_reconciles_total", {"kind": "TTSService", "result": "error"}),
        value(
            "speaker_operator_reconcile_errors_total", {"kind": "TTSService", "reason": "Conflict"}
        ),
        value("speaker_operator_queue_depth", {"queue": "objects", "state": "delayed"}),
        value("speaker_operator_queue_depth", {"queue": "objects", "state": "ready"}),
    ) == (1, 1, 1, 0, 0)


def test_workers_that_get_nowhere_are_noticed() -> None:
    async def main() -> tuple[float, float, float]:
        queue = make()
        async with working(queue, Worker(seconds=1000)):
            idle = queue.stalled_for()
            queue.add(A)
            await asyncio.sleep(30)
            busy = queue.stalled_for()
        return idle, busy, queue.stalled_for()

    assert run(main()) == (0, 30, 0)

"""What a session has still to do."""

import asyncio

from speaker_runtime.http.stream.backlog import Backlog, Step, ToSpeak


async def test_tasks_come_in_order_and_sentences_are_counted() -> None:
    backlog = Backlog(most=10)
    backlog.put(["one", "two"])
    backlog.add(Step.DONE)
    assert [await backlog.take() for _ in range(3)] == [
        ToSpeak("one", 0),
        ToSpeak("two", 1),
        Step.DONE,
    ]
    assert backlog.is_empty


async def test_what_is_forgotten_keeps_its_number() -> None:
    backlog = Backlog(most=10)
    backlog.put(["one"])
    backlog.clear()
    backlog.put(["two"])
    assert await backlog.take() == ToSpeak("two", 1)


async def test_who_writes_too_much_waits_for_room() -> None:
    backlog = Backlog(most=5)
    backlog.put(["one", "two", "six"])
    writer = asyncio.create_task(backlog.room())
    await backlog.take()
    await asyncio.wait((writer,), timeout=0.01)
    assert not writer.done()
    await backlog.take()
    await asyncio.wait_for(writer, timeout=1)


async def test_forgetting_makes_room() -> None:
    backlog = Backlog(most=5)
    backlog.put(["one", "two"])
    writer = asyncio.create_task(backlog.room())
    await asyncio.wait((writer,), timeout=0.01)
    backlog.clear()
    await asyncio.wait_for(writer, timeout=1)

"""Work for a client that may go."""

import asyncio

import pytest
from starlette.types import Message

from speaker_runtime.http.disconnect import ClientGoneError, unless_gone


async def gone() -> Message:
    return {"type": "http.disconnect"}


async def there() -> Message:
    return await asyncio.Future()


async def test_work_is_done_while_the_client_is_there() -> None:
    async def work() -> str:
        return "done"

    assert await unless_gone(there, work()) == "done"


async def test_an_error_of_the_work_is_its_own() -> None:
    async def work() -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        await unless_gone(there, work())


async def test_work_for_nobody_is_cancelled() -> None:
    cancelled = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Future()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with pytest.raises(ClientGoneError):
        await unless_gone(gone, work())
    assert cancelled.is_set()

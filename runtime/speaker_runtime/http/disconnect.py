"""Stops work for a client that has gone."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from starlette.types import Receive

T = TypeVar("T")


class ClientGoneError(Exception):
    """The client closed its connection before the answer was complete."""


async def unless_gone(receive: Receive, work: Awaitable[T]) -> T:
    """Do ``work``, but cancel it when the client goes; the request's body must have been read.

    The work is done by the caller's own task, as in :func:`asyncio.timeout`: every answer passes
    here, and a task of its own for each would cost as much as the rest of a cached one's way.

    Raises:
        ClientGoneError: The client went first.
    """
    working = asyncio.current_task()
    if working is None:  # there is no coroutine outside of a task
        raise RuntimeError("unless_gone is for tasks")
    is_gone = False

    def gone(watching: "asyncio.Task[None]") -> None:
        nonlocal is_gone
        if not watching.cancelled():
            is_gone = True
            working.cancel()

    watching = asyncio.create_task(_gone(receive))
    watching.add_done_callback(gone)
    try:
        return await work
    except asyncio.CancelledError as error:
        if is_gone and not working.uncancel():
            raise ClientGoneError("the client has gone") from error
        raise
    finally:
        watching.remove_done_callback(gone)
        watching.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

"""Writes only while they are allowed: asked again at the moment in which they leave."""

from collections.abc import Callable

import aiohttp
from aiohttp.abc import AbstractStreamWriter

Guard = Callable[[], None]
"""Raises a ``KubeError`` if nothing may be written now."""


def unguarded() -> None:
    """Let every write pass."""


class GuardedBody(aiohttp.BytesPayload):
    """A request's body, which is sent only if the guard still agrees at that moment.

    A request waits for its turn, for a connection, and perhaps for a frozen process to go on. The
    API server heeds none whose body it does not get.
    """

    def __init__(self, content: bytes, guard: Guard) -> None:
        super().__init__(content)
        self._guard = guard

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        """Send the body, or break the request off."""
        self._guard()
        await super().write_with_length(writer, content_length)

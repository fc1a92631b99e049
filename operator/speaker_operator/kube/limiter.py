"""A ceiling on how often something happens: a token bucket."""

import asyncio


class RateLimiter:
    """Lets ``burst`` callers pass at once, and ``rate`` per second after that, in their order."""

    def __init__(self, rate: float, burst: int) -> None:
        self._interval = 1.0 / rate
        self._capacity = burst * self._interval
        self._full_at = 0.0
        """When the bucket will be full again: one interval per token that is missing."""
        self._held_until = 0.0

    def hold(self, seconds: float) -> None:
        """Let nobody pass for so long."""
        until = asyncio.get_running_loop().time() + seconds
        self._held_until = max(self._held_until, until)

    async def acquire(self) -> None:
        """Wait for this caller's turn."""
        now = asyncio.get_running_loop().time()
        self._full_at = max(self._full_at, now) + self._interval
        wait = max(self._full_at - self._capacity, self._held_until) - now
        if wait > 0:
            await asyncio.sleep(wait)

"""The ceiling on requests: a burst at once, then a steady rate."""

import asyncio

from speaker_operator.kube.limiter import RateLimiter
from tests.unit.speaker_operator.virtual_time import run


def times(rate: float, burst: int, calls: int, idle: float = 0) -> list[float]:
    """When each call of two rounds was let through, with an idle time between the rounds."""

    async def main() -> list[float]:
        limiter, passed = RateLimiter(rate, burst), []
        loop = asyncio.get_running_loop()
        for pause in (0, idle) if idle else (0,):
            await asyncio.sleep(pause)
            for _ in range(calls):
                await limiter.acquire()
                passed.append(round(loop.time(), 6))
        return passed

    return run(main())


def test_a_burst_passes_at_once_and_the_rest_at_the_rate() -> None:
    assert times(rate=10, burst=3, calls=5) == [0, 0, 0, 0.1, 0.2]


def test_idle_time_fills_the_bucket_up_to_the_burst() -> None:
    assert times(rate=10, burst=2, calls=3, idle=100) == [0, 0, 0.1, 100.1, 100.1, 100.2]


def test_while_it_is_held_nobody_passes() -> None:
    async def main() -> float:
        limiter, loop = RateLimiter(100, 100), asyncio.get_running_loop()
        limiter.hold(3)
        limiter.hold(1)  # a shorter one shortens nothing
        await limiter.acquire()
        return loop.time()

    assert run(main()) == 3

"""Wait for a condition, with a name and a limit."""

import time
from collections.abc import Callable

from cluster.errors import Timeout

INTERVAL = 0.1


def until(
    condition: Callable[[], bool], *, what: str, timeout: float, interval: float = INTERVAL
) -> None:
    """Return as soon as ``condition`` is true.

    Raises:
        Timeout: It was not true within ``timeout`` seconds; the message says ``what`` was awaited.
    """
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise Timeout(f"{what}: not within {timeout:g} s")
        time.sleep(interval)

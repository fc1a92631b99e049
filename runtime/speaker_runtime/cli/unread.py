"""What the kernel still holds of this process's answers, for clients that read slowly.

It would go on to send that after the process has ended, were it not that a pod's network ends with
its processes: up to some megabytes, a minute of speech, would be lost.
"""

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Final

logger = logging.getLogger(__name__)

_TABLES: Final = (Path("/proc/self/net/tcp"), Path("/proc/self/net/tcp6"))
_LISTENING: Final = "0A"
_LOOK_SECONDS: Final = 0.1


async def all_read(port: int, within: float) -> None:
    """Wait until every client of a port has what was sent to it, at most so many seconds.

    Only Linux tells; elsewhere nothing is waited for.
    """
    is_told = False
    try:
        async with asyncio.timeout(within):
            while held := unread(port, _lines()):
                if not is_told:
                    logger.info("waiting for clients to read", extra={"fields": {"bytes": held}})
                is_told = True
                await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError:
        logger.warning("clients have not read all of it", extra={"fields": {"bytes": held}})


def unread(port: int, lines: Iterable[str]) -> int:
    """Bytes that a port has sent and that nobody has acknowledged.

    Args:
        port: Of this side.
        lines: As ``/proc/net/tcp`` has them (Linux, Documentation/networking/proc_net_tcp.rst).
    """
    held = 0
    for line in lines:
        _, local, _, state, queues, *_ = line.split(maxsplit=5)
        if local.endswith(f":{port:04X}") and state != _LISTENING:
            waiting, _ = queues.split(":")
            held += int(waiting, 16)
    return held


def _lines() -> list[str]:
    """A line for each connection there is in this network."""
    tables = (table.read_text("ascii") for table in _TABLES if table.exists())
    return [line for table in tables for line in table.splitlines()[1:]]

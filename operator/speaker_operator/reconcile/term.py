"""From election to election: what a leader does that a replica which stands by must not."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Final

from speaker_operator.reconcile.elector import Elector
from speaker_operator.reconcile.queue import ReconcileQueue
from speaker_operator.reconcile.resync import Resync

logger = logging.getLogger(__name__)

_DRAIN_SECONDS: Final = 2.0


class Terms:
    """Has the queues work while this process leads.

    Args:
        elector: Knows when that is.
        resync: Knows what there is to work on.
        queues: What works on it.
        begin: Queues everything.
        rest: Forgets what the term has learnt.
    """

    def __init__(
        self,
        elector: Elector,
        resync: Resync,
        queues: Iterable[ReconcileQueue],
        *,
        begin: Callable[[], None],
        rest: Callable[[], None],
    ) -> None:
        self._elector = elector
        self._resync = resync
        self._queues = tuple(queues)
        self._begin = begin
        self._rest = rest

    async def run(self) -> None:
        """Work term after term, until cancelled."""
        while True:
            await self._elector.elected()
            self._begin()
            for queue in self._queues:
                queue.open()
            self._resync.soon()
            await self._elector.deposed()
            for queue in self._queues:
                queue.close()
            await self._drained()
            self._rest()

    async def end(self) -> None:
        """Bring to an end what has begun, begin nothing more, and give the lease up."""
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                await self._drained()
        except TimeoutError:
            logger.warning("Some reconciliations are cut off: they took too long to end")
        for queue in self._queues:
            queue.close()
        await self._elector.release()

    async def _drained(self) -> None:
        await asyncio.gather(*(queue.drain() for queue in self._queues))

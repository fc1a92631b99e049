"""Be elected leader by a Lease, and know at every moment whether that still holds."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final

from speaker_operator.kube.client import KubeClient
from speaker_operator.kube.errors import (
    ConflictError,
    KubeError,
    NotFoundError,
    NotLeadingError,
    UnavailableError,
)
from speaker_operator.kube.resources import LEASE
from speaker_operator.metrics import OperatorMetrics
from speaker_operator.reconcile import lease
from speaker_operator.reconcile.lease import Sighting, Timing

logger = logging.getLogger(__name__)

_RELEASE_SECONDS: Final = 2.0


class Elector:
    """Claims a Lease, renews it, and gives it up.

    Args:
        client: What asks for the lease; its writes must not depend on who leads.
        namespace: Where the lease is.
        name: Of the lease: all replicas of one installation share it.
        identity: Of this process, unlike any other's.
        timing: How long the lease lasts.
        clock: Seconds that also pass while the machine sleeps or the process is frozen.
        now: What time it is, for people who read the lease.
        metrics: Where leadership is told.
    """

    def __init__(
        self,
        client: KubeClient,
        *,
        namespace: str,
        name: str,
        identity: str,
        timing: Timing,
        clock: Callable[[], float],
        now: Callable[[], datetime],
        metrics: OperatorMetrics,
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._timing = timing
        self._clock = clock
        self._now = now
        self._metrics = metrics
        self._seen = Sighting()
        self._leads_until = 0.0
        self._stands = True
        self._turns = asyncio.Lock()
        self._elected = asyncio.Event()
        self._deposed = asyncio.Event()
        self._deposed.set()
        metrics.leading.set(0)

    def check(self) -> None:
        """Raise ``NotLeadingError`` unless this process leads at this very moment."""
        if self._clock() >= self._leads_until:
            raise NotLeadingError("another replica may lead by now")

    async def elected(self) -> None:
        """Wait until this process leads."""
        await self._elected.wait()

    async def deposed(self) -> None:
        """Wait until it does not."""
        await self._deposed.wait()

    async def run(self, *ready: asyncio.Event) -> None:
        """Stand for election once this process is ready to lead, until it is released."""
        for each in ready:
            await each.wait()
        while self._stands:
            async with self._turns:
                wait = await self._turn()
            await asyncio.sleep(wait)

    async def release(self) -> None:
        """Stand no more, and give the lease up: nobody need wait until it runs out."""
        self._stands = False
        if not self._elected.is_set():
            return
        try:
            async with asyncio.timeout(_RELEASE_SECONDS), self._turns:
                self._step_down("it was told to stop")
                await self._write(lease.released(self._seen, self._now()))
        except (KubeError, TimeoutError) as error:
            logger.warning(
                "Lease not released, it runs out in %d s: %s",
                self._timing.lease_seconds,
                error or type(error).__name__,
            )

    async def _turn(self) -> float:
        """Look at the lease once, and claim or renew it if that is due; returns when to again."""
        began = self._clock()
        try:
            async with asyncio.timeout(self._patience(began)):
                wait = await self._claim(began)
        except (KubeError, TimeoutError) as error:
            wait = self._timing.retry_seconds
            logger.warning("Lease not reached: %s", error or type(error).__name__)
        now = self._clock()
        if self._elected.is_set():
            if now >= self._leads_until:
                self._step_down("it could not renew its lease in time")
            else:
                wait = min(wait, self._leads_until - now)
        return wait

    def _patience(self, now: float) -> float:
        """A renewal is tried more than once before the deadline."""
        most = self._timing.deadline_seconds / 2
        return min(most, max(self._leads_until - now, 0.1)) if self._elected.is_set() else most

    async def _claim(self, began: float) -> float:
        if not self._elected.is_set() or not self._seen.version:
            found = await self._client.read(LEASE, self._namespace, self._name)
            self._seen = self._seen.renewed_by(found, self._clock())
        wait = lease.wait_before_claiming(self._seen, self._identity, self._timing, self._clock())
        if wait > 0:
            if self._elected.is_set():
                self._step_down(f"{self._seen.holder} has taken its lease")
            return min(wait, self._timing.retry_seconds)
        try:
            await self._write(lease.claim(self._seen, self._identity, self._timing, self._now()))
        except (ConflictError, NotFoundError):
            self._seen = Sighting(self._seen.spec, "", self._seen.since)  # to be read anew
            return 0.0 if self._elected.is_set() else self._timing.retry_seconds
        self._leads_until = began + self._timing.deadline_seconds
        if not self._elected.is_set():
            self._step_up()
        return self._timing.retry_seconds

    async def _write(self, spec: dict[str, object]) -> None:
        body = lease.manifest(self._namespace, self._name, spec, self._seen.version)
        write = self._client.replace if self._seen.version else self._client.create
        written = await write(body)
        self._seen = self._seen.renewed_by(written, self._clock())

    def _step_up(self) -> None:
        if self._clock() >= self._leads_until:  # it took so long that it may be another's by now
            raise UnavailableError("the lease was claimed too slowly")
        logger.info("Leading: holder of Lease %s/%s", self._namespace, self._name)
        self._metrics.leading.set(1)
        self._metrics.terms.inc()
        self._deposed.clear()
        self._elected.set()

    def _step_down(self, reason: str) -> None:
        logger.warning("Leading no more: %s", reason)
        self._leads_until = 0.0
        self._metrics.leading.set(0)
        self._elected.clear()
        self._deposed.set()

"""The gateway itself: its servers, which of them answers, and what becomes of its requests."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from speaker_runtime.contract import GatewayConfig, RouteManifest, Upstream
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.services.gateway import choosing
from speaker_runtime.services.gateway.metrics import GatewayMetrics
from speaker_runtime.services.gateway.outward import Outward
from speaker_runtime.services.gateway.upstream import Server
from speaker_runtime.services.gateway.watch import Watch, refresh_all

MOST_IN_FLIGHT: Final = 1024
"""Requests and sessions of one process."""
_SYNC_SECONDS: Final = 1.5
"""For which an answer to changed routes waits until new servers were asked once."""


@dataclass(frozen=True)
class Wish:
    """What decides who answers a request.

    Attributes:
        model: The name that it gives.
        voice: The voice that it asks for; None if it names none.
        native: Whether only a server of this project has the path.
        characters: Of its text.
    """

    model: str
    voice: str | None
    native: bool = False
    characters: int = 0


class Gateway:
    """Knows the servers and chooses among them; use :meth:`running` around its work.

    Args:
        config: How it serves.
        routes: The servers behind it, at first.
    """

    def __init__(self, config: GatewayConfig, routes: RouteManifest) -> None:
        self.config = config
        self.routes = routes
        self.metrics = GatewayMetrics(lambda: self.servers)
        self.way = Outward(config.answer_seconds)
        self.is_draining = False
        self.has_begun = False
        """Whether every server was asked once, or was given the time to answer."""
        self._watches: dict[str, Watch] = {}
        self._turns = itertools.count()
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def servers(self) -> list[Server]:
        """Every server, in the order in which they are declared."""
        return [watch.server for watch in self._watches.values()]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch the servers meanwhile."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.way)
            stack.push_async_callback(self._stop)
            self._watches = self._watched(self.routes)
            beginning = asyncio.create_task(self._begin())
            yield
            beginning.cancel()
            await asyncio.gather(beginning, return_exceptions=True)

    async def _begin(self) -> None:
        await self.asked_once()
        self.has_begun = True

    async def change_routes(self, routes: RouteManifest) -> None:
        """Have these servers from now on; what has begun at others is finished there.

        A server that stays as it was declared keeps what is known of it.
        """
        before = self._watches
        self.routes, self._watches = routes, self._watched(routes)
        kept = set(self._watches.values())
        await asyncio.gather(*(each.stop() for each in before.values() if each not in kept))

    async def asked_once(self) -> None:
        """Wait for new servers to answer, but not for long."""
        watches = list(self._watches.values())
        try:
            async with asyncio.timeout(_SYNC_SECONDS):
                await asyncio.gather(*(watch.first_probe() for watch in watches))
        except TimeoutError:
            return  # it is told of them that they have not been asked yet

    async def choose(self, wish: Wish) -> list[Server]:
        """The servers that can fulfil a wish, the best one first.

        What no server has is asked for once more before it is refused: it may be new.

        Raises:
            SpeechError: There is none.
        """
        try:
            return self._chosen(wish)
        except SpeechError as error:
            if error.code not in {ErrorCode.MODEL_NOT_FOUND, ErrorCode.VOICE_NOT_FOUND}:
                raise
        await refresh_all(self._watches.values())
        return self._chosen(wish)

    def ours(self) -> list[Server]:
        """The servers of this project that are in service.

        Raises:
            SpeechError: There are none.
        """
        return choosing.in_order(self._native(), 0)

    @contextmanager
    def work(self) -> Iterator[None]:
        """A request is under way.

        Raises:
            SpeechError: The process is ending, or has too much to do.
        """
        if self.is_draining:
            raise SpeechError(ErrorCode.SHUTTING_DOWN, "This process is ending.", retry_after=1)
        if self._in_flight >= MOST_IN_FLIGHT:
            raise SpeechError(
                ErrorCode.OVERLOADED,
                f"The gateway hands on {MOST_IN_FLIGHT} requests already.",
                retry_after=1,
            )
        self._in_flight += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._idle.set()

    async def drain(self) -> None:
        """Take nothing new, and wait for what is under way, within bounds."""
        self.is_draining = True
        try:
            async with asyncio.timeout(self.config.drain_seconds):
                await self._idle.wait()
        except TimeoutError:
            return  # what is left is cut off

    def _chosen(self, wish: Wish) -> list[Server]:
        servers = self._native() if wish.native else self.servers
        found = choosing.of_model(servers, wish.model)
        if wish.voice is not None:
            found = choosing.of_voice(found, wish.voice)
        return choosing.in_order(found, next(self._turns))

    def _native(self) -> list[Server]:
        return [each for each in self.servers if each.upstream.kind == "speaker"]

    def _watched(self, routes: RouteManifest) -> dict[str, Watch]:
        known: Mapping[Upstream, Watch] = MappingProxyType(
            {watch.server.upstream: watch for watch in self._watches.values()}
        )
        return {
            each.name: known.get(each) or Watch(Server(each), self.way) for each in routes.upstreams
        }

    async def _stop(self) -> None:
        await asyncio.gather(*(watch.stop() for watch in self._watches.values()))


def attempts(servers: Sequence[Server], most: int) -> Iterator[Server]:
    """Whom to ask, one after another: a lone server twice, as it may be several pods."""
    once: Collection[Server] = servers[:most]
    yield from once
    if len(once) == 1:
        yield servers[0]

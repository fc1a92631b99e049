"""An HTTPS proxy between the operator and the API server, which fails as a test asks for."""

import asyncio
import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
from aiohttp import web

from cluster.envtest import ControlPlane, free_ports

START_TIMEOUT: Final = 10
HELD_BACK: Final = frozenset({"Host", "Transfer-Encoding", "Connection", "Content-Length"})
LONGEST_LINE: Final = 8 * 2**20
WRITES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
GONE: Final = {
    "type": "ERROR",
    "object": {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": "too old resource version",
        "reason": "Expired",
        "code": 410,
    },
}


@dataclass(frozen=True)
class Asked:
    """A request of the operator."""

    verb: str
    path: str
    query: Mapping[str, str]

    @property
    def watches(self) -> bool:
        return "watch" in self.query

    @property
    def writes(self) -> bool:
        """Whether it changes anything but the lease."""
        return self.verb in WRITES and "/leases" not in self.path


@dataclass(frozen=True)
class Exchange:
    """A request, and how it was answered."""

    asked: Asked
    status: int


@dataclass
class Fault:
    """What happens to requests, in place of an answer of the API server or before it."""

    concerns: Callable[[Asked], bool]
    status: int | None = None
    """The answer; None lets the API server answer."""
    headers: dict[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    times: int | None = None
    """How often; None for as long as the fault lasts."""
    met: int = 0
    """How many requests it has hit."""


class FaultyProxy:
    """Forwards everything as one user, but for what it was told to do instead."""

    def __init__(
        self, upstream: str, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
    ) -> None:
        self._upstream = upstream
        self._server_tls = server_tls
        self._client_tls = client_tls
        self._loop = asyncio.new_event_loop()
        self._faults: list[Fault] = []
        self._through = asyncio.Event()
        self._through.set()
        self._watches: dict[asyncio.Future[str], Asked] = {}
        self._held: list[Asked] = []
        self._release = asyncio.Event()
        self.port = free_ports(1)[0]
        self.exchanges: list[Exchange] = []
        """What was asked and answered so far, in the order of the answers."""

    def cut(self) -> None:
        """Hold everything back, in both directions, as a network does that loses packets."""
        self._loop.call_soon_threadsafe(self._through.clear)

    def heal(self) -> None:
        """Deliver what was held back, and everything from now on."""
        self._loop.call_soon_threadsafe(self._through.set)

    @contextmanager
    def failing(self, fault: Fault) -> Iterator[Fault]:
        """Have a fault for as long as the context lasts."""
        self._faults.append(fault)
        try:
            yield fault
        finally:
            self._faults.remove(fault)

    @contextmanager
    def holding(self, concerns: Callable[[Asked], bool]) -> Iterator[list[Asked]]:
        """Hold some requests back, and deliver them when the context ends; yields them."""
        fault = Fault(concerns, delay_seconds=float("inf"))
        held = self._held = []
        with self.failing(fault):
            yield held
        self._loop.call_soon_threadsafe(self._release.set)

    def cut_watches(self) -> int:
        """Break all watches off; returns how many there were."""
        return self._tell_watches("cut")

    def expire_watches(self) -> int:
        """Have all watches told that they are too far behind; returns how many there were."""
        return self._tell_watches("gone")

    def writes(self) -> list[Exchange]:
        """All that changed anything, or was to."""
        return [each for each in self.exchanges if each.asked.writes]

    def _tell_watches(self, command: str) -> int:
        async def tell() -> int:
            told = [each for each in self._watches if not each.done()]
            for each in told:
                each.set_result(command)
            return len(told)

        return asyncio.run_coroutine_threadsafe(tell(), self._loop).result(START_TIMEOUT)

    def run(self, started: threading.Event) -> None:
        """Serve until :meth:`stop`; for a thread of its own."""
        self._loop.run_until_complete(self._serve(started))
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)

    async def _serve(self, started: threading.Event) -> None:
        self._stopped = asyncio.Event()
        app = web.Application(client_max_size=LONGEST_LINE)
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._client_tls, limit=0),
            timeout=aiohttp.ClientTimeout(total=None),
            read_bufsize=LONGEST_LINE,
            auto_decompress=False,
        ) as self._session:
            await runner.setup()
            try:
                await web.TCPSite(
                    runner, "127.0.0.1", self.port, ssl_context=self._server_tls
                ).start()
                started.set()
                await self._stopped.wait()
            finally:
                self._through.set()
                self._release.set()
                await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        asked = Asked(request.method, request.path, dict(request.query))
        body = await request.read()
        await self._through.wait()
        for fault in list(self._faults):
            if fault.concerns(asked) and (fault.times is None or fault.met < fault.times):
                fault.met += 1
                answer = await self._fail(fault, asked)
                if answer is not None:
                    return answer
        response = web.StreamResponse()
        try:
            async with self._session.request(
                request.method,
                self._upstream + request.raw_path,
                data=body or None,
                headers=_forwarded(request.headers),
            ) as upstream:
                self.exchanges.append(Exchange(asked, upstream.status))
                response.set_status(upstream.status)
                response.headers.update(_forwarded(upstream.headers))
                if asked.watches:
                    await response.prepare(request)
                    await self._stream(request, response, upstream, asked)
                else:
                    content = await upstream.read()
                    await self._through.wait()
                    response.content_length = len(content)
                    await response.prepare(request)
                    await response.write(content)
        except aiohttp.ClientError:  # one of the two sides is away
            self._break(request)
        return response

    async def _fail(self, fault: Fault, asked: Asked) -> web.StreamResponse | None:
        if fault.delay_seconds == float("inf"):
            self._held.append(asked)
            self._release.clear()
            await self._release.wait()
        elif fault.delay_seconds:
            await asyncio.sleep(fault.delay_seconds)
        if fault.status is None:
            return None
        self.exchanges.append(Exchange(asked, fault.status))
        status = {**GONE["object"], "code": fault.status, "message": "as the test asks for"}  # type: ignore[dict-item]
        return web.json_response(status, status=fault.status, headers=fault.headers)

    async def _stream(
        self,
        request: web.Request,
        response: web.StreamResponse,
        upstream: aiohttp.ClientResponse,
        asked: Asked,
    ) -> None:
        """Forward a watch line by line, until it ends or is told to."""
        command: asyncio.Future[str] = self._loop.create_future()
        self._watches[command] = asked
        try:
            while True:
                line = asyncio.ensure_future(upstream.content.readline())
                either: set[asyncio.Future[Any]] = {line, command}
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                if command.done():
                    line.cancel()
                    break
                await self._through.wait()
                if not line.result():
                    return
                await response.write(line.result())
            if command.result() == "gone":
                await response.write(json.dumps(GONE).encode() + b"\n")
            else:
                self._break(request)
        finally:
            del self._watches[command]

    @staticmethod
    def _break(request: web.Request) -> None:
        if request.transport is not None:
            request.transport.abort()


def _forwarded(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in HELD_BACK}


@contextmanager
def faulty_proxy(plane: ControlPlane, kubeconfig: Path) -> Iterator[tuple[FaultyProxy, Path]]:
    """A proxy that asks as the kubeconfig's user, and a kubeconfig that leads to it."""
    document: dict[str, Any] = json.loads(kubeconfig.read_text())
    folder = kubeconfig.parent
    pki = plane.ca_file.parent
    server_tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_tls.load_cert_chain(pki / "apiserver.crt", pki / "apiserver.key")
    client_tls = ssl.create_default_context(cafile=str(plane.ca_file))
    user = pki / f"{kubeconfig.stem}"
    client_tls.load_cert_chain(f"{user}.crt", f"{user}.key")
    proxy = FaultyProxy(plane.url, server_tls, client_tls)
    document["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{proxy.port}"
    through = folder / f"{kubeconfig.stem}-{proxy.port}.kubeconfig"
    through.write_text(json.dumps(document))
    started = threading.Event()
    thread = threading.Thread(target=proxy.run, args=(started,))
    thread.start()
    try:
        assert started.wait(START_TIMEOUT), "the proxy does not listen"
        yield proxy, through
    finally:
        proxy.stop()
        thread.join(START_TIMEOUT)

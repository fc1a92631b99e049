"""The way to the API server: one session, a time-out and a rate ceiling on every request."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import kopf
import orjson

from speaker_operator.kube.clock import ServerClock
from speaker_operator.kube.errors import (
    ExpiredError,
    UnauthorizedError,
    UnavailableError,
    from_response,
)
from speaker_operator.kube.guard import Guard, GuardedBody, unguarded
from speaker_operator.kube.limiter import RateLimiter
from speaker_operator.kube.resources import JsonObject, JsonPatch, Resource
from speaker_operator.metrics import OperatorMetrics
from speaker_operator.tracing import NO_TRACING, Tracing

AGENT: Final = "speaker-tts-operator"
_JSON: Final = "application/json"
_BUSY: Final = frozenset({429, 503})
_LONGEST_HOLD_SECONDS: Final = 30.0
_NO_CEILING: Final = 0
"""Watches take a connection each for as long as they last, and must keep no request waiting."""
_GONE: Final = 410
WATCH_SECONDS: Final = 300
"""After so long the API server ends a watch."""


@dataclass(frozen=True)
class _Request:
    verb: str
    kind: str
    path: str
    parameters: Mapping[str, str]
    content: bytes | None
    content_type: str
    accept: str


class Transport:
    """A connection to one API server, made when it is first needed.

    Args:
        connect: Says where the API server is, and who asks.
        metrics: What to count in.
        limiter: Ceiling of the rate of requests.
        timeout_seconds: Longest wait for an answer.
        tracing: Where requests are spans.
        clock: Learns the API server's time.
        guard: Asked before every write.
        unacknowledged_seconds: For how long the network may hold back what was sent; None for as
            long as the system sees fit.
    """

    def __init__(
        self,
        connect: Callable[[], kopf.ConnectionInfo],
        *,
        metrics: OperatorMetrics,
        limiter: RateLimiter,
        timeout_seconds: float,
        tracing: Tracing = NO_TRACING,
        clock: ServerClock | None = None,
        guard: Guard = unguarded,
        unacknowledged_seconds: float | None = None,
    ) -> None:
        self._connect = connect
        self._clock = clock or ServerClock()
        self._guard = guard
        self._unacknowledged = unacknowledged_seconds
        self._metrics = metrics
        self._limiter = limiter
        self._tracing = tracing
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds, sock_connect=5)
        self._session: aiohttp.ClientSession | None = None
        self._server = ""

    async def request(
        self,
        verb: str,
        resource: Resource,
        path: str,
        *,
        body: JsonObject | JsonPatch | None = None,
        parameters: Mapping[str, str] | None = None,
        content_type: str = _JSON,
        accept: str = _JSON,
    ) -> JsonObject:
        """Send a request; credentials that are no longer accepted are read anew, once."""
        request = _Request(
            verb,
            resource.kind,
            path,
            parameters or {},
            None if body is None else orjson.dumps(body),
            content_type,
            accept,
        )
        session = self._connected()
        attributes = {"http.request.method": verb, "url.path": path}
        with self._tracing.span(f"{verb} {resource.kind}", attributes):
            try:
                return await self._send(request)
            except UnauthorizedError:
                if self._session is session:
                    await self.close()
                return await self._send(request)

    async def _send(self, request: _Request) -> JsonObject:
        guard = unguarded if request.content is None else self._guard
        guard()
        await self._limiter.acquire()
        session = self._connected()
        loop = asyncio.get_running_loop()
        started, code = loop.time(), "error"
        try:
            async with session.request(
                request.verb,
                self._server + request.path,
                params=request.parameters,
                data=None if request.content is None else GuardedBody(request.content, guard),
                headers={"Content-Type": request.content_type, "Accept": request.accept},
                timeout=self._timeout,
            ) as response:
                answer = await _json(response)
                code = str(response.status)
                self._clock.learn(response.headers.get("Date"), loop.time() - started)
        except (aiohttp.ClientError, TimeoutError) as error:
            guard()  # if it broke the request off, that is the reason to tell
            words = str(error) or type(error).__name__
            raise UnavailableError(f"{request.verb} {request.path}: {words}") from error
        finally:
            self._metrics.api_requests.labels(request.verb, request.kind, code).inc()
            self._metrics.api_seconds.labels(request.verb).observe(loop.time() - started)
        if not isinstance(answer, dict) or not response.ok:
            self._limiter.hold(_asked_to_wait(response))
            raise from_response(response.status, answer)
        return answer

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            info = self._connect()
            self._server = info.server.rstrip("/")
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    ssl=info.as_ssl_context(), socket_factory=self._socket, limit=_NO_CEILING
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=info.as_http_headers() | {"User-Agent": AGENT},
                proxy=info.proxy_url,
            )
        return self._session

    def _socket(self, address: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, _ = address
        made = socket.socket(family, kind, protocol)
        if self._unacknowledged is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
            milliseconds = int(self._unacknowledged * 1000)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
        return made

    async def close(self) -> None:
        """End the connection; the next request makes another."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def events(
        self, path: str, query: Mapping[str, str], accept: str, silent_seconds: float
    ) -> AsyncIterator[tuple[str, JsonObject]]:
        """What a watch tells: types and objects, until it ends or nothing comes for long.

        Args:
            path: Of what is watched.
            query: Which of it, and from which version on.
            accept: The form in which objects are told.
            silent_seconds: How long nothing may come.

        Raises:
            ExpiredError: The version is too old.
            KubeError: It is refused, or breaks off.
        """
        parameters = {**query, "watch": "true", "timeoutSeconds": str(WATCH_SECONDS)}
        session = self._connected()
        timeout = aiohttp.ClientTimeout(sock_connect=5, sock_read=silent_seconds)
        try:
            async with session.get(
                self._server + path,
                params=parameters,
                headers={"Accept": accept},
                timeout=timeout,
            ) as response:
                if response.status == _GONE:
                    raise ExpiredError(f"watch {path}: the version is too old")
                if not response.ok:
                    raise from_response(response.status, await _json(response))
                async for line in _lines(response.content):
                    event = orjson.loads(line)
                    if event["type"] == "ERROR":
                        raise ExpiredError(f"watch {path}: {event['object'].get('message')}")
                    yield event["type"], event["object"]
        except aiohttp.SocketTimeoutError:
            return  # the connection may be dead, or there is nothing to be told
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise UnavailableError(f"watch {path}: {error or type(error).__name__}") from error


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Lines of whatever length, as they come."""
    rest = b""
    async for chunk in content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line


def _asked_to_wait(response: aiohttp.ClientResponse) -> float:
    """Seconds that an API server with too much to do asks its clients to wait."""
    after = response.headers.get("Retry-After", "")
    if response.status not in _BUSY or not after.isdecimal():
        return 0.0
    return min(float(after), _LONGEST_HOLD_SECONDS)


async def _json(response: aiohttp.ClientResponse) -> Any:
    """The answer as JSON, or as text where something in between wrote it."""
    content = await response.read()
    try:
        return orjson.loads(content)
    except ValueError:
        return content[:200].decode(errors="replace")

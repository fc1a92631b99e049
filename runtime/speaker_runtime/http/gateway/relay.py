"""Hands a request on to one server after another, until one has begun to answer."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import aiohttp
from starlette.requests import HTTPConnection

from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.http.clients import CLIENT_HEADER, client_of
from speaker_runtime.http.gateway.orders import Order
from speaker_runtime.http.gateway.parts import GatewayParts
from speaker_runtime.services.gateway import choosing, outward
from speaker_runtime.services.gateway.gateway import attempts
from speaker_runtime.services.gateway.outward import OutOfReachError
from speaker_runtime.services.gateway.upstream import Server

MOST_ATTEMPTS: Final = 3
_HANDED_ON: Final = ("accept", "cache-control", "content-type", "traceparent", "tracestate")
_OURS_ALONE: Final = ("authorization", "user-agent")
"""Only servers of the cluster are sent what a client says of itself."""
_REDIRECTS: Final = range(300, 400)
_REFUSED_KEY: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


@dataclass(frozen=True)
class Call:
    """What is asked of whoever answers.

    Attributes:
        method: The HTTP method.
        path: Behind ``/v1``; of the root where the path is no part of OpenAI's API.
        order: The body, if there is one.
        is_root: Whether the path begins at the root.
    """

    method: str
    path: str
    order: Order | None = None
    is_root: bool = False

    def address(self, server: Server) -> str:
        """Where a server is asked."""
        at = outward.root_address if self.is_root else outward.address
        return at(server.upstream, self.path)


@dataclass(frozen=True)
class Answer:
    """An answer that has begun.

    Attributes:
        server: Who gives it.
        response: Its head, and the rest of its body.
        first: The body's first bytes.
    """

    server: Server
    response: aiohttp.ClientResponse
    first: bytes


class _FailedError(Exception):
    """A server has not answered as it should; another one may."""

    def __init__(self, server: Server, error: SpeechError, answer: Answer | None = None) -> None:
        super().__init__(error.message)
        self.server = server
        self.error = error
        self.answer = answer
        """What it said nevertheless."""


class Relay:
    """Makes answers for one request.

    Args:
        parts: The application's parts.
        connection: Who asks.
    """

    def __init__(self, parts: GatewayParts, connection: HTTPConnection) -> None:
        self._parts = parts
        self._connection = connection

    async def open(self, servers: Sequence[Server], call: Call) -> Answer:
        """Ask the servers in turn; returns the first answer that is one.

        Raises:
            SpeechError: None has given any.
        """
        failed: _FailedError | None = None
        for server in attempts(servers, MOST_ATTEMPTS):
            if failed is not None:
                _give_up(failed.answer)
                self._parts.metrics.retried(failed.server.name)
            began = time.monotonic()
            try:
                answer = await self._attempt(server, call)
            except _FailedError as error:
                failed = error
                continue
            self._count(answer, time.monotonic() - began)
            return answer
        if failed is None:
            raise choosing.unavailable(servers)
        if failed.answer is None:
            raise failed.error
        self._count(failed.answer, 0.0)
        return failed.answer

    async def skip_missing(self, servers: Iterable[Server], call: Call) -> Answer:
        """Ask all servers for what only one of them has; returns the first that knows it.

        Raises:
            SpeechError: None does.
        """
        last: Answer | None = None
        failed = choosing.unavailable(())
        for server in servers:
            try:
                answer = await self.open([server], call)
            except SpeechError as error:
                failed = error
                continue
            if last is not None:
                _give_up(last)
            last = answer
            if last.response.status != HTTPStatus.NOT_FOUND:
                return last
        if last is None:
            raise failed
        return last

    async def _attempt(self, server: Server, call: Call) -> Answer:
        characters = call.order.wish.characters if call.order else 0
        body = call.order.body_for(server) if call.order else None
        try:
            with server.busy(characters):
                response = await self._parts.gateway.way.open(
                    server.upstream,
                    call.method,
                    call.address(server),
                    headers=headers_for(server, self._connection),
                    body=body,
                )
                try:
                    answer = Answer(server, response, await response.content.readany())
                except BaseException:
                    response.close()
                    raise
        except OutOfReachError as error:
            raise self._out_of_reach(server, str(error)) from error
        except (aiohttp.ClientError, OSError) as error:
            raise self._out_of_reach(server, outward.in_words(error)) from error
        return self._judged(answer)

    def _out_of_reach(self, server: Server, reason: str) -> _FailedError:
        server.failed(reason)
        return _FailedError(
            server,
            SpeechError(
                ErrorCode.UPSTREAM_UNAVAILABLE,
                f"{server.name} does not answer: {reason}.",
                retry_after=choosing.RETRY_SECONDS,
            ),
        )

    def _judged(self, answer: Answer) -> Answer:
        """The answer, unless another server should be asked."""
        server, status = answer.server, answer.response.status
        if status in _REDIRECTS or (status in _REFUSED_KEY and server.upstream.key_file):
            _give_up(answer)
            what = "redirects" if status in _REDIRECTS else "does not accept the gateway's API key"
            server.failed(f"it {what} (status {status})")
            error = SpeechError(ErrorCode.UPSTREAM_FAILED, f"{server.name} {what}.")
            raise _FailedError(server, error)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            error = SpeechError(ErrorCode.UPSTREAM_FAILED, f"{server.name}: status {status}.")
            raise _FailedError(server, error, answer)
        server.succeeded()
        return answer

    def _count(self, answer: Answer, seconds: float) -> None:
        self._parts.metrics.answered(answer.server.name, answer.response.status, seconds)


def headers_for(server: Server, connection: HTTPConnection) -> dict[str, str]:
    """What a server is told of the request, beside its body."""
    is_ours = server.upstream.kind == "speaker"
    names = (*_HANDED_ON, *_OURS_ALONE) if is_ours else _HANDED_ON
    given = connection.headers
    headers = {name: given[name] for name in names if name in given}
    request_id = connection.scope.get("state", {}).get("request_id")
    if request_id:
        headers["X-Request-Id"] = request_id
    if is_ours:
        headers[CLIENT_HEADER] = client_of(connection)
    return headers


def _give_up(answer: Answer | None) -> None:
    if answer is not None:
        answer.response.close()

"""Requests to the servers behind the gateway: fixed addresses, bounded waits, one API key each."""

import asyncio
import itertools
import socket
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import aiohttp
from aiohttp.connector import AddrInfoType

from speaker_runtime.contract import Upstream

CONNECT_SECONDS: Final = 2.0
"""Also for how long a request may stay unheard on a connection that was there before."""
REQUESTS_PER_CONNECTION: Final = 16
"""On average. A Service of the cluster spreads connections over its pods, not requests: none is
kept so long that a new pod would wait for its share."""
_IDLE_SECONDS: Final = 5.0
"""For which a connection is kept; shorter than any server does, so that it is rarely the server's
to end it."""
_MOST_CONNECTIONS: Final = 2048
_READ_BYTES: Final = 2**16
"""What is read ahead of a client before the server is made to wait."""
_KERNEL_BYTES: Final = 2**18
"""The same in the kernel, which would let it grow to several megabytes for each answer."""
_LONGEST_ANSWER: Final = 4 * 2**20
"""Of what the gateway reads for itself: lists of models and voices, error objects."""


class OutOfReachError(Exception):
    """A server that cannot be asked, or does not answer; the message says why."""


class Outward:
    """The gateway's one way out; use it as an asynchronous context manager.

    Connections are kept for a few seconds and requests: to make one takes as long as to hand a
    request on. A kept one may have been ended by the server, or lead to a pod that is gone; what
    gets no answer there is asked again over a new one.

    Args:
        answer_seconds: How long a server may take to begin an answer, or to go on with one.
    """

    def __init__(self, answer_seconds: float) -> None:
        self._answer_seconds = answer_seconds
        self._asked = itertools.count(1)

    async def __aenter__(self) -> Self:
        self._kept, self._new = _session(closes=False), _session(closes=True)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.gather(self._kept.close(), self._new.close())

    async def open(
        self,
        upstream: Upstream,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> aiohttp.ClientResponse:
        """Ask a server; its answer's body is still to be read.

        Args:
            upstream: Whom to ask.
            method: The HTTP method.
            url: Made by :func:`address` of the upstream.
            headers: What is sent beside the server's own API key.
            body: What is sent.

        Raises:
            OutOfReachError: It does not answer, or there is no API key for it.
        """
        known = {**headers, **await authorization(upstream)}
        is_last = not next(self._asked) % REQUESTS_PER_CONNECTION
        ask = partial(_ask, method=method, url=url, body=body, seconds=self._answer_seconds)
        try:
            try:
                return await ask(
                    self._kept, headers={**known, "Connection": "close"} if is_last else known
                )
            except aiohttp.ClientConnectorError:
                raise  # this was a new one
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                return await ask(self._new, headers=known)
        except (aiohttp.ClientError, OSError) as error:
            raise OutOfReachError(in_words(error)) from error

    async def read(self, upstream: Upstream, url: str, *, seconds: float) -> tuple[int, bytes]:
        """Ask a server for something small; returns the status and the body.

        It is always a new connection, so that it is not always the same pod that tells.

        Raises:
            OutOfReachError: It does not answer, or answers too much.
        """
        headers = await authorization(upstream)
        try:
            async with (
                asyncio.timeout(seconds),
                await _ask(self._new, "GET", url, headers=headers, seconds=seconds) as answer,
            ):
                return answer.status, await read_bounded(answer)
        except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is an OSError
            raise OutOfReachError(in_words(error)) from error

    async def connect(
        self, upstream: Upstream, url: str, *, headers: Mapping[str, str], longest: int
    ) -> aiohttp.ClientWebSocketResponse:
        """Open a WebSocket.

        Raises:
            OutOfReachError: The server does not answer, or refuses.
        """
        try:
            async with asyncio.timeout(self._answer_seconds):
                return await self._new.ws_connect(
                    url,
                    headers={**headers, **await authorization(upstream)},
                    autoping=True,
                    max_msg_size=longest,
                )
        except (aiohttp.ClientError, OSError) as error:
            raise OutOfReachError(in_words(error)) from error


async def _ask(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    seconds: float,
    body: bytes | None = None,
) -> aiohttp.ClientResponse:
    return await session.request(
        method,
        url,
        headers=headers,
        data=body,
        timeout=aiohttp.ClientTimeout(connect=CONNECT_SECONDS, sock_read=seconds),
        allow_redirects=False,
    )


def _session(*, closes: bool) -> aiohttp.ClientSession:
    """A pool of connections; one that ``closes`` keeps none."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=_MOST_CONNECTIONS,
            force_close=closes,
            keepalive_timeout=None if closes else _IDLE_SECONDS,
            ttl_dns_cache=5,
            socket_factory=_socket,
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=("Accept-Encoding", "User-Agent", "Accept"),
        read_bufsize=_READ_BYTES,
    )


def _socket(address: AddrInfoType) -> socket.socket:
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _KERNEL_BYTES)
    if sys.platform == "linux":  # a machine that is gone acknowledges nothing
        milliseconds = round(1000 * CONNECT_SECONDS)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
    return made


def address(upstream: Upstream, path: str) -> str:
    """Where a server has a path of OpenAI's API, which begins behind ``/v1``."""
    base = upstream.url.rstrip("/")
    return f"{base}/v1{path}" if upstream.kind == "speaker" else f"{base}{path}"


def root_address(upstream: Upstream, path: str) -> str:
    """Where a server's host has a path."""
    if upstream.kind == "speaker":
        return upstream.url.rstrip("/") + path
    scheme, _, rest = upstream.url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}{path}"


async def authorization(upstream: Upstream) -> dict[str, str]:
    """The header with a server's API key, if it has one; the file may change at any time.

    Raises:
        OutOfReachError: There is no key in the file.
    """
    if upstream.key_file is None:
        return {}
    key = await asyncio.to_thread(_read_key, upstream.key_file)
    return {"Authorization": f"Bearer {key}"}


def _read_key(file: Path) -> str:
    try:
        key = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise OutOfReachError("its API key cannot be read: make its Secret") from error
    if not key or not key.isascii() or any(character.isspace() for character in key):
        raise OutOfReachError("its API key is empty or has other characters than a key can have")
    return key


async def read_bounded(answer: aiohttp.ClientResponse) -> bytes:
    """A small body.

    Raises:
        aiohttp.ClientError: It breaks off, or is too long.
    """
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > _LONGEST_ANSWER:
            answer.close()
            raise aiohttp.ClientPayloadError(f"it is longer than {_LONGEST_ANSWER} bytes")
    return bytes(body)


def in_words(error: BaseException) -> str:
    """What went wrong on the way to a server."""
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return words
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"it cannot be reached ({error.os_error.strerror or error.os_error})"
    if isinstance(error, aiohttp.WSServerHandshakeError):
        return f"it refuses the WebSocket with status {error.status}"
    return "it broke off before it had answered"


_WORDS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (TimeoutError, "it does not answer in time"),
    (aiohttp.ClientConnectorDNSError, "its host name is unknown"),
    (aiohttp.ClientSSLError, "its certificate is not accepted"),
)

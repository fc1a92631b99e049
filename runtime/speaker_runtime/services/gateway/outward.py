"""Requests to the servers behind the gateway: fixed addresses, bounded waits, one API key each."""

import asyncio
import socket
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import aiohttp
from aiohttp.connector import AddrInfoType

from speaker_runtime.contract import Upstream

CONNECT_SECONDS: Final = 2.0
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

    A server named by ``http://`` is asked over a new connection each time: it is a Service of the
    cluster, which spreads connections, not requests, over its pods. A server named by ``https://``
    is far away, and its connections are kept.

    Args:
        answer_seconds: How long a server may take to begin an answer, or to go on with one.
    """

    def __init__(self, answer_seconds: float) -> None:
        self._answer_seconds = answer_seconds
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        for scheme, close in (("http", True), ("https", False)):
            self._sessions[scheme] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=_MOST_CONNECTIONS,
                    force_close=close,
                    ttl_dns_cache=5,
                    socket_factory=_socket,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=("Accept-Encoding", "User-Agent", "Accept"),
                read_bufsize=_READ_BYTES,
            )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.gather(*(session.close() for session in self._sessions.values()))

    async def open(
        self,
        upstream: Upstream,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        seconds: float | None = None,
    ) -> aiohttp.ClientResponse:
        """Ask a server; its answer's body is still to be read.

        Args:
            upstream: Whom to ask.
            method: The HTTP method.
            url: Made by :func:`address` of the upstream.
            headers: What is sent beside the server's own API key.
            body: What is sent.
            seconds: How long it may take to begin and to go on, if not as long as an answer may.

        Raises:
            OutOfReachError: It does not answer, or there is no API key for it.
        """
        wait = seconds or self._answer_seconds
        timeout = aiohttp.ClientTimeout(connect=CONNECT_SECONDS, sock_read=wait)
        try:
            return await self._session(upstream).request(
                method,
                url,
                headers={**headers, **await authorization(upstream)},
                data=body,
                timeout=timeout,
                allow_redirects=False,
            )
        except (aiohttp.ClientError, OSError) as error:
            raise OutOfReachError(in_words(error)) from error

    async def read(self, upstream: Upstream, url: str, *, seconds: float) -> tuple[int, bytes]:
        """Ask a server for something small; returns the status and the body.

        Raises:
            OutOfReachError: It does not answer, or answers too much.
        """
        try:
            async with (
                asyncio.timeout(seconds),
                await self.open(upstream, "GET", url, headers={}, seconds=seconds) as answer,
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
                return await self._session(upstream).ws_connect(
                    url,
                    headers={**headers, **await authorization(upstream)},
                    autoping=True,
                    max_msg_size=longest,
                )
        except (aiohttp.ClientError, OSError) as error:
            raise OutOfReachError(in_words(error)) from error

    def _session(self, upstream: Upstream) -> aiohttp.ClientSession:
        return self._sessions[upstream.url.partition(":")[0]]


def _socket(address: AddrInfoType) -> socket.socket:
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _KERNEL_BYTES)
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

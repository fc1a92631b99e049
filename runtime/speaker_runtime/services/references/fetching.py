"""Reference audio from addresses that people wrote down: they may not lead into the cluster.

Proxies of the environment are not used: behind one, nobody could tell where a name leads.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import httpcore2

from speaker_runtime.audio.clips import UnfitReferenceError
from speaker_runtime.contract import VoiceReason

MOST_BYTES: Final = 16 * 2**20
"""Minutes of speech, uncompressed."""
MOST_SECONDS: Final = 30.0
_STEP_SECONDS: Final = 5.0
"""Longest wait for a connection, or for the next bytes."""
_REDIRECTS: Final = 5
_OK: Final = 200
_REDIRECTED: Final = frozenset({301, 302, 303, 307, 308})
_SCHEMES: Final = frozenset({"http", "https"})

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class _Forbidden(Exception):
    """An address that must not be asked."""


class Fetcher:
    """Reads files of bounded size in bounded time.

    Args:
        allow_private: Whether addresses may be asked that are not public.
        trust: Which certificates to believe; those of the system unless given.
        clock: Seconds, never going back.
    """

    def __init__(
        self,
        *,
        allow_private: bool = False,
        trust: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._backend = _GuardedNetwork(allow_private=allow_private)
        self._trust = trust
        self._clock = clock

    def fetch(self, uri: str) -> bytes:
        """The file at ``uri``; blocks.

        Raises:
            UnfitReferenceError: It cannot be had, or must not be asked for.
        """
        until = self._clock() + MOST_SECONDS
        trust = self._trust or ssl.create_default_context()
        address = uri
        try:
            with httpcore2.ConnectionPool(ssl_context=trust, network_backend=self._backend) as pool:
                for _ in range(_REDIRECTS + 1):
                    content, target = self._get(pool, address, until)
                    if target is None:
                        return content
                    address = _next_address(address, target)
        except _Forbidden as error:
            raise UnfitReferenceError(
                VoiceReason.ADDRESS_FORBIDDEN,
                f"{_shown(address)} {error}: name a public address, or have whoever runs the "
                "operator set voices.allowPrivateAddresses in its chart",
            ) from error
        except (
            httpcore2.NetworkError,
            httpcore2.TimeoutException,
            httpcore2.ProtocolError,
        ) as error:
            raise _failed(address, str(error) or type(error).__name__) from error
        raise _failed(uri, f"it redirects more than {_REDIRECTS} times")

    def _get(
        self, pool: httpcore2.ConnectionPool, address: str, until: float
    ) -> tuple[bytes, str | None]:
        """The content, or where it is instead."""
        timeout = dict.fromkeys(("connect", "read", "write", "pool"), _STEP_SECONDS)
        headers = [
            ("Accept", "audio/*,*/*"),
            ("Accept-Encoding", "identity"),
            ("User-Agent", "speaker-tts"),
        ]
        content = bytearray()
        with pool.stream(
            "GET", address, headers=headers, extensions={"timeout": timeout}
        ) as answer:
            if answer.status in _REDIRECTED:
                return b"", _header(answer.headers, b"location")
            if answer.status != _OK:
                raise _failed(address, f"it answers {answer.status}")
            for block in answer.iter_stream():
                content += block
                if len(content) > MOST_BYTES:
                    raise UnfitReferenceError(
                        VoiceReason.AUDIO_TOO_LARGE,
                        f"{_shown(address)} is larger than {MOST_BYTES >> 20} MiB: compress it, "
                        "or cut it to half a minute",
                    )
                if self._clock() > until:
                    raise _failed(address, f"it did not arrive within {MOST_SECONDS:g} s")
        return bytes(content), None


class _GuardedNetwork(httpcore2.NetworkBackend):
    """Connects to the very addresses that it has looked at, so that no later answer counts."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._network = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"its name {host} is not known") from error
        addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
        for address in addresses:
            self._require_allowed(address)
        last: Exception = httpcore2.ConnectError(f"its name {host} has no address")
        for address in addresses:
            try:
                return self._network.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore2.NetworkError, httpcore2.TimeoutException) as error:
                last = error
        raise last

    def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore2.NetworkStream:
        raise _Forbidden("is a socket of this machine")

    def _require_allowed(self, text: str) -> None:
        for address in _meanings(ipaddress.ip_address(text.partition("%")[0])):
            if address.is_link_local:
                raise _Forbidden(f"leads to {address}, which is of the machine itself")
            if not self._allow_private and (not address.is_global or address.is_multicast):
                raise _Forbidden(f"leads to {address}, which is not public")


def _meanings(address: Address) -> list[Address]:
    """An address, and the IPv4 address that it may stand for."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    inner = [address.ipv4_mapped, address.sixtofour]
    if address in ipaddress.ip_network("64:ff9b::/96"):
        inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    mapped = [each for each in inner if each is not None]
    return [*mapped] if address.ipv4_mapped else [address, *mapped]


def _next_address(address: str, target: str) -> str:
    following = urljoin(address, target)
    before, after = urlsplit(address), urlsplit(following)
    if after.scheme not in _SCHEMES or (before.scheme, after.scheme) == ("https", "http"):
        raise _failed(address, f"it redirects to {after.scheme}://, which is not followed")
    return following


def _header(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> str:
    return next((value.decode("latin-1") for name, value in headers if name.lower() == wanted), "")


def _failed(address: str, what: str) -> UnfitReferenceError:
    return UnfitReferenceError(
        VoiceReason.FETCH_FAILED,
        f"{_shown(address)} cannot be fetched: {what}; it is tried again",
    )


def _shown(address: str) -> str:
    """An address for messages, which are no place for passwords and signatures."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"

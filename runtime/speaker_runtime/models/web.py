"""Reads files over HTTP from servers that cut connections, are busy, or do not tell the truth.

Proxies and certificates are those of the environment (``HTTPS_PROXY``, ``NO_PROXY``,
``SSL_CERT_FILE``).
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx2

from speaker_runtime.contract import ExitCode
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.files import BLOCK, skip

ATTEMPTS: Final = 6
"""How often in a row a request may fail before the fetch does."""
LONGEST_PAUSE_SECONDS: Final = 60.0
"""A server that asks for more patience than this is reported, not waited for."""
_FIRST_PAUSE_SECONDS: Final = 0.5
_TIMEOUT: Final = httpx2.Timeout(30.0, connect=10.0)
_REDIRECTS: Final = 5
_DOCUMENT_LIMIT: Final = 64 << 20
"""Bytes of the longest listing that is read; indexes of packages with many releases are long."""
_WATCHED_SECONDS: Final = 60.0
_LEAST_BYTES: Final = 64 << 10
"""A connection that brings less in so long is cut: it would keep a pod waiting for ever."""
_BUSY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_REFUSALS: Final = frozenset({401, 403})
_PARTIAL_CONTENT: Final = 206
_NOTHING_LEFT: Final = 416
"""The answer where the whole file is there already, and only the server knows its size."""


class _Interrupted(Exception):
    """One attempt failed in a way that may pass.

    Args:
        reason: What happened.
        after: Seconds that the server asked to wait.
    """

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


class Web:
    """Reads over HTTP with bounded patience.

    Args:
        pause: Waits for some seconds.
        clock: Tells seconds that only grow.
    """

    def __init__(
        self,
        pause: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pause = pause
        self._clock = clock

    def document(
        self, url: str, *, accept: str = "application/json", token: str | None = None
    ) -> bytes:
        """The whole of a small file; arguments as of :meth:`read`.

        Raises:
            ModelError: It is not there, out of reach, or not small.
        """
        content = bytearray()
        for block in self.read(url, accept=accept, token=token):
            content += block
            if len(content) > _DOCUMENT_LIMIT:
                raise ModelError(
                    ExitCode.MODEL_UNAVAILABLE,
                    f"{url} is longer than {_DOCUMENT_LIMIT} bytes.",
                    "Check the address: a listing is expected there.",
                )
        return bytes(content)

    def read(
        self,
        url: str,
        *,
        offset: int = 0,
        size: int | None = None,
        accept: str = "*/*",
        token: str | None = None,
    ) -> Iterator[bytes]:
        """The content of ``url`` from ``offset`` on; a connection that is cut is resumed.

        Args:
            url: An address of http or https.
            offset: Bytes that are there already.
            size: Bytes of the whole, if known.
            accept: Media types that are wanted.
            token: Shown to the server of ``url``, and to none that it redirects to.

        Raises:
            ModelError: It is not there, out of reach, or of another size.
        """
        position, failures = offset, 0
        address = _parse(url)
        # Compressed on the way, neither lengths nor offsets would be the file's.
        headers = {"Accept": accept, "Accept-Encoding": "identity"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        url = _shown(address)  # from here on for messages
        with httpx2.Client(timeout=_TIMEOUT) as client:
            while size is None or position < size:
                before = position
                try:
                    content = _attempt(client, address, position, size, headers)
                    for block in self._watched(content):
                        position += len(block)
                        yield block
                    if size is None or position == size:
                        return
                    reason = f"it ended after {position} of {size} bytes"
                    interruption = _Interrupted(reason)
                except _Interrupted as error:
                    interruption = error
                except httpx2.TransportError as error:
                    interruption = _Interrupted(str(error) or type(error).__name__)
                # Only a real advance counts: a server could give a byte at a time for ever.
                failures = 1 if position - before >= BLOCK else failures + 1
                self._wait(url, failures, interruption)

    def _watched(self, content: Iterator[bytes]) -> Iterator[bytes]:
        """The same content, as long as it comes fast enough."""
        since, brought = self._clock(), 0
        for block in content:
            yield block
            brought += len(block)
            passed = self._clock() - since
            if passed >= _WATCHED_SECONDS:
                if brought < _LEAST_BYTES:
                    raise _Interrupted(f"it sent {brought} bytes in {passed:.0f} s")
                since, brought = self._clock(), 0

    def _wait(self, url: str, failures: int, interruption: _Interrupted) -> None:
        asked = interruption.after
        if failures >= ATTEMPTS or (asked is not None and asked > LONGEST_PAUSE_SECONDS):
            often = f"{failures} times" if failures > 1 else "once"
            later = f" It asks to try again in {asked:.0f} s." if asked else ""
            raise ModelError(
                ExitCode.MODEL_UNAVAILABLE,
                f"{url} could not be read, tried {often}: {interruption}.{later}",
                "Check the address, the network and the proxy (HTTPS_PROXY), and try again; what "
                "has arrived is kept.",
            )
        pause = _FIRST_PAUSE_SECONDS * 2 ** (failures - 1) if asked is None else asked
        self._pause(pause)


def _parse(url: str) -> httpx2.URL:
    try:
        address = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise _no_address(url, str(error)) from error
    if address.scheme not in {"http", "https"} or not address.host:
        raise _no_address(url, "it needs http:// or https://, and a host")
    return address


def _shown(address: httpx2.URL) -> str:
    """An address for messages, which are no place for passwords and signatures."""
    return str(address.copy_with(userinfo=b"", query=None))


def _no_address(url: str, reason: str) -> ModelError:
    return ModelError(
        ExitCode.INVALID_CONFIG,
        f"{url} is no address of a file: {reason}.",
        "Write one of the form https://HOST/PATH.",
    )


def _attempt(
    client: httpx2.Client,
    address: httpx2.URL,
    offset: int,
    size: int | None,
    headers: Mapping[str, str],
) -> Iterator[bytes]:
    """One connection's worth of the content from ``offset`` on."""
    if offset:
        headers = {**headers, "Range": f"bytes={offset}-"}
    url = _shown(address)
    with _answer(client, address, headers) as response:
        if response.status_code == _NOTHING_LEFT:
            if size is not None:
                raise _wrong_size(url, f"at most {offset}", size)
            return
        begins = _beginning(url, response, offset)
        _check_length(url, response, begins, size)
        length = begins
        for block in skip(response.iter_raw(), offset - begins):
            length += len(block)
            if size is not None and offset + length - begins > size:
                raise _wrong_size(url, f"more than {size}", size)
            yield block


@contextmanager
def _answer(
    client: httpx2.Client, address: httpx2.URL, headers: Mapping[str, str]
) -> Iterator[httpx2.Response]:
    """The final answer after redirects, if it is a good one."""
    url = _shown(address)
    for _ in range(_REDIRECTS + 1):
        with client.stream("GET", address, headers=headers) as response:
            if not response.has_redirect_location:
                _check_status(url, response)
                yield response
                return
            target = address.join(response.headers["Location"])
        downgraded = (address.scheme, target.scheme) == ("https", "http")
        if target.scheme not in {"http", "https"} or downgraded:
            raise ModelError(
                ExitCode.MODEL_UNAVAILABLE,
                f"{url} redirects to {target.scheme}://, which is not followed.",
                "Name the final address, with https.",
            )
        if (address.host, address.port) != (target.host, target.port):
            headers = {name: headers[name] for name in headers if name != "Authorization"}
        address = target
    raise ModelError(
        ExitCode.MODEL_UNAVAILABLE,
        f"{url} redirects more than {_REDIRECTS} times.",
        "Name the final address.",
    )


def _check_status(url: str, response: httpx2.Response) -> None:
    status = response.status_code
    if status in _BUSY:
        raise _Interrupted(f"it answers {status}", _retry_after(response))
    if not (response.is_success or status == _NOTHING_LEFT):
        raise ModelError(
            ExitCode.LOGIN_REFUSED if status in _REFUSALS else ExitCode.MODEL_UNAVAILABLE,
            f"{url} answers {status} {response.reason_phrase}.",
            "Check the address, and whether a login is needed: hf:// takes HF_TOKEN, s3:// takes "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, from the environment or, in a pod, from "
            "the Secret that spec.model.credentialsSecret names.",
        )


def _retry_after(response: httpx2.Response) -> float | None:
    value = response.headers.get("Retry-After", "")
    if value.isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _beginning(url: str, response: httpx2.Response, offset: int) -> int:
    """Where in the file the answer's body begins: servers may ignore the Range that was asked."""
    if response.status_code != _PARTIAL_CONTENT:
        return 0
    given = response.headers.get("Content-Range", "")
    if not given.startswith(f"bytes {offset}-"):
        raise ModelError(
            ExitCode.MODEL_UNAVAILABLE,
            f"{url} was asked for bytes from {offset} on and gives {given!r}.",
            "Its server cannot resume; name another address.",
        )
    return offset


def _check_length(url: str, response: httpx2.Response, begins: int, size: int | None) -> None:
    told: Any = response.headers.get("Content-Length", "")
    if size is not None and told.isdecimal() and begins + int(told) != size:
        raise _wrong_size(url, str(begins + int(told)), size)


def _wrong_size(url: str, found: str, size: int) -> ModelError:
    return ModelError(
        ExitCode.MODEL_CORRUPT,
        f"{url} is {found} bytes long, not {size} as its listing says.",
        "Its source is damaged or was changed: correct it or name another one.",
    )

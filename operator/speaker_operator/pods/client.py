"""Requests to pods: typed errors, and a short time-out on every one."""

from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

import aiohttp
from pydantic import BaseModel, ValidationError

from speaker_operator.pods.errors import RefusedError, UnreachableError
from speaker_runtime.contract import (
    FETCH_STATUS_PATH,
    VOICE_AUDIO_PATH,
    FetchStatus,
    SyncReport,
)

_CONNECT_SECONDS: Final = 1.0
_TOTAL_SECONDS: Final = 3.0
"""A runtime may wait for a second until voices are ready."""
_IDLE_SECONDS: Final = 5.0
_MOST_CONNECTIONS: Final = 64
_MOST_BYTES: Final = 4 * 2**20
_OK: Final = 200
_TAKEN: Final = 204


class PodClient:
    """Speaks to runtimes by their pods' addresses; use it as an asynchronous context manager."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=_MOST_CONNECTIONS, keepalive_timeout=_IDLE_SECONDS, use_dns_cache=False
            ),
            timeout=aiohttp.ClientTimeout(total=_TOTAL_SECONDS, sock_connect=_CONNECT_SECONDS),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def change(self, url: str, manifest: bytes, token: str) -> SyncReport:
        """Have a manifest taken by the runtime's path at ``url``; raises a ``PodError``."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        body = await self._ask("POST", url, data=manifest, headers=headers)
        try:
            return SyncReport.model_validate_json(body)
        except ValidationError as error:
            raise RefusedError("its answer is none of a runtime of this version") from error

    async def hand_over(self, url: str, audio: bytes, token: str) -> None:
        """Give the runtime at ``url`` reference audio; raises a ``PodError``."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream"}
        await self._ask("POST", url + VOICE_AUDIO_PATH, data=audio, headers=headers, good=_TAKEN)

    async def fetch_status(self, url: str) -> FetchStatus:
        """How far the fetch of a model at ``url`` is; raises a ``PodError``."""
        body = await self._ask("GET", url + FETCH_STATUS_PATH)
        try:
            return FetchStatus.model_validate_json(body)
        except ValidationError as error:
            raise RefusedError("its answer is none of a fetch of this version") from error

    async def _ask(
        self,
        verb: str,
        url: str,
        *,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        good: int = _OK,
    ) -> bytes:
        if self._session is None:
            raise RuntimeError("the client is not open")
        try:
            async with self._session.request(
                verb, url, data=data, headers=headers, allow_redirects=False
            ) as response:
                body = await _read(response)
        except TimeoutError as error:
            raise UnreachableError(f"it did not answer within {_TOTAL_SECONDS:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise UnreachableError(f"it cannot be reached ({_short(error)})") from error
        if response.status != good:
            raise RefusedError(f"it answers {response.status}: {_words(body)}")
        return body


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = await response.content.read(_MOST_BYTES)
    while not response.content.at_eof() and len(body) < _MOST_BYTES:
        body += await response.content.read(_MOST_BYTES - len(body))
    return body


class _Fault(BaseModel):
    message: str


class _Envelope(BaseModel):
    error: _Fault


def _words(body: bytes) -> str:
    """The message of the error envelope, or how the body begins where something else answers."""
    try:
        return _Envelope.model_validate_json(body).error.message[:300]
    except ValidationError:
        return body[:100].decode(errors="replace") or "nothing"


def _short(error: Exception) -> str:
    """What happened, without ports and addresses that change from try to try."""
    cause = getattr(error, "os_error", error)
    return getattr(cause, "strerror", None) or type(error).__name__

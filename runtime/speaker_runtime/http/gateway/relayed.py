"""What a server has answered, on its way back to the client.

Nothing is kept: a chunk goes out before the next one is read, and a client that goes or stops
reading ends the request at the server, too.
"""

import asyncio
import json
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

import aiohttp
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.http.disconnect import ClientGoneError, unless_gone
from speaker_runtime.http.envelope import envelope
from speaker_runtime.http.gateway.parts import GatewayParts
from speaker_runtime.http.gateway.relay import Answer
from speaker_runtime.http.responses import SEND_SECONDS
from speaker_runtime.services.gateway import outward

SERVER_HEADER: Final = "X-Speaker-Upstream"
"""Which server has answered."""
_NOT_HANDED_BACK: Final = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te"),
        *(b"trailer", b"transfer-encoding", b"upgrade", b"set-cookie", b"server", b"date"),
        *(b"x-request-id", b"alt-svc", b"strict-transport-security"),
    }
)


class RelayedResponse(Response):
    """Streams an answer as it comes; one that breaks off never looks complete.

    Args:
        parts: The application's parts.
        answer: What to stream; given up in any case.
    """

    def __init__(self, parts: GatewayParts, answer: Answer) -> None:
        self._parts = parts
        self._answer = answer
        self._server = answer.server
        self.background = None
        self.status_code = answer.response.status
        self.raw_headers = [
            (name.lower(), value)
            for name, value in answer.response.raw_headers
            if name.lower() not in _NOT_HANDED_BACK
        ]
        self.raw_headers.append((SERVER_HEADER.lower().encode(), self._server.name.encode()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send everything, or break the connection off."""
        scope["state"]["upstream"] = self._server.name
        has_chunks = scope["http_version"] != "1.0" or "content-length" in self.headers
        work = self._send(send) if has_chunks else self._send_whole(send)
        self._server.in_flight += 1
        try:
            await unless_gone(receive, work)
        except (ClientGoneError, TimeoutError) as error:
            # Returning without the last chunk makes the web server cut the connection.
            scope["state"]["cut_short"] = str(error) or "the client stopped reading"
        except aiohttp.ClientError as error:
            scope["state"]["cut_short"] = f"{self._server.name}: {outward.in_words(error)}"
            self._parts.metrics.cut(self._server.name)
            self._server.failed(outward.in_words(error))
        finally:
            self._server.in_flight -= 1
            self._answer.response.close()

    async def _send(self, send: Send) -> None:
        await self._begin(send)
        chunk = self._answer.first
        while chunk:
            async with asyncio.timeout(SEND_SECONDS):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            chunk = await self._next()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_whole(self, send: Send) -> None:
        """Before HTTP 1.1 the end of a connection is the end of a body: only a length is safe."""
        chunks, chunk = [], self._answer.first
        while chunk:
            chunks.append(chunk)
            chunk = await self._next()
        body = b"".join(chunks)
        self.raw_headers.append((b"content-length", str(len(body)).encode()))
        await self._begin(send)
        async with asyncio.timeout(SEND_SECONDS):
            await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _next(self) -> bytes:
        try:
            return await self._answer.response.content.readany()
        except TimeoutError as error:
            raise aiohttp.ClientPayloadError("it does not go on") from error

    async def _begin(self, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )


_STATUS_CODES: Final[Mapping[int, ErrorCode]] = MappingProxyType(
    {
        HTTPStatus.NOT_FOUND: ErrorCode.MODEL_NOT_FOUND,
        HTTPStatus.TOO_MANY_REQUESTS: ErrorCode.RATE_LIMITED,
        HTTPStatus.SERVICE_UNAVAILABLE: ErrorCode.UPSTREAM_UNAVAILABLE,
    }
)


async def in_envelope(parts: GatewayParts, answer: Answer) -> Response:
    """The answer; where it is an error in a form of its own, in OpenAI's.

    Raises:
        SpeechError: It broke off.
    """
    response, server = answer.response, answer.server
    if response.status < HTTPStatus.BAD_REQUEST or server.upstream.kind == "speaker":
        return RelayedResponse(parts, answer)
    try:
        rest = await outward.read_bounded(response)
    except (aiohttp.ClientError, OSError) as error:
        server.failed(outward.in_words(error))
        raise SpeechError(
            ErrorCode.UPSTREAM_FAILED, f"{server.name}: {outward.in_words(error)}."
        ) from error
    finally:
        response.close()
    body = answer.first + rest
    headers = {SERVER_HEADER: server.name}
    retry_after = response.headers.get("Retry-After", "")
    if retry_after.isdigit():
        headers["Retry-After"] = retry_after
    if not _is_envelope(body):
        code = _STATUS_CODES.get(response.status, ErrorCode.INVALID_VALUE)
        if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            code = _STATUS_CODES.get(response.status, ErrorCode.UPSTREAM_FAILED)
        told = body.decode("utf-8", "replace")[:500]
        refusal = SpeechError(code, f"{server.name} answered with {response.status}: {told}")
        body = json.dumps(envelope(refusal).model_dump()).encode()
    return Response(body, response.status, headers, media_type="application/json")


def _is_envelope(body: bytes) -> bool:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and isinstance(document.get("error"), dict)

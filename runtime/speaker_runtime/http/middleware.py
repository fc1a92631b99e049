"""What happens around every request: its id, its log line, and a bound on its body."""

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.http.errors import error_response

logger = logging.getLogger("speaker_runtime.requests")

BODY_SECONDS: Final = 30.0
"""How long a body may take to arrive; the largest one is far under a megabyte by default."""
LINGER_SECONDS: Final = 1.0
"""For which the rest of a refused body is read and thrown away: closing a connection with unread
data in it makes the kernel reset it, and the client loses the answer."""
_SANE_ID: Final = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")


class RequestLog:
    """Gives each request an id (the client's own, if sane) and writes one line when it is over.

    It is the outermost part of ours, so a bug further in becomes an answer with an id here, too;
    where an answer has begun, the connection is broken off.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _SANE_ID.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0
        began = time.monotonic()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception:
            logger.exception("a fault", extra={"fields": {"id": request_id}})
            if status:
                scope["state"]["cut_short"] = "a fault"
            else:
                fault = SpeechError(ErrorCode.INTERNAL_ERROR, "The service has a fault.")
                scope["app"].state.runtime.metrics.failed(fault.code)
                await error_response(fault)(scope, receive, send_with_id)
        finally:
            seconds = time.monotonic() - began
            # The answer's last bytes leave at the end of this turn of the event loop.
            asyncio.get_running_loop().call_soon(self._write, scope, request_id, status, seconds)

    def _write(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        fields: dict[str, object] = {
            "id": request_id,
            "method": scope["method"],
            "path": scope["path"],
            "status": status,
            "ms": round(seconds * 1000, 1),
        }
        speech = scope["state"].get("speech")
        if speech is not None:
            fields["cache"] = speech.cache_status
            fields["audio_seconds"] = round(speech.audio_seconds, 3)
            if speech.audio_seconds:
                fields["rtf"] = round(seconds / speech.audio_seconds, 4)
        for name in ("upstream", "cut_short"):
            if name in scope["state"]:
                fields[name] = scope["state"][name]
        # Probes and scrapes come every few seconds and say nothing.
        routine = scope["method"] == "GET" and scope["path"].startswith(("/health/", "/metrics"))
        logger.log(logging.DEBUG if routine else logging.INFO, "request", extra={"fields": fields})


class BodyLimit:
    """Reads a request's body before anything else looks at it, up to a limit and a time.

    Args:
        app: What serves the request.
        max_bytes: Longest body.
        exceptions: Longest body of paths for which it is another.
    """

    def __init__(
        self, app: ASGIApp, max_bytes: int, exceptions: Mapping[str, int] = MappingProxyType({})
    ) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._exceptions = exceptions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse its body."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        try:
            longest = self._exceptions.get(scope["path"], self._max_bytes)
            body = await _read(Headers(scope=scope), receive, longest)
        except SpeechError as error:
            scope["app"].state.runtime.metrics.failed(error.code)
            await _refuse(error, receive, send)
            return
        if body is not None:
            await self._app(scope, _replay(body, receive), send)


async def _read(headers: Headers, receive: Receive, longest: int) -> bytes | None:
    """The whole body; None if the client went away."""
    announced = headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > longest:
        raise _too_large(longest)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                body += message.get("body", b"")
                if len(body) > longest:
                    raise _too_large(longest)
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError as error:
        raise SpeechError(
            ErrorCode.REQUEST_TIMEOUT,
            f"The body did not arrive within {BODY_SECONDS:.0f} s.",
        ) from error


def _too_large(longest: int) -> SpeechError:
    return SpeechError(
        ErrorCode.BODY_TOO_LARGE,
        f"The body is longer than {longest} bytes.",
    )


async def _refuse(error: SpeechError, receive: Receive, send: Send) -> None:
    """Answer at once, then let a client that is still sending finish, within bounds."""
    response = error_response(error)
    # What is left of the body would be taken for the next request.
    response.headers["Connection"] = "close"
    start = {"status": response.status_code, "headers": response.raw_headers}
    await send({"type": "http.response.start", **start})
    await send({"type": "http.response.body", "body": response.body, "more_body": True})
    if error.code is ErrorCode.BODY_TOO_LARGE:
        await _discard(receive)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _discard(receive: Receive) -> None:
    try:
        async with asyncio.timeout(LINGER_SECONDS):
            while (await receive()).get("more_body", False):
                pass
    except TimeoutError:
        return


def _replay(body: bytes, receive: Receive) -> Receive:
    """A channel that gives the body once, and then whatever really comes."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return pending.pop() if pending else await receive()

    return replayed

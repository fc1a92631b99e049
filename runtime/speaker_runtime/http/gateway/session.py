"""``/v1/audio/stream`` through the gateway: the first message decides which server is spoken to.

From then on what comes goes on as it is, both ways; who does not read makes the other side wait.
"""

import asyncio
import json
import logging
import time
import uuid
from typing import Any, Final

import aiohttp
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.http.errors import error_response
from speaker_runtime.http.gateway.orders import wish_of
from speaker_runtime.http.gateway.parts import GatewayParts, parts_of
from speaker_runtime.http.gateway.relay import MOST_ATTEMPTS, headers_for
from speaker_runtime.http.responses import SEND_SECONDS
from speaker_runtime.http.routes.stream import PATH, close_code_of, foreign_page
from speaker_runtime.http.stream.conversation import Limits
from speaker_runtime.http.stream.messages import Failed, to_json
from speaker_runtime.services.gateway import choosing, outward
from speaker_runtime.services.gateway.gateway import attempts
from speaker_runtime.services.gateway.outward import OutOfReachError
from speaker_runtime.services.gateway.upstream import Server

logger = logging.getLogger("speaker_runtime.requests")

_LONGEST_ANSWER: Final = 16 * 2**20
_CLOSE_SECONDS: Final = 5.0
_NORMAL: Final = 1000
_GOING_AWAY: Final = 1001
_SERVER_FAULT: Final = 1011
_ABNORMAL: Final = 1006
_SAYABLE: Final = frozenset({1000, 1001, 1003, 1007, 1008, 1009, 1011, 1012, 1013})
"""Codes that may stand in a close frame."""


class StreamEndpoint:
    """The WebSocket's path."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one session."""
        socket = WebSocket(scope, receive, send)
        parts = parts_of(socket)
        scope.setdefault("state", {})["request_id"] = session = uuid.uuid4().hex
        refusal = foreign_page(socket)
        if refusal is not None:
            await socket.send_denial_response(refusal)
            return
        try:
            with parts.gateway.work(), parts.metrics.session():
                await socket.accept()
                await _serve(socket, parts, session)
        except SpeechError as error:  # only before it was accepted
            parts.metrics.failed(error.code)
            await socket.send_denial_response(_denial(error))


def _denial(error: SpeechError) -> Response:
    return error_response(error)


async def _serve(socket: WebSocket, parts: GatewayParts, session: str) -> None:
    began, fields = time.monotonic(), {"id": session, "path": PATH}
    try:
        code = await _Session(socket, parts, fields).run()
    except SpeechError as error:
        parts.metrics.failed(error.code)
        failed = Failed.of(error, generation=0, index=None, final=True)
        code = await _close(socket, close_code_of(error), to_json(failed))
    except WebSocketDisconnect as gone:
        code = gone.code
    except TimeoutError:
        code = _ABNORMAL  # the client reads nothing, not even why: returning cuts the connection
    spent = round((time.monotonic() - began) * 1000, 1)
    logger.info("session", extra={"fields": {**fields, "code": code, "ms": spent}})


async def _close(socket: WebSocket, code: int, last: str = "") -> int:
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            if last:
                await socket.send_text(last)
            await socket.close(code)
    except (WebSocketDisconnect, RuntimeError, TimeoutError):
        return _ABNORMAL
    return code


class _Session:
    """One client and the server that it is put through to."""

    def __init__(self, socket: WebSocket, parts: GatewayParts, fields: dict[str, str]) -> None:
        self._socket = socket
        self._parts = parts
        self._fields = fields

    async def run(self) -> int:
        """Put the client through; returns the code that the session ended with.

        Raises:
            SpeechError: No server is there for it, or the one that was has gone.
            WebSocketDisconnect: The client has gone.
            TimeoutError: The client reads nothing.
        """
        first = await self._first()
        wish = wish_of(first, native=True)
        servers = await self._parts.gateway.choose(wish)
        server, upstream = await self._connect(servers)
        self._fields["upstream"] = server.name
        server.in_flight += 1
        try:
            model = server.model_called(wish.model)
            await upstream.send_str(json.dumps({**first, "model": model}))
            return await self._pump(server, upstream)
        finally:
            server.in_flight -= 1
            await upstream.close()

    async def _first(self) -> dict[str, Any]:
        try:
            async with asyncio.timeout(Limits().idle_seconds):
                message = await self._socket.receive()
        except TimeoutError as error:
            told = f"No message came for {Limits().idle_seconds:.0f} s."
            raise SpeechError(ErrorCode.SESSION_ENDED, told) from error
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message["code"])
        try:
            first = json.loads(message.get("text") or "")
        except (ValueError, RecursionError) as error:
            raise SpeechError(ErrorCode.INVALID_JSON, "The message is not JSON.") from error
        if not isinstance(first, dict):
            raise SpeechError(ErrorCode.INVALID_JSON, "The message is not a JSON object.")
        if first.get("type") != "start":
            raise SpeechError(
                ErrorCode.INVALID_VALUE, "The first message is no `start`.", param="type"
            )
        return first

    async def _connect(
        self, servers: list[Server]
    ) -> tuple[Server, aiohttp.ClientWebSocketResponse]:
        for server in attempts(servers, MOST_ATTEMPTS):
            url = outward.root_address(server.upstream, PATH)
            try:
                return server, await self._parts.gateway.way.connect(
                    server.upstream,
                    url,
                    headers=headers_for(server, self._socket),
                    longest=_LONGEST_ANSWER,
                )
            except OutOfReachError as error:
                server.failed(str(error))
                self._parts.metrics.retried(server.name)
        raise choosing.unavailable(servers)

    async def _pump(self, server: Server, upstream: aiohttp.ClientWebSocketResponse) -> int:
        """Hand on what comes, until either side ends."""
        tasks = (
            asyncio.create_task(self._to_server(upstream)),
            asyncio.create_task(self._to_client(upstream)),
        )
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()
        code = upstream.close_code
        if code is None or code not in _SAYABLE:
            self._parts.metrics.cut(server.name)
            server.failed("it broke off a session")
            raise SpeechError(ErrorCode.UPSTREAM_FAILED, f"{server.name} broke off.", retry_after=1)
        return await _close(self._socket, code)

    async def _to_server(self, upstream: aiohttp.ClientWebSocketResponse) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message["code"])
            text = message.get("text")
            try:
                if text is not None:
                    await upstream.send_str(text)
                else:
                    await upstream.send_bytes(message.get("bytes") or b"")
            except (aiohttp.ClientError, ConnectionError):
                return  # what is wrong is seen by who reads from it

    async def _to_client(self, upstream: aiohttp.ClientWebSocketResponse) -> None:
        async for message in upstream:
            async with asyncio.timeout(SEND_SECONDS):
                if message.type is aiohttp.WSMsgType.TEXT:
                    await self._socket.send_text(message.data)
                elif message.type is aiohttp.WSMsgType.BINARY:
                    await self._socket.send_bytes(message.data)

"""``/v1/audio/stream``: a WebSocket for text that arrives in pieces."""

import asyncio
import logging
import time
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from fastapi import APIRouter
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.http.errors import error_response
from speaker_runtime.http.runtime import CurrentRuntime, Runtime
from speaker_runtime.http.stream.conversation import Conversation, Limits
from speaker_runtime.http.stream.messages import to_json

logger = logging.getLogger("speaker_runtime.requests")

router = APIRouter()

PATH: Final = "/v1/audio/stream"
MAX_SESSIONS: Final = 256
"""Of one process; a session without speech costs little, but not nothing."""

CLOSE_CODES: Final[Mapping[ErrorCode, int]] = MappingProxyType(
    {
        ErrorCode.SHUTTING_DOWN: 1012,
        ErrorCode.MODEL_NOT_READY: 1013,
        ErrorCode.UPSTREAM_UNAVAILABLE: 1013,
        ErrorCode.UPSTREAM_FAILED: 1011,
        ErrorCode.SESSION_ENDED: 1001,
    }
)
_POLICY_VIOLATION: Final = 1008
_SERVER_FAULT: Final = 1011
_CLOSE_SECONDS: Final = 5.0
_NORMAL: Final = 1000
_ABNORMAL: Final = 1006


@router.websocket(PATH)
async def stream_speech(socket: WebSocket, runtime: CurrentRuntime) -> None:
    """Speak text while it is being written."""
    if (refused := _refusal(socket, runtime)) is not None:
        await socket.send_denial_response(refused)
        return
    await socket.accept()
    conversation = Conversation(socket, runtime, uuid.uuid4().hex, Limits())
    began = time.monotonic()
    with runtime.metrics.session(), runtime.service.attended():
        code = await _converse(socket, runtime, conversation)
    logger.info(
        "session",
        extra={
            "fields": {
                "id": conversation.session,
                "path": PATH,
                "code": code,
                "ms": round((time.monotonic() - began) * 1000, 1),
                "audio_seconds": round(conversation.audio_seconds, 3),
            }
        },
    )


async def _converse(socket: WebSocket, runtime: Runtime, conversation: Conversation) -> int:
    """Let the session go on to its end; return the code that it was closed with."""
    try:
        await conversation.run()
    except SpeechError as error:
        runtime.metrics.failed(error.code)
        return await _close(socket, close_code_of(error), to_json(conversation.failure(error)))
    except WebSocketDisconnect as gone:
        return gone.code
    except TimeoutError:
        # The client reads nothing, not even why: returning cuts the connection.
        return _ABNORMAL
    except Exception:
        logger.exception("a fault", extra={"fields": {"id": conversation.session}})
        fault = SpeechError(ErrorCode.INTERNAL_ERROR, "The service has a fault.")
        runtime.metrics.failed(fault.code)
        return await _close(socket, _SERVER_FAULT, to_json(conversation.failure(fault)))
    return await _close(socket, _NORMAL)


async def _close(socket: WebSocket, code: int, last: str = "") -> int:
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            if last:
                await socket.send_text(last)
            await socket.close(code)
    except (WebSocketDisconnect, TimeoutError):
        return _ABNORMAL
    return code


def close_code_of(error: SpeechError) -> int:
    """The code with which a session that ends with an error is closed."""
    is_fault = error.kind.status == HTTPStatus.INTERNAL_SERVER_ERROR
    return CLOSE_CODES.get(error.code, _SERVER_FAULT if is_fault else _POLICY_VIOLATION)


def _refusal(socket: WebSocket, runtime: Runtime) -> Response | None:
    """Why a connection is not accepted, if so."""
    foreign = foreign_page(socket)
    if foreign is not None:
        return foreign
    if runtime.metrics.open_sessions >= MAX_SESSIONS:
        runtime.metrics.failed(ErrorCode.OVERLOADED)
        full = f"{MAX_SESSIONS} sessions are open already."
        return error_response(SpeechError(ErrorCode.OVERLOADED, full, retry_after=1))
    return None


def foreign_page(socket: WebSocket) -> Response | None:
    """The refusal of a page of another origin, if it is one that connects.

    Browsers ask nobody before they connect a page to another host's WebSocket.
    """
    origin = socket.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != socket.headers.get("host"):
        return Response("A page of another origin may not connect.", HTTPStatus.FORBIDDEN)
    return None

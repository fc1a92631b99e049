"""What only the operator asks of a process; it is no part of the API, nor of its description."""

from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from fastapi.security.utils import get_authorization_scheme_param

from speaker_runtime.contract import VOICE_AUDIO_PATH, VOICE_SYNC_PATH
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.http.openapi.answers import JSON
from speaker_runtime.http.runtime import CurrentRuntime, Runtime

if TYPE_CHECKING:
    from speaker_runtime.services.voicesync import VoiceSync

router = APIRouter(include_in_schema=False)


@router.post(VOICE_SYNC_PATH)
async def sync_voices(request: Request, runtime: CurrentRuntime) -> Response:
    """Serve the voices of a manifest from now on; there is no such path without an operator."""
    sync, token = _required(request, runtime)
    report = await sync.take(token, await request.body())
    return Response(report.to_json(), media_type=JSON)


@router.post(VOICE_AUDIO_PATH)
async def take_audio(request: Request, runtime: CurrentRuntime) -> Response:
    """Take a clip of reference audio that a manifest named."""
    sync, token = _required(request, runtime)
    sync.take_audio(token, await request.body())
    return Response(status_code=HTTPStatus.NO_CONTENT)


def _required(request: Request, runtime: Runtime) -> "tuple[VoiceSync, str]":
    """Who takes what was sent, and the token that came with it."""
    if runtime.voice_sync is None:
        raise SpeechError(ErrorCode.PATH_NOT_FOUND, f"There is no path {request.url.path}.")
    scheme, token = get_authorization_scheme_param(request.headers.get("Authorization"))
    if scheme.lower() != "bearer" or not token:
        runtime.metrics.synced("refused")
        raise SpeechError(
            ErrorCode.SYNC_UNAUTHORIZED, "There is no token: `Authorization: Bearer …` is missing."
        )
    return runtime.voice_sync, token

"""What only the operator asks of a process; it is no part of the API, nor of its description."""

from fastapi import APIRouter, Request, Response
from fastapi.security.utils import get_authorization_scheme_param

from speaker_runtime.contract import VOICE_SYNC_PATH
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.http.openapi.answers import JSON
from speaker_runtime.http.runtime import CurrentRuntime

router = APIRouter(include_in_schema=False)


@router.post(VOICE_SYNC_PATH)
async def sync_voices(request: Request, runtime: CurrentRuntime) -> Response:
    """Serve the voices of a manifest from now on; there is no such path without an operator."""
    if runtime.voice_sync is None:
        raise SpeechError(ErrorCode.PATH_NOT_FOUND, f"There is no path {request.url.path}.")
    scheme, token = get_authorization_scheme_param(request.headers.get("Authorization"))
    if scheme.lower() != "bearer" or not token:
        runtime.metrics.synced("refused")
        raise SpeechError(
            ErrorCode.SYNC_UNAUTHORIZED, "There is no token: `Authorization: Bearer …` is missing."
        )
    report = await runtime.voice_sync.take(token, await request.body())
    return Response(report.to_json(), media_type=JSON)

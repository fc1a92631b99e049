"""``GET /status``: everything about this process."""

from fastapi import APIRouter, Request

from speaker_runtime.errors import ErrorCode
from speaker_runtime.http.openapi.answers import refusals
from speaker_runtime.http.openapi.examples import STATUS, of_json
from speaker_runtime.http.routes.health import readiness
from speaker_runtime.http.runtime import CurrentRuntime, Runtime
from speaker_runtime.http.schemas import (
    CopyStatus,
    ModelStatus,
    QueueStatus,
    Status,
    VoiceStatus,
    WaitingRequest,
)

router = APIRouter(tags=["Health"])


@router.get(
    "/status",
    summary="What is this process doing?",
    responses={
        200: {"description": "All of it.", **of_json(STATUS)},
        **refusals(ErrorCode.INTERNAL_ERROR),
    },
)
async def status(request: Request, runtime: CurrentRuntime) -> Status:
    """Backend, model, voices with their state, queue and version."""
    now = readiness(runtime)
    can = runtime.engine.state.capabilities
    load = runtime.engine.load
    default, message = _default_voice(runtime)
    return Status(
        service=runtime.config.service,
        version=request.app.version,
        backend=runtime.config.backend,
        phase=now.phase,
        reason=now.reason,
        model=ModelStatus(
            source=runtime.config.model.source,
            digest=can.model_digest if can else None,
            device=can.device if can else None,
            precision=can.precision if can else None,
        ),
        copies=[
            CopyStatus(
                device=copy.device,
                phase=copy.state.phase,
                reason=copy.state.detail,
                fallback=copy.fallback,
            )
            for copy in runtime.engine.copies
        ],
        default_voice=default,
        default_voice_message=message,
        voices=_voices(runtime),
        queue=QueueStatus(
            running=load.running,
            waiting=load.waiting,
            requests=[
                WaitingRequest(
                    request_id=each.label,
                    position=position,
                    priority=each.priority,
                    waited_seconds=round(each.waited, 3),
                    speech_seconds=round(each.seconds, 1),
                )
                for position, each in enumerate(load.queue, start=1)
            ],
            queued_seconds=round(load.queued_seconds, 1),
            real_time_factor=round(load.real_time_factor, 4),
        ),
    )


def _default_voice(runtime: Runtime) -> tuple[str | None, str]:
    if runtime.engine.state.capabilities is None:
        return None, ""
    catalogue = runtime.service.catalogue()
    return catalogue.default.entry.name if catalogue.default else None, catalogue.default_message


def _voices(runtime: Runtime) -> list[VoiceStatus]:
    """None before the backend has told its presets."""
    if runtime.engine.state.capabilities is None:
        return []
    return [
        VoiceStatus(
            name=voice.entry.name,
            state=voice.state.value,
            reason=voice.reason,
            message=voice.message,
            preset=voice.entry.preset,
        )
        for voice in runtime.service.catalogue().voices
    ]

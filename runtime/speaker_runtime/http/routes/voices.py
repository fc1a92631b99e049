"""``GET /v1/audio/voices``."""

from fastapi import APIRouter

from speaker_runtime.errors import ErrorCode
from speaker_runtime.http.openapi.answers import refusals
from speaker_runtime.http.openapi.examples import VOICES, of_json
from speaker_runtime.http.runtime import CurrentRuntime
from speaker_runtime.http.schemas import VoiceInfo, VoiceList

router = APIRouter(tags=["Voices"])


@router.get(
    "/v1/audio/voices",
    summary="List the voices",
    responses={
        200: {"description": "The voices.", **of_json(VOICES)},
        **refusals(ErrorCode.INTERNAL_ERROR, ErrorCode.MODEL_NOT_READY),
    },
)
async def list_voices(runtime: CurrentRuntime) -> VoiceList:
    """Every voice that can speak; `GET /status` also tells of those that cannot, and why."""
    catalogue = runtime.service.catalogue()
    return VoiceList(
        voices=[
            VoiceInfo(
                id=voice.entry.name,
                name=voice.entry.display_name or voice.entry.name,
                description=voice.entry.description,
                languages=list(voice.entry.languages),
                gender=voice.entry.gender,
                tags=list(voice.entry.tags or ()),
                license=voice.entry.license,
                cloned=voice.entry.reference is not None,
                aliases=list(voice.names[1:]),
                default=voice is catalogue.default,
            )
            for voice in catalogue.voices
            if voice.speaker
        ]
    )

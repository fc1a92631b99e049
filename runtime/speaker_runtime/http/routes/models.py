"""``GET /v1/models`` and ``GET /v1/audio/models``."""

from typing import Annotated

from fastapi import APIRouter, Path

from speaker_runtime.errors import ErrorCode
from speaker_runtime.http.openapi.answers import refusals
from speaker_runtime.http.openapi.examples import MODEL, MODELS, SPEECH_MODELS, of_json
from speaker_runtime.http.runtime import CurrentRuntime, Runtime
from speaker_runtime.http.schemas import Model, ModelList, SpeechModel, SpeechModelList

router = APIRouter(tags=["Models"])


@router.get(
    "/v1/models",
    summary="List the models",
    responses={
        200: {"description": "The names.", **of_json(MODELS)},
        **refusals(ErrorCode.INTERNAL_ERROR),
    },
)
async def list_models(runtime: CurrentRuntime) -> ModelList:
    """Every name that `model` may have; all mean the one model that this service has loaded."""
    return ModelList(data=[_model(name, runtime) for name in runtime.models.names])


@router.get(
    "/v1/models/{model}",
    summary="Look up a model",
    responses={
        200: {"description": "The model.", **of_json(MODEL)},
        **refusals(ErrorCode.MODEL_NOT_FOUND, ErrorCode.INTERNAL_ERROR),
    },
)
async def retrieve_model(
    model: Annotated[str, Path(description="A name of the list.", examples=["tts-1"])],
    runtime: CurrentRuntime,
) -> Model:
    """One name that `model` may have."""
    return _model(runtime.models.resolve(model), runtime)


@router.get(
    "/v1/audio/models",
    summary="List the models that speak",
    responses={
        200: {"description": "The names.", **of_json(SPEECH_MODELS)},
        **refusals(ErrorCode.INTERNAL_ERROR),
    },
)
async def list_speech_models(runtime: CurrentRuntime) -> SpeechModelList:
    """The names of `GET /v1/models` in the shape that Open WebUI reads."""
    return SpeechModelList(
        models=[SpeechModel(id=name, name=name) for name in runtime.models.names]
    )


def _model(name: str, runtime: Runtime) -> Model:
    return Model(id=name, created=runtime.started, owned_by="speaker-tts")

"""``GET /v1/models``."""

from fastapi import APIRouter

from speaker_runtime.http.runtime import CurrentRuntime, Runtime
from speaker_runtime.http.schemas import ErrorEnvelope, Model, ModelList

router = APIRouter(tags=["Models"])


@router.get("/v1/models", summary="List the models")
async def list_models(runtime: CurrentRuntime) -> ModelList:
    """Every name that `model` may have; all mean the one model that this service has loaded."""
    return ModelList(data=[_model(name, runtime) for name in runtime.models.names])


@router.get(
    "/v1/models/{model}",
    summary="Look up a model",
    responses={404: {"model": ErrorEnvelope}, "default": {"model": ErrorEnvelope}},
)
async def retrieve_model(model: str, runtime: CurrentRuntime) -> Model:
    """One name that `model` may have."""
    return _model(runtime.models.resolve(model), runtime)


def _model(name: str, runtime: Runtime) -> Model:
    return Model(id=name, created=runtime.started, owned_by="speaker-tts")

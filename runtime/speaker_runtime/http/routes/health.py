"""Health: what kubelets and load balancers ask every few seconds."""

from http import HTTPStatus

from fastapi import APIRouter, Response

from speaker_runtime.contract import LIVE_PATH, READY_PATH
from speaker_runtime.engine.state import Phase
from speaker_runtime.errors import ErrorCode
from speaker_runtime.http.openapi.answers import refusals
from speaker_runtime.http.openapi.examples import LIVE, LOADING, READY, of_json
from speaker_runtime.http.runtime import CurrentRuntime, Runtime
from speaker_runtime.http.schemas import Live, Readiness

router = APIRouter(tags=["Health"])


def readiness(runtime: Runtime) -> Readiness:
    """Whether new requests are welcome."""
    state = runtime.engine.state
    queued = round(runtime.engine.load.queued_seconds, 1)
    if runtime.service.is_draining:
        reason = "the process is ending"
        return Readiness(ready=False, phase="draining", reason=reason, queued_seconds=queued)
    return Readiness(
        ready=state.phase is Phase.READY,
        phase=state.phase.value,
        reason=state.detail,
        queued_seconds=queued,
    )


@router.get(
    LIVE_PATH,
    summary="Is the process alive?",
    responses={200: {"description": "It is.", **of_json(LIVE)}},
)
async def live() -> Live:
    """Answers as long as the process does, whatever the model does."""
    return Live()


@router.get(
    READY_PATH,
    summary="Can speech be asked for?",
    responses={
        200: {"description": "It can.", **of_json(READY)},
        503: {"model": Readiness, "description": "Not now.", **of_json(LOADING)},
        **refusals(ErrorCode.INTERNAL_ERROR),
    },
)
async def ready(runtime: CurrentRuntime, response: Response) -> Readiness:
    """200 once the model has spoken; 503 with the phase before, and while the process ends."""
    now = readiness(runtime)
    if not now.ready:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return now

"""``GET /metrics``, in Prometheus' text format."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from speaker_runtime.contract import METRICS_PATH
from speaker_runtime.errors import ErrorCode
from speaker_runtime.http.openapi.answers import refusals
from speaker_runtime.http.openapi.examples import METRICS
from speaker_runtime.http.runtime import CurrentRuntime

router = APIRouter(tags=["Health"])


@router.get(
    METRICS_PATH,
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={
        200: {
            "description": "The metrics.",
            "content": {"text/plain": {"schema": {"type": "string"}, "example": METRICS}},
        },
        **refusals(ErrorCode.INTERNAL_ERROR),
    },
)
async def metrics(runtime: CurrentRuntime) -> Response:
    """Requests, audio, latencies and errors; the label `model` is the backend's name."""
    return Response(runtime.metrics.exposition(), media_type=CONTENT_TYPE_LATEST)

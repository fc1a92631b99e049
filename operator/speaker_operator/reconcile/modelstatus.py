"""A service's model, as its status tells it."""

from typing import Literal

from speaker_operator.api.v1alpha1.status import (
    ModelStatus,
)
from speaker_operator.reasons import Reason
from speaker_operator.reconcile.conditions import Finding
from speaker_operator.reconcile.fetches import fetch_report, fetch_states
from speaker_operator.reconcile.observation import Observation
from speaker_operator.reconcile.stock import Progress
from speaker_operator.render.caches import place_of


def model_status(observation: Observation) -> ModelStatus:
    """How the model fares: in the cache that a Job fills, or in the pods that fetch it."""
    stock, source = observation.stock, observation.service.model_source
    place = place_of(observation.service)
    claim = None if place is None else place.claim
    if stock is not None:
        progress = stock.progress or Progress(0, None)
        return ModelStatus(
            source=source,
            state=stock.state,
            message=None if stock.state == "Ready" else stock.message,
            claim=claim,
            digest=stock.report.digest if stock.report else None,
            bytes=stock.report.bytes if stock.report else progress.bytes or None,
            total_bytes=progress.total,
        )
    state, message = _model_state(observation)
    report = fetch_report(observation.pods) if state == "Ready" else None
    return ModelStatus(
        source=source,
        state=state,
        message=message,
        claim=claim,
        digest=report.digest if report else None,
        bytes=report.bytes if report else None,
    )


def _model_state(
    observation: Observation,
) -> tuple[Literal["Pending", "Downloading", "Ready", "Failed"], str | None]:
    failure = observation.failure
    if failure is not None and failure.concerns_model:
        return "Failed", failure.message
    fetches = list(fetch_states(observation.pods))
    if any(state.get("terminated", {}).get("exitCode") == 0 for state in fetches):
        return "Ready", None
    if any("running" in state for state in fetches):
        return "Downloading", None
    return "Pending", "no pod has started yet"


def model_ready(model: ModelStatus, observation: Observation) -> Finding:
    """Whether the model can be loaded."""
    if model.state == "Ready":
        return Finding("ModelReady", "True", Reason.FETCHED, f"{model.source} is in the cache.")
    if observation.stock is not None:
        return Finding("ModelReady", "False", observation.stock.reason, observation.stock.message)
    failure = observation.failure
    reason = Reason.DOWNLOADING if model.state == "Downloading" else Reason.PENDING
    if model.state == "Failed" and failure is not None:
        reason = failure.reason
    message = model.message or f"A pod fetches {model.source}."
    return Finding("ModelReady", "False", reason, message)

"""What the pods' containers that fetch the model have to tell. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from speaker_operator.kube.resources import JsonObject
from speaker_operator.render.names import FETCH_CONTAINER
from speaker_runtime.contract import FetchReport


def fetch_states(pods: Iterable[JsonObject]) -> Iterator[Mapping[str, Any]]:
    """The present state of each pod's fetch, as the kubelet tells it."""
    for pod in pods:
        for status in pod.get("status", {}).get("initContainerStatuses", ()):
            if status["name"] == FETCH_CONTAINER:
                yield status.get("state", {})


def fetch_report(pods: Iterable[JsonObject]) -> FetchReport | None:
    """What the first fetch that ended well brought; None if an image of another version ran it."""
    for state in fetch_states(pods):
        ended = state.get("terminated", {})
        if ended.get("exitCode") == 0:
            try:
                return FetchReport.model_validate_json(ended.get("message") or "")
            except ValidationError:
                continue
    return None

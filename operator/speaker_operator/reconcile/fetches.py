"""What the containers that fetch a model have to tell. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from speaker_operator.kube.resources import JsonObject
from speaker_operator.render.names import FETCH_CONTAINER
from speaker_runtime.contract import FetchReport


def fetch_states(pods: Iterable[JsonObject]) -> Iterator[Mapping[str, Any]]:
    """The present state of each pod's fetch, as the kubelet tells it."""
    for pod in pods:
        status = pod.get("status", {})
        containers = (
            *status.get("initContainerStatuses", ()),
            *status.get("containerStatuses", ()),
        )
        for container in containers:
            if container["name"] == FETCH_CONTAINER:
                yield container.get("state", {})


def fetch_report(pods: Iterable[JsonObject]) -> FetchReport | None:
    """What the first fetch that ended well brought; None if an image of another version ran it."""
    reports = (report_of(pod) for pod in pods)
    return next((report for report in reports if report is not None), None)


def report_of(pod: JsonObject) -> FetchReport | None:
    """What a pod's fetch brought, if it ended well and tells."""
    for state in fetch_states([pod]):
        ended = state.get("terminated", {})
        if ended.get("exitCode") == 0:
            try:
                return FetchReport.model_validate_json(ended.get("message") or "")
            except ValidationError:
                return None
    return None

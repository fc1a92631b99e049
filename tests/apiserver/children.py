"""A service with a child of every kind, and what the tests of its children wait for."""

import time
from typing import Any

from speaker_operator.kube.resources import (
    AUTOSCALER,
    BUDGET,
    CLAIM,
    CONFIG_MAP,
    DEPLOYMENT,
    INGRESS,
    NETWORK_POLICY,
    SERVICE,
    TTS_SERVICE,
    Resource,
)
from tests.apiserver.api import Api, Json, eventually
from tests.apiserver.operator_process import OperatorProcess

SETTLE_TIMEOUT = 15
REPAIR_GOAL = 2.0
EVERYTHING: Json = {
    "cache": {"size": "1Gi", "retain": False},
    "autoscaling": {"maxReplicas": 3, "minReplicas": 2},
    "networkPolicy": {"enabled": True},
    "expose": {"ingress": {"host": "speech.example.com"}},
}
NAMES = {
    CONFIG_MAP: "hello-config",
    CLAIM: "hello-model",
    SERVICE: "hello",
    INGRESS: "hello",
    NETWORK_POLICY: "hello",
    DEPLOYMENT: "hello",
    BUDGET: "hello",
    AUTOSCALER: "hello",
}


def settled(api: Api, name: str = "hello") -> Json | None:
    """The service, once its status speaks of its newest generation."""
    found = api.get(TTS_SERVICE, name)
    if found is None:
        return None
    observed = found.get("status", {}).get("observedGeneration")
    return found if observed == found["metadata"]["generation"] else None


def settle(api: Api, name: str = "hello") -> Json:
    return eventually(
        lambda: settled(api, name), within=SETTLE_TIMEOUT, what=f"{name} has been reconciled"
    )


def owned(api: Api) -> dict[Resource, Json]:
    """The service's children, by their resource."""
    return {
        resource: child
        for resource, name in NAMES.items()
        if (child := api.get(resource, name)) is not None
    }


def quiesce(operator: OperatorProcess) -> None:
    """Wait until the operator has nothing left to do."""

    def idle() -> bool:
        before = operator.total("speaker_operator_reconciles_total")
        time.sleep(0.3)  # longer than changes are gathered
        waiting = operator.total("speaker_operator_queue_depth")
        return waiting == 0 and operator.total("speaker_operator_reconciles_total") == before

    eventually(idle, within=SETTLE_TIMEOUT, what="the operator is idle")


def at(resource: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        if isinstance(resource, dict) and step not in resource:
            return None
        resource = resource[step]
    return resource

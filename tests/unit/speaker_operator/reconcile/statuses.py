"""What the tests of statuses observe."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from speaker_operator.api.v1alpha1 import TTSService, Voice
from speaker_operator.api.v1alpha1.status import Condition, ServiceStatus
from speaker_operator.reconcile.hearing import Word, ready_pods
from speaker_operator.reconcile.observation import Observation
from speaker_operator.reconcile.plan import Problem
from speaker_operator.reconcile.status import service_status
from speaker_operator.render.gpu import Devices
from speaker_operator.render.voices import assign
from tests.unit.speaker_operator.reconcile.cluster_state import (
    Json,
    children,
    deployment_numbers,
    pod,
    rolled_out,
    with_status,
)
from tests.unit.speaker_operator.reconcile.hearsay import hearing, said

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


TYPES = ["ModelReady", "VoicesReady", "Available", "Progressing", "Ready"]


ON_CPU = Devices("cpu")


PENDING = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}


def status(
    of: TTSService,
    objects: Iterable[Json],
    *,
    voices: Iterable[Voice] = (),
    problems: Iterable[Problem] = (),
    undone: Iterable[str] = (),
    on: Devices = ON_CPU,
    words: Mapping[str, Word | None] | None = None,
    now: datetime = NOW,
) -> ServiceStatus:
    voices, objects = list(voices), list(objects)
    said_by_all = {each.name: said(*voices) for each in ready_pods(objects)}
    return service_status(
        Observation(
            service=of,
            assignments=assign(of, voices),
            objects=objects,
            problems=list(problems),
            undone=frozenset(undone),
            devices=on,
            hearing=hearing(said_by_all if words is None else words, *voices),
            now=now,
        )
    )


def conditions(of: ServiceStatus) -> dict[str, Condition]:
    return {condition.type: condition for condition in of.conditions}


def summary(of: ServiceStatus) -> dict[str, str]:
    return {name: f"{each.status} {each.reason}" for name, each in conditions(of).items()}


def serving(of: TTSService, *voices: Voice) -> list[Json]:
    """Everything as it should be: one pod that serves."""
    return [*rolled_out(children(of, *voices)), pod(of)]


def failing(of: TTSService, **containers: Json) -> list[Json]:
    """A Deployment whose only pod does not come up."""
    numbers = {**deployment_numbers(1), "readyReplicas": 0, "availableReplicas": 0}
    return [
        *(with_status(each, **numbers) for each in children(of)),
        pod(of, **containers),  # type: ignore[arg-type] # only containers are ever given
    ]


ON_KEDA: Json = {
    "engine": "keda",
    "minReplicas": 0,
    "maxReplicas": 3,
    "keda": {"triggers": [{"type": "cron"}]},
}


def scaled_to(of: TTSService, replicas: int, **numbers: int) -> list[Json]:
    live = rolled_out(children(of), replicas)
    (deployment,) = (each for each in live if each["kind"] == "Deployment")
    deployment["spec"]["replicas"] = replicas
    deployment["status"] |= numbers
    return live


def with_previous(of: TTSService, previous: ServiceStatus) -> TTSService:
    return of.model_copy(update={"status": previous})

"""One service at a time: how soon its children are there."""

from datetime import UTC, datetime
from statistics import median
from typing import Final

from bench.control.burst import KINDS, of_team, rendered
from bench.control.cluster import Cluster
from bench.control.waiting import GIVE_UP_SECONDS, await_calm
from bench.goals import Name
from bench.report import Measure
from bench.spread import percentile
from speaker_operator.kube.resources import JsonObject, resource_of
from tests.apiserver.api import Api, eventually
from tests.apiserver.operator_process import OperatorProcess

TURNS: Final = 30


def run(cluster: Cluster, operator: OperatorProcess) -> list[Measure]:
    """Declare one after the other, each when the operator is idle."""
    api = cluster.namespace("single")
    took = [_declare(cluster, api, operator, f"tts-{turn}") for turn in range(TURNS)]
    return [
        Measure(
            Name.CHILDREN,
            1000 * median(took),
            f"p95 {1000 * percentile(took, 0.95):.0f} ms; {TURNS} times {len(KINDS)} children, by "
            "the API server's own record",
        )
    ]


def _declare(cluster: Cluster, api: Api, operator: OperatorProcess, name: str) -> float:
    """Declare a service; returns the seconds until the API server has all of its children.

    Asking it for them again and again would take away a good part of what it can do meanwhile.
    """
    await_calm(operator)
    mark, began = cluster.audit.mark(), datetime.now(UTC)
    children = {_reference(each) for each in rendered([api.create(of_team(name))])}

    def answered() -> datetime | None:
        applied = cluster.audit.applied_since(mark)
        return max(applied[each] for each in children) if children <= applied.keys() else None

    last = eventually(answered, within=GIVE_UP_SECONDS, what=f"all children of {name}")
    return (last - began).total_seconds()


def _reference(child: JsonObject) -> tuple[str, str]:
    return resource_of(child).plural, child["metadata"]["name"]

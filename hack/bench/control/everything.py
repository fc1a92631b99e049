"""All measures of the operator, in the order in which they disturb one another least."""

import sys
import time
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Final

from bench.control import burst, calm, causes, drift, restart, single, voices
from bench.control.cluster import Cluster, cluster, controlled_cluster
from bench.goals import Name
from bench.report import Measure
from tests.apiserver.operator_process import OperatorProcess

FEW: Final = 200
MANY: Final = 1_000
ROUNDS: Final = 3

Part = Callable[[Cluster, OperatorProcess], list[Measure]]


def _few(cluster: Cluster, operator: OperatorProcess) -> list[Measure]:
    rounds = burst.burst(cluster, operator, FEW, ROUNDS)
    return [burst.ratio(Name.BURST_200, FEW, rounds)]


def _many(cluster: Cluster, operator: OperatorProcess) -> list[Measure]:
    """Ends the operator: another one takes over what there is then."""
    rounds = burst.burst(cluster, operator, MANY, 1)
    return [
        burst.ratio(Name.BURST_1000, MANY, rounds),
        *restart.run(cluster, operator, burst.namespace(MANY, 0)),
    ]


def _costs(cluster: Cluster, operator: OperatorProcess) -> list[Measure]:
    return burst.costs(FEW, burst.burst(cluster, operator, FEW, 1))


ALONE: Final[Mapping[str, Part]] = MappingProxyType(
    {
        "burst": _few,
        "single": single.run,
        "drift": drift.run,
        "voices": voices.run,
        "restart": _many,
    }
)
"""On an API server without Kubernetes' controllers and scheduler."""
BESIDE_OTHERS: Final[Mapping[str, Part]] = MappingProxyType(
    {"costs": _costs, "calm": calm.run, "causes": lambda cluster, _: causes.run(cluster)}
)
"""On one with them."""
PARTS: Final = (*ALONE, *BESIDE_OTHERS)


def run(chosen: Collection[str] = PARTS) -> list[Measure]:
    """Measure the parts that are chosen, or all of them; says how long each took."""
    measures: list[Measure] = []
    for start, parts in ((cluster, ALONE), (controlled_cluster, BESIDE_OTHERS)):
        todo = {name: part for name, part in parts.items() if name in chosen}
        if todo:
            with start() as api_server, api_server.ready_operator() as operator:
                for name, part in todo.items():
                    began = time.perf_counter()
                    measures += part(api_server, operator)
                    sys.stdout.write(f"{name}: {time.perf_counter() - began:.0f} s\n")
                    sys.stdout.flush()
    return measures

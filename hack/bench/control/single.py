"""One service at a time: how soon its children are there."""

import time
from functools import partial
from statistics import median
from typing import Final

from bench.control.burst import KINDS, of_team, rendered
from bench.control.cluster import Cluster
from bench.control.waiting import await_calm, seconds_until
from bench.goals import Name
from bench.report import Measure
from bench.spread import percentile
from speaker_operator.kube.resources import resource_of
from tests.apiserver.api import Api, Json
from tests.apiserver.operator_process import OperatorProcess

TURNS: Final = 30


def run(cluster: Cluster, operator: OperatorProcess) -> list[Measure]:
    """Declare one after the other, each when the operator is idle."""
    api = cluster.namespace("single")
    took = [_declare(api, operator, f"tts-{turn}") for turn in range(TURNS)]
    return [
        Measure(
            Name.CHILDREN,
            1000 * median(took),
            f"p95 {1000 * percentile(took, 0.95):.0f} ms; {TURNS} times {len(KINDS)} children",
        )
    ]


def _declare(api: Api, operator: OperatorProcess, name: str) -> float:
    """Declare a service; returns the seconds until all of its children are there."""
    await_calm(operator)
    began = time.perf_counter()
    declared = api.create(of_team(name))
    for child in reversed(rendered([declared])):
        seconds_until(partial(_exists, api, child))
    return time.perf_counter() - began


def _exists(api: Api, child: Json) -> bool:
    return api.get(resource_of(child), child["metadata"]["name"]) is not None

"""All measures of the operator, in the order in which they disturb one another least."""

from typing import Final

from bench.control import burst, calm, causes, drift, restart, single, voices
from bench.control.cluster import cluster, controlled_cluster
from bench.goals import Name
from bench.report import Measure

FEW: Final = 200
MANY: Final = 1_000
ROUNDS: Final = 3


def run() -> list[Measure]:
    """Measure on one API server without, and on one with Kubernetes' controllers and scheduler."""
    with cluster() as api_server, api_server.ready_operator() as operator:
        few = burst.burst(api_server, operator, FEW, ROUNDS)
        many = burst.burst(api_server, operator, MANY, 1)
        measures = [
            burst.ratio(Name.BURST_200, FEW, few),
            burst.ratio(Name.BURST_1000, MANY, many),
            *single.run(api_server, operator),
            *drift.run(api_server, operator),
            *voices.run(api_server, operator),
            *restart.run(api_server, operator, burst.namespace(MANY, 0)),
        ]
    with controlled_cluster() as whole, whole.ready_operator() as operator:
        busy = burst.burst(whole, operator, FEW, 1)
        measures += [
            *burst.costs(FEW, busy),
            *calm.run(whole, operator),
            *causes.run(whole),
        ]
    return measures

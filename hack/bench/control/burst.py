"""Many services at once, against a loop that writes the same children with no operator around it.

Both sides write to the same API server and take turns. The operator's time begins with the first
service that is declared (over as many connections as the loop has) and ends when every child of
every service is there; meanwhile it observes, renders, compares and writes statuses, too.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bench.control.cluster import Cluster, cpu_milliseconds
from bench.control.waiting import await_calm
from bench.control.writing import Json, Writer, application, creation, writer
from bench.goals import Name
from bench.report import Measure
from bench.spread import Spread
from speaker_operator.kube.resources import (
    AUTOSCALER,
    CONFIG_MAP,
    DEPLOYMENT,
    SERVICE,
    TTS_SERVICE,
    JsonObject,
)
from speaker_operator.reconcile.parsing import read_service
from speaker_operator.render.children import render
from speaker_operator.render.images import ImageSettings
from speaker_operator.render.labels import MANAGED_BY, MANAGER
from speaker_operator.render.settings import RenderSettings
from tests.apiserver.api import service
from tests.apiserver.operator_process import OperatorProcess

SPEC: Final[Json] = {
    "autoscaling": {"maxReplicas": 3},
    "placement": {"nodeSelector": {"example.com/pool": "none"}},
}
"""No node has that label, so the pods stay Pending."""
TEAM: Final = "team"
"""Label of the voices of one service."""
KINDS: Final = (AUTOSCALER, DEPLOYMENT, SERVICE, CONFIG_MAP)
"""The children of such a service, the last one to be written first."""
IMAGES: Final = ImageSettings("speaker-tts-runtime:{engine}-test")


@dataclass(frozen=True)
class Round:
    """What one turn of both sides came to.

    Attributes:
        burst: Seconds that the operator took.
        bare: Seconds that the loop took.
        cpu: Milliseconds of CPU of the operator, until it was idle again.
        requests: Of the operator, until it was idle again.
    """

    burst: float
    bare: float
    cpu: float
    requests: Counter[str]


def burst(cluster: Cluster, operator: OperatorProcess, size: int, turns: int) -> list[Round]:
    """Let both sides take so many turns."""
    return [
        asyncio.run(_turn(cluster, operator, size, namespace(size, turn))) for turn in range(turns)
    ]


def namespace(size: int, turn: int) -> str:
    """Where the services of a turn are."""
    return f"burst-{size}-{turn}"


def ratio(name: Name, size: int, rounds: list[Round]) -> Measure:
    """The operator's rate ÷ the loop's."""
    spread = Spread.of([each.bare / each.burst for each in rounds])
    children = size * len(KINDS)
    return Measure(
        name,
        spread.median,
        f"{spread.lowest:.2f} to {spread.highest:.2f} in {spread.count} rounds",
        {
            "services per second": size / Spread.of([each.burst for each in rounds]).median,
            "children per second, bare": children / Spread.of([r.bare for r in rounds]).median,
        },
    )


def costs(size: int, rounds: list[Round]) -> list[Measure]:
    """What a service costs, from its declaration until nothing is left to be done."""
    cpu = Spread.of([each.cpu / size for each in rounds])
    beyond = Spread.of([each.requests.total() / size - len(KINDS) for each in rounds])
    told = sum((each.requests for each in rounds), Counter())
    shares = {what: count / size / len(rounds) for what, count in told.most_common()}
    return [
        Measure(
            Name.REQUESTS,
            beyond.median,
            f"{len(KINDS)} children; " + ", ".join(f"{v:.2f} {k}" for k, v in shares.items()),
        ),
        Measure(Name.OPERATOR_CPU, cpu.median, f"{cpu.lowest:.1f} to {cpu.highest:.1f} ms"),
    ]


async def _turn(cluster: Cluster, operator: OperatorProcess, size: int, name: str) -> Round:
    declared, bare = cluster.namespace(name), cluster.namespace(f"{name}-bare")
    services = [of_team(f"tts-{number}") for number in range(size)]
    creations = [creation(declared.namespace, each) for each in services]
    async with writer(cluster.plane) as admin:
        mark, cpu = cluster.audit.mark(), cpu_milliseconds(operator)
        began = time.perf_counter()
        await admin.write(creations)
        await admin.await_count(KINDS, declared.namespace, size)
        took = time.perf_counter() - began
        await asyncio.to_thread(await_calm, operator)
        cpu = cpu_milliseconds(operator) - cpu
        requests = cluster.audit.since(mark)
        known = {"apiVersion": TTS_SERVICE.api_version, "kind": TTS_SERVICE.kind}
        children = rendered(known | each for each in declared.list(TTS_SERVICE))
        loop = await _bare(admin, [_elsewhere(each, bare.namespace) for each in children])
        return Round(took, loop, cpu, requests)


def of_team(name: str) -> Json:
    """A service to declare, which selects the voices of a team of its own name."""
    return service(name, **SPEC, voices={"selector": {"matchLabels": {TEAM: name}}})


def rendered(services: Iterable[JsonObject]) -> list[JsonObject]:
    """What the operator makes for the services."""
    settings = RenderSettings(IMAGES, public_key="k" * 43)
    return [child for each in services for child in render(read_service(each), (), settings)]


def _elsewhere(child: JsonObject, namespace: str) -> JsonObject:
    """The same in another namespace, where it has no owner, and no operator looks after it."""
    kept = {name: value for name, value in child["metadata"].items() if name != "ownerReferences"}
    labels = {**kept["labels"], MANAGED_BY: MANAGER[::-1]}
    return {**child, "metadata": {**kept, "labels": labels, "namespace": namespace}}


async def _bare(admin: Writer, children: list[JsonObject]) -> float:
    writes = [application(each) for each in children]
    began = time.perf_counter()
    await admin.write(writes)
    return time.perf_counter() - began

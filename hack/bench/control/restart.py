"""The operator is started again where there is much already, and nothing to be done."""

import asyncio
import time
from functools import partial
from typing import Final

from bench.control.burst import TEAM
from bench.control.cluster import Cluster, cpu_milliseconds, memory_megabytes
from bench.control.waiting import RECONCILES, await_calm, is_calm
from bench.control.writing import Json, creation, writer
from bench.goals import Name
from bench.report import Measure
from speaker_operator.kube.resources import TTS_SERVICE
from tests.apiserver.api import eventually, voice
from tests.apiserver.operator_process import OperatorProcess

VOICES: Final = 5
"""Of each service."""
GIVE_UP_SECONDS: Final = 300.0
_LOOK_SECONDS: Final = 0.25
_READS: Final = frozenset({"get", "list"})


def run(cluster: Cluster, operator: OperatorProcess, namespace: str) -> list[Measure]:
    """Give the services of a namespace their voices, then let another operator take over."""
    api = cluster.api.in_namespace(namespace)
    services = [str(each["metadata"]["name"]) for each in api.list(TTS_SERVICE)]
    voices = [
        voice(f"{name}-voice-{number}", {TEAM: name})
        for name in services
        for number in range(VOICES)
    ]
    asyncio.run(_declare(cluster, namespace, voices))
    size = len(services) + len(voices)
    await_calm(operator)
    operator.stop()
    mark, began = cluster.audit.mark(), time.perf_counter()
    with cluster.operator() as successor:
        eventually(partial(_has_seen, successor, size), within=GIVE_UP_SECONDS, what="all is seen")
        took = time.perf_counter() - began
        await_calm(successor)
        asked = cluster.audit.since(mark)
        writes = {w: n for w, n in asked.items() if w.partition(" ")[0] not in _READS}
        memory, most = (memory_megabytes(successor, field) for field in ("VmRSS", "VmHWM"))
        cpu = cpu_milliseconds(successor) / 1000
    what = f"{len(services)} services, {len(voices)} voices"
    told = ", ".join(f"{count} {write}" for write, count in writes.items())
    reads = ", ".join(f"{n} {w}" for w, n in asked.items() if w not in writes)
    return [
        Measure(Name.RESTART, took, f"{what}; from the process' start on", {"CPU, s": cpu}),
        Measure(Name.RESTART_WRITES, sum(writes.values()), told or f"only {reads}"),
        Measure(Name.RESTART_MEMORY, memory, what, {"most ever held, MB": most}),
    ]


def _has_seen(operator: OperatorProcess, size: int) -> bool:
    """Whether it has looked at so many objects; asking costs it time that it has better use for."""
    time.sleep(_LOOK_SECONDS)
    return operator.total(RECONCILES) >= size and is_calm(operator)


async def _declare(cluster: Cluster, namespace: str, voices: list[Json]) -> None:
    async with writer(cluster.plane) as admin:
        await admin.write([creation(namespace, each) for each in voices])

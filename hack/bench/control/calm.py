"""What the operator does when there is nothing to do, or nothing that concerns it."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from bench.control.burst import of_team
from bench.control.cluster import Cluster, cpu_milliseconds
from bench.control.waiting import RECONCILES, await_calm
from bench.control.writing import annotation, creation, writer
from bench.goals import Name
from bench.report import Measure
from speaker_operator.kube.resources import DEPLOYMENT, TTS_SERVICE
from tests.apiserver.api import Api, eventually
from tests.apiserver.operator_process import OperatorProcess
from tests.support.kubernetes import condition

SERVICES: Final = 100
IDLE_SECONDS: Final = 60.0
TOUCHES: Final = 5
"""Of each Deployment, in what the operator does not own."""
_PENDING_SECONDS: Final = 60.0


def run(cluster: Cluster, operator: OperatorProcess) -> list[Measure]:
    """Watch it beside services whose pods are Pending."""
    api = cluster.namespace("calm")
    asyncio.run(_declare(cluster, api))
    eventually(lambda: _all_say_why(api), within=_PENDING_SECONDS, what="all say why they wait")
    await_calm(operator)
    return [_idle(cluster, operator), _no_op(cluster, api, operator)]


async def _declare(cluster: Cluster, api: Api) -> None:
    services = [of_team(f"tts-{number}") for number in range(SERVICES)]
    async with writer(cluster.plane) as admin:
        await admin.write([creation(api.namespace, each) for each in services])


def _all_say_why(api: Api) -> bool:
    reasons = [condition(each, "Ready").get("reason") for each in api.list(TTS_SERVICE)]
    return reasons == ["Unschedulable"] * SERVICES


def _idle(cluster: Cluster, operator: OperatorProcess) -> Measure:
    mark, cpu = cluster.audit.mark(), cpu_milliseconds(operator)
    time.sleep(IDLE_SECONDS)
    asked = cluster.audit.since(mark)
    return Measure(
        Name.IDLE,
        asked.total() * 60 / IDLE_SECONDS,
        f"{', '.join(asked) or 'none'} in {IDLE_SECONDS:.0f} s; aside from the watches themselves, "
        "which are opened anew every 5 minutes, and the leader's Lease",
        {"CPU, ms a minute": (cpu_milliseconds(operator) - cpu) * 60 / IDLE_SECONDS},
    )


def _no_op(cluster: Cluster, api: Api, operator: OperatorProcess) -> Measure:
    """Changes that the operator hears of, compares, and has nothing to do about."""
    before = operator.total(RECONCILES)
    mark, cpu = cluster.audit.mark(), cpu_milliseconds(operator)
    asyncio.run(_touch(cluster, api, range(TOUCHES)))
    await_calm(operator)
    cpu = cpu_milliseconds(operator) - cpu
    events = SERVICES * TOUCHES
    reconciled = operator.total(RECONCILES) - before
    asked = cluster.audit.since(mark).total()
    return Measure(
        Name.NO_OP,
        cpu / events,
        f"{events} changes of Deployments, {reconciled:.0f} reconciliations, {asked} requests",
    )


async def _touch(cluster: Cluster, api: Api, turns: Sequence[int]) -> None:
    async with writer(cluster.plane) as admin:
        for turn in turns:
            await admin.write(
                [
                    annotation(api.namespace, DEPLOYMENT, f"tts-{number}", str(turn))
                    for number in range(SERVICES)
                ]
            )

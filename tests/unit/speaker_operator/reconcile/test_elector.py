"""The elector against a Lease that others claim, that is slow, and that is out of reach."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from aiohttp import web

from speaker_operator.kube.errors import NotLeadingError
from speaker_operator.metrics import OperatorMetrics
from speaker_operator.reconcile.elector import Elector
from speaker_operator.reconcile.lease import Timing
from tests.unit.speaker_operator.factories import Json
from tests.unit.speaker_operator.kube.test_client import client_of

TIMING = Timing(lease_seconds=10)


@dataclass
class Server:
    """Keeps one Lease, as an API server does: who writes must know the present version."""

    lease: Json | None = None
    version: int = 0
    away: bool = False
    requests: list[str] = field(default_factory=list)

    def put(self, spec: Json) -> Json:
        self.version += 1
        self.lease = {"metadata": {"resourceVersion": str(self.version)}, "spec": spec}
        return self.lease

    async def answer(self, request: web.Request) -> web.Response:
        self.requests.append(request.method)
        if self.away:
            return web.json_response({"message": "away"}, status=503)
        if request.method == "GET":
            return web.json_response(self.lease or {}, status=200 if self.lease else 404)
        sent = await request.json()
        present = None if self.lease is None else self.lease["metadata"]["resourceVersion"]
        if sent["metadata"].get("resourceVersion") != present:
            return web.json_response({"message": "conflict"}, status=409)
        return web.json_response(self.put(sent["spec"]))

    @property
    def holder(self) -> str:
        return str((self.lease or {"spec": {}})["spec"].get("holderIdentity", ""))


@dataclass
class Candidate:
    """An elector, a clock that the test sets, and what it tells."""

    elector: Elector
    metrics: OperatorMetrics
    passed: list[float]

    def leads(self) -> bool:
        try:
            self.elector.check()
        except NotLeadingError:
            return False
        return True

    async def turn(self) -> float:
        return await self.elector._turn()

    def wait(self, seconds: float) -> None:
        self.passed[0] += seconds


@asynccontextmanager
async def candidate(server: Server) -> AsyncIterator[Candidate]:
    passed, metrics = [100.0], OperatorMetrics()
    async with client_of(server.answer) as client:
        elector = Elector(
            client,
            namespace="system",
            name="lease",
            identity="me",
            timing=TIMING,
            clock=lambda: passed[0],
            now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
            metrics=metrics,
        )
        yield Candidate(elector, metrics, passed)


def by_another() -> Json:
    return {"holderIdentity": "other", "leaseDurationSeconds": 10, "renewTime": "whenever"}


async def test_where_nobody_leads_it_leads_at_once_and_renews_with_one_request() -> None:
    server = Server()
    async with candidate(server) as me:
        assert not me.leads()
        assert await me.turn() == TIMING.retry_seconds
        assert me.leads()
        server.requests.clear()
        me.wait(2)
        await me.turn()
        assert server.requests == ["PUT"]
        assert me.leads()
        assert me.metrics.registry.get_sample_value("speaker_operator_leading") == 1


async def test_it_leads_no_longer_than_its_last_renewal_lasts() -> None:
    server = Server()
    async with candidate(server) as me:
        await me.turn()
        me.wait(TIMING.deadline_seconds - 0.1)
        assert me.leads()
        me.wait(0.2)
        assert not me.leads()


async def test_out_of_reach_it_stops_at_its_deadline_and_says_so() -> None:
    server = Server()
    async with candidate(server) as me:
        await me.turn()
        server.away = True
        me.wait(6)
        assert await me.turn() == pytest.approx(TIMING.deadline_seconds - 6)
        assert me.leads()
        me.wait(1)
        await me.turn()
        await me.elector.deposed()
        assert me.metrics.registry.get_sample_value("speaker_operator_leading") == 0


async def test_it_waits_for_another_and_takes_over_when_that_falls_silent() -> None:
    server = Server()
    server.put(by_another())
    async with candidate(server) as me:
        for _ in range(4):
            assert await me.turn() == TIMING.retry_seconds
            me.wait(2)
        server.put(by_another() | {"renewTime": "later"})
        await me.turn()
        me.wait(9)
        assert await me.turn() == 1  # no later than when it runs out
        assert not me.leads()
        me.wait(1)
        await me.turn()
        assert me.leads()
        assert server.holder == "me"


async def test_thawed_it_does_not_lead_until_it_has_asked_and_learns_of_another() -> None:
    server = Server()
    async with candidate(server) as me:
        await me.turn()
        me.wait(60)
        server.put(by_another())
        assert not me.leads()
        await me.turn()
        assert not me.leads()
        await me.turn()
        await me.elector.deposed()
        assert server.holder == "other"


async def test_thawed_it_leads_on_if_nobody_has_asked_meanwhile() -> None:
    server = Server()
    async with candidate(server) as me:
        await me.turn()
        me.wait(60)
        assert not me.leads()
        await me.turn()
        assert me.leads()
        assert me.metrics.registry.get_sample_value("speaker_operator_terms_total") == 1


async def test_of_two_that_claim_at_once_one_leads() -> None:
    server = Server()
    server.put(by_another() | {"holderIdentity": ""})
    async with candidate(server) as me:
        real = server.lease

        async def late(request: web.Request) -> web.Response:
            if request.method == "PUT" and server.lease is real:
                server.put(by_another())
            return await server.answer(request)

        async with client_of(late) as client:
            me.elector._client = client
            await me.turn()
            assert not me.leads()
            await me.turn()
            assert not me.leads()
            assert server.holder == "other"


async def test_a_lease_that_is_gone_is_made_anew() -> None:
    server = Server()
    async with candidate(server) as me:
        await me.turn()
        server.lease = None
        assert await me.turn() == 0
        await me.turn()
        assert me.leads()
        assert server.holder == "me"


async def test_released_it_leads_no_more_and_stands_no_more() -> None:
    server = Server()
    ready = asyncio.Event()
    ready.set()
    async with candidate(server) as me:
        task = asyncio.create_task(me.elector.run(ready))
        await me.elector.elected()
        await me.elector.release()
        assert (server.holder, me.leads()) == ("", False)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert server.holder == ""


async def test_released_by_who_never_led_it_stays_the_others() -> None:
    server = Server()
    server.put(by_another())
    async with candidate(server) as me:
        await me.turn()
        await me.elector.release()
        assert server.holder == "other"
        assert "PUT" not in server.requests

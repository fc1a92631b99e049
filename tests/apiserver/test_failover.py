"""Two operators, one of which leads: who takes over, how soon, and who falls silent."""

import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cluster.envtest import ControlPlane
from speaker_operator.kube.resources import DECLARED, DEPLOYMENT, LEASE, TTS_SERVICE, VOICE
from tests.apiserver.api import Api, connect, eventually, service, unique_name, voice
from tests.apiserver.children import quiesce
from tests.apiserver.conftest import (
    LEASE_NAME,
    OWN_NAMESPACE,
    READY_TIMEOUT,
)
from tests.apiserver.faults import Asked
from tests.apiserver.kubelet import live_pod
from tests.apiserver.operator_process import value_of
from tests.apiserver.replicas import Replica, pair, replica
from tests.support.figures import RecordFigure
from tests.support.kubernetes import condition, is_ready

pytestmark = pytest.mark.apiserver

TAKEOVER_GOAL = 15.0
HANDOVER_GOAL = 8.0  # less than the lease lasts: nobody waited for its end
FOLLOW_TIMEOUT = 10
QUICK = {"SPEAKER_LEASE_SECONDS": "6"}


@pytest.fixture
def own(plane: ControlPlane) -> Iterator[Api]:
    with connect(plane) as api:
        name = unique_name("test")
        api.create_namespace(name, {})
        own = api.in_namespace(name)
        with own.machines:
            yield own
        for resource in DECLARED:  # the next test's operators need not look for these pods
            own.delete_all(resource)


def replicas(api: Api) -> int | None:
    deployment = api.get(DEPLOYMENT, "hello")
    return None if deployment is None else deployment["spec"]["replicas"]


def follows(api: Api, number: int, within: float = FOLLOW_TIMEOUT) -> None:
    """Change a spec, and wait until it is in effect."""
    api.patch(TTS_SERVICE, "hello", {"spec": {"replicas": number}})
    eventually(lambda: replicas(api) == number, within=within, what=f"{number} replicas")


def settled_pair(api: Api, leader: Replica, standby: Replica) -> None:
    api.declare(service(), voice("ana"))
    eventually(lambda: replicas(api) == 1, within=FOLLOW_TIMEOUT, what="the leader works")
    quiesce(leader.operator)
    assert standby.network.writes() == []


def await_turn(standby: Replica) -> None:
    """Wait until a replica has looked at the lease once more."""
    seen = len(standby.network.exchanges)
    eventually(
        lambda: len(standby.network.exchanges) > seen,
        within=FOLLOW_TIMEOUT,
        what="the standby looks at the lease",
    )


def test_the_leader_is_killed(
    plane: ControlPlane, own: Api, tmp_path: Path, record_figure: RecordFigure
) -> None:
    with pair(plane, tmp_path) as (leader, standby):
        settled_pair(own, leader, standby)
        leader.operator.process.kill()
        began = time.monotonic()
        follows(own, 2, within=TAKEOVER_GOAL + FOLLOW_TIMEOUT)
        took = time.monotonic() - began
        record_figure("leader killed to change followed", took, "s", goal="<= 15")
        assert took <= TAKEOVER_GOAL
        assert standby.leads


def test_the_leader_is_told_to_stop(
    plane: ControlPlane, own: Api, tmp_path: Path, record_figure: RecordFigure
) -> None:
    with pair(plane, tmp_path) as (leader, standby):
        settled_pair(own, leader, standby)
        began = time.monotonic()
        assert leader.operator.stop() == 0
        follows(own, 2)
        took = time.monotonic() - began
        record_figure("leader told to stop to change followed", took, "s", goal="<= 8")
        assert took <= HANDOVER_GOAL
        lease = own.in_namespace(OWN_NAMESPACE).require(LEASE, LEASE_NAME)["spec"]
        assert lease["leaseTransitions"] >= 1


def test_a_frozen_leader_writes_nothing_once_it_thaws(
    plane: ControlPlane, own: Api, tmp_path: Path
) -> None:
    with pair(plane, tmp_path, **QUICK) as (old, new):
        settled_pair(own, old, new)
        old.operator.process.send_signal(signal.SIGSTOP)
        own.patch(TTS_SERVICE, "hello", {"spec": {"replicas": 2}})  # it hears of that when it thaws
        eventually(lambda: new.leads, within=TAKEOVER_GOAL, what="the other leads")
        eventually(lambda: replicas(own) == 2, within=FOLLOW_TIMEOUT, what="two replicas")
        before = len(old.network.writes())
        own.delete(DEPLOYMENT, "hello")
        old.operator.process.send_signal(signal.SIGCONT)
        eventually(lambda: not old.leads, within=FOLLOW_TIMEOUT, what="the first stands by")
        follows(own, 3)
        quiesce(new.operator)
        assert [each for each in old.network.writes()[before:] if each.status < 400] == []
        assert old.operator.probe("/healthz") == old.operator.probe("/readyz") == (200, "ok")
        new.operator.process.kill()
        eventually(lambda: old.leads, within=TAKEOVER_GOAL, what="the first leads again")
        follows(own, 4)


def test_a_leader_that_is_cut_off_stops_before_the_other_begins(
    plane: ControlPlane, own: Api, tmp_path: Path, record_figure: RecordFigure
) -> None:
    with pair(plane, tmp_path, **QUICK) as (old, new):
        settled_pair(own, old, new)
        old.network.cut()
        began = time.monotonic()
        eventually(lambda: not old.leads, within=TAKEOVER_GOAL, what="it knows that it is cut off")
        assert not new.leads
        eventually(lambda: new.leads, within=TAKEOVER_GOAL, what="the other leads")
        record_figure("cut off to taken over, lease of 6 s", time.monotonic() - began, "s")
        follows(own, 2)
        before = len(old.network.writes())
        old.network.heal()
        follows(own, 3)
        quiesce(new.operator)
        assert [each for each in old.network.writes()[before:] if each.status < 400] == []
        new.operator.stop()
        eventually(lambda: old.leads, within=TAKEOVER_GOAL, what="the first leads again")
        follows(own, 4)


def test_a_write_that_the_network_delivers_too_late_is_refused(
    plane: ControlPlane, own: Api, tmp_path: Path
) -> None:
    def is_late(asked: Asked) -> bool:
        return "/leases" in asked.path or (asked.verb == "PATCH" and "/deployments/" in asked.path)

    with pair(plane, tmp_path, **QUICK) as (old, new):
        settled_pair(own, old, new)
        with old.network.holding(is_late) as held:
            own.patch(TTS_SERVICE, "hello", {"spec": {"replicas": 2}})
            eventually(
                lambda: any("/deployments/" in each.path for each in held),
                within=FOLLOW_TIMEOUT,
                what="the first has sent its write",
            )
            eventually(lambda: new.leads, within=TAKEOVER_GOAL, what="the other leads")
            eventually(lambda: replicas(own) == 2, within=FOLLOW_TIMEOUT, what="two replicas")
            follows(own, 3)
            quiesce(new.operator)
            generation = own.require(DEPLOYMENT, "hello")["metadata"]["generation"]
            before = len(old.network.exchanges)

        def late() -> list[int]:
            return [
                each.status
                for each in old.network.exchanges[before:]
                if each.asked.verb == "PATCH" and "/deployments/" in each.asked.path
            ]

        eventually(late, within=FOLLOW_TIMEOUT, what="the held write has arrived")
        assert set(late()) == {409}
        quiesce(new.operator)
        assert own.require(DEPLOYMENT, "hello")["metadata"]["generation"] == generation


def test_only_the_leader_speaks_to_pods(plane: ControlPlane, own: Api, tmp_path: Path) -> None:
    with pair(plane, tmp_path, **QUICK) as (leader, standby):
        settled_pair(own, leader, standby)
        pod = own.machines.enter_context(live_pod(own))
        own.declare(voice("ben"))
        eventually(lambda: "ben" in pod.voices, within=FOLLOW_TIMEOUT, what="the pod serves ben")
        quiesce(leader.operator)
        assert standby.operator.total("speaker_operator_voice_syncs_total") == 0
        own.delete(VOICE, "ben")
        eventually(lambda: "ben" not in pod.voices, within=FOLLOW_TIMEOUT, what="ben is gone")
        asked = value_of(pod.server.url, "tts_voice_syncs_total")
        leader.operator.stop()
        eventually(
            lambda: value_of(pod.server.url, "tts_voice_syncs_total") == asked + 1,
            within=FOLLOW_TIMEOUT,
            what="the new leader has asked the pod",
        )
        own.declare(voice("cleo"))
        eventually(lambda: "cleo" in pod.voices, within=FOLLOW_TIMEOUT, what="the pod serves cleo")


def test_a_lease_that_somebody_deletes_is_made_anew(
    plane: ControlPlane, own: Api, tmp_path: Path
) -> None:
    with pair(plane, tmp_path, **QUICK) as (leader, standby):
        settled_pair(own, leader, standby)
        leases = own.in_namespace(OWN_NAMESPACE)
        leases.delete(LEASE, LEASE_NAME)
        eventually(
            lambda: leases.get(LEASE, LEASE_NAME), within=FOLLOW_TIMEOUT, what="the lease is back"
        )
        follows(own, 2)
        assert leader.leads
        assert not standby.leads
        assert leader.operator.total("speaker_operator_terms_total") == 1


def test_a_single_replica_goes_on_after_a_long_outage(
    plane: ControlPlane, own: Api, tmp_path: Path
) -> None:
    with replica(plane, tmp_path / "one", **QUICK) as single:
        own.declare(service())
        eventually(lambda: replicas(own) == 1, within=FOLLOW_TIMEOUT, what="it works")
        single.network.cut()
        eventually(lambda: not single.leads, within=TAKEOVER_GOAL, what="it stops")
        own.patch(TTS_SERVICE, "hello", {"spec": {"replicas": 2}})
        single.network.heal()
        eventually(lambda: replicas(own) == 2, within=READY_TIMEOUT, what="two replicas")
        assert single.leads


@pytest.mark.parametrize("hours_off", [(7, -5), (-5, 7)])
def test_clocks_that_are_hours_off_decide_nothing(
    plane: ControlPlane, own: Api, tmp_path: Path, hours_off: tuple[int, int]
) -> None:
    with pair(plane, tmp_path, hours_off, **QUICK) as (leader, standby):
        settled_pair(own, leader, standby)
        pod = own.machines.enter_context(live_pod(own))
        eventually(
            lambda: is_ready(own.require(VOICE, "ana")),
            within=FOLLOW_TIMEOUT,
            what="the pod has believed the operator",
        )
        told = condition(own.require(TTS_SERVICE, "hello"), "Ready")["lastTransitionTime"]
        age = datetime.now(UTC) - datetime.fromisoformat(told)
        assert abs(age.total_seconds()) < 60
        for _ in range(3):  # of the standby's turns, in which it does not take the lease
            await_turn(standby)
        assert leader.leads
        assert not standby.leads
        leader.operator.process.kill()
        eventually(lambda: standby.leads, within=TAKEOVER_GOAL, what="the other leads")
        own.declare(voice("ben"))
        eventually(lambda: "ben" in pod.voices, within=FOLLOW_TIMEOUT, what="ben is heard")

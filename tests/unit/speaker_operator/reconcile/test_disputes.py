"""What somebody else changes back again and again is put right ever more rarely, and told."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from speaker_operator.kube.client import FIELD_MANAGER
from speaker_operator.reconcile.disputes import (
    BURST,
    MOST,
    PACE_SECONDS,
    PEACE_SECONDS,
    Disputes,
    other_managers,
)
from speaker_operator.reconcile.plan import Apply

OWNER = ("speech", "hello")


def action(value: str = "wanted") -> Apply:
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"namespace": "speech", "name": "hello"},
        "data": {"key": value},
    }
    return Apply(manifest, manifest, ("data.key",))


@dataclass
class Quarrel:
    now: float = 0.0
    disputes: Disputes = field(init=False)

    def __post_init__(self) -> None:
        self.disputes = Disputes(lambda: self.now)

    def put_back(self, value: str = "wanted") -> bool:
        if self.disputes.wait_before(OWNER, action(value)):
            self.disputes.tell(OWNER, action(value), "somebody")
            return False
        self.disputes.written(OWNER, action(value))
        return True

    def put_back_all_the_time(self, seconds: int) -> int:
        done = 0
        for _ in range(seconds * 10):
            done += self.put_back()
            self.now += 0.1
        return done


def test_a_burst_is_put_back_at_once_and_the_rest_slowly() -> None:
    quarrel = Quarrel()
    assert quarrel.put_back_all_the_time(seconds=600) <= BURST + 600 / PACE_SECONDS + 1
    assert list(quarrel.disputes.told(OWNER).values()) == ["somebody"]


def test_one_change_now_and_then_is_no_dispute() -> None:
    quarrel = Quarrel()
    for _ in range(100):
        assert quarrel.put_back()
        quarrel.now += PACE_SECONDS
    assert quarrel.disputes.told(OWNER) == {}


def test_what_is_declared_anew_is_written_at_once() -> None:
    quarrel = Quarrel()
    quarrel.put_back_all_the_time(seconds=10)
    assert not quarrel.put_back()
    assert quarrel.put_back("wanted otherwise")
    assert quarrel.disputes.told(OWNER) == {}


def test_a_dispute_is_told_until_there_was_peace_for_a_while() -> None:
    quarrel = Quarrel()
    quarrel.put_back_all_the_time(seconds=10)
    quarrel.now += PACE_SECONDS
    assert quarrel.put_back()
    quarrel.now += PEACE_SECONDS - PACE_SECONDS
    assert quarrel.disputes.told(OWNER)
    quarrel.now += 2 * PACE_SECONDS
    assert not quarrel.disputes.told(OWNER)


def test_who_edits_field_after_field_has_no_dispute() -> None:
    disputes = Disputes(lambda: 0.0)
    for number in range(10 * BURST):
        edited = replace(action(), fields=(f"data.{number}",))
        assert disputes.wait_before(OWNER, edited) == 0
        disputes.written(OWNER, edited)
    assert disputes.told(OWNER) == {}
    assert len(disputes._by_owner[OWNER]) == MOST


def test_a_service_that_is_gone_is_forgotten() -> None:
    quarrel = Quarrel()
    quarrel.put_back_all_the_time(seconds=10)
    quarrel.disputes.forget(OWNER)
    assert quarrel.put_back()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (("spec.replicas",), ["kubectl-edit"]),
        (('spec.template.spec.containers[{"name":"runtime"}].image',), ["argocd"]),
        (("spec",), ["argocd", "kubectl-edit"]),
        (("spec.paused",), []),
        (("spec.replica",), []),
    ],
)
def test_who_owns_a_field_is_read_from_the_object(
    fields: tuple[str, ...], expected: list[str]
) -> None:
    container: dict[str, Any] = {'k:{"name":"runtime"}': {".": {}, "f:image": {}}}
    image = {"f:spec": {"f:template": {"f:spec": {"f:containers": container}}}}
    records = {
        FIELD_MANAGER: {"f:spec": {"f:replicas": {}}},
        "kubectl-edit": {"f:spec": {"f:replicas": {}}},
        "argocd": image,
    }
    entries = [{"manager": name, "fieldsV1": each} for name, each in records.items()]
    assert other_managers({"metadata": {"managedFields": entries}}, fields) == expected

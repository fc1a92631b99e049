"""Who may claim the lease, and when: from what was seen, and from no other clock."""

from datetime import UTC, datetime

import pytest

from speaker_operator.reconcile import lease
from speaker_operator.reconcile.lease import Sighting, Timing
from tests.unit.speaker_operator.factories import Json

TIMING = Timing(lease_seconds=10)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def held(
    by: str = "other", seconds: int = 10, renewed: str = "long ago", version: str = "1"
) -> Json:
    spec = {"holderIdentity": by, "leaseDurationSeconds": seconds, "renewTime": renewed}
    return {"metadata": {"resourceVersion": version}, "spec": spec}


def seen(found: Json | None, at: float) -> Sighting:
    return Sighting().renewed_by(found, at)


def wait(sighting: Sighting, now: float) -> float:
    return lease.wait_before_claiming(sighting, "me", TIMING, now)


@pytest.mark.parametrize(
    ("sighting", "expected"),
    [
        (seen(None, 0), 0),  # nobody has ever led
        (seen(held(by=""), 0), 0),  # it was released
        (seen(held(by="me"), 0), 0),
        (seen(held(), 0), 6),  # the other may still lead
        (seen(held(seconds=30), 0), 26),  # for as long as it was told
        (seen(held(seconds=1), 0), 6),  # or as long as we would
    ],
)
def test_a_lease_is_waited_for_as_long_as_its_holder_may_lead(
    sighting: Sighting, expected: float
) -> None:
    assert wait(sighting, 4) == expected


def test_it_is_claimed_once_it_was_not_seen_to_change_for_its_whole_length() -> None:
    sighting = seen(held(), 0).renewed_by(held(), 9.9)
    assert wait(sighting, 9.9) > 0
    assert wait(sighting, 10) == 0


def test_each_renewal_begins_the_wait_anew_whatever_time_it_claims_to_be() -> None:
    sighting = seen(held(renewed="2031-01-01"), 0).renewed_by(held(renewed="1999-01-01"), 9)
    assert wait(sighting, 10) == 9


def test_a_change_that_is_none_of_the_holders_prolongs_nothing() -> None:
    sighting = seen(held(version="1"), 0).renewed_by(held(version="2"), 9)
    assert (wait(sighting, 10), sighting.version) == (0, "2")


def test_a_deleted_lease_still_binds_whom_it_was_seen_to_belong_to() -> None:
    sighting = seen(held(), 0).renewed_by(None, 3)
    assert (wait(sighting, 4), sighting.version) == (6, "")
    assert wait(sighting, 10) == 0


def test_a_claim_counts_changes_of_the_holder_and_a_renewal_does_not() -> None:
    first = lease.claim(seen(None, 0), "me", TIMING, NOON)
    assert first["leaseTransitions"] == 0
    taken = lease.claim(seen(held(), 0), "me", TIMING, NOON)
    assert (taken["holderIdentity"], taken["leaseTransitions"]) == ("me", 1)
    assert taken["acquireTime"] == taken["renewTime"] == "2026-01-01T12:00:00.000000Z"
    mine = {"metadata": {"resourceVersion": "2"}, "spec": taken}
    renewed = lease.claim(seen(mine, 0), "me", TIMING, NOON.replace(hour=13))
    assert renewed == taken | {"renewTime": "2026-01-01T13:00:00.000000Z"}


def test_a_released_lease_names_nobody() -> None:
    spec = lease.released(seen(held(by="me"), 0), NOON)
    assert wait(seen({"metadata": {"resourceVersion": "3"}, "spec": spec}, 0), 0) == 0


@pytest.mark.parametrize("seconds", [3, 10, 60])
def test_a_leader_falls_silent_before_others_take_over(seconds: int) -> None:
    timing = Timing(seconds)
    assert timing.retry_seconds * 2 < timing.deadline_seconds < timing.lease_seconds
    assert timing.grace_seconds == pytest.approx(seconds / 3)

"""How long the reports on new children are waited for."""

from itertools import pairwise

import pytest

from speaker_operator.kube.resources import TTS_SERVICE, Key
from speaker_operator.reconcile.reports import REPORT_SECONDS, Reports

HELLO = Key(TTS_SERVICE.kind, "speech", "hello")


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reports(clock: Clock) -> Reports:
    return Reports(clock)


def test_a_spec_is_told_of_when_its_reports_had_their_time(reports: Reports, clock: Clock) -> None:
    waits = [reports.awaited_for(HELLO, 1, written=True)]
    for _ in range(2):
        clock.now += REPORT_SECONDS / 3
        waits.append(reports.awaited_for(HELLO, 1, written=False))
    assert waits[0] == pytest.approx(REPORT_SECONDS)
    assert all(after < before for before, after in pairwise(waits))
    clock.now += REPORT_SECONDS
    assert reports.awaited_for(HELLO, 1, written=False) == 0


def test_writes_do_not_put_the_status_off_again_and_again(reports: Reports, clock: Clock) -> None:
    reports.awaited_for(HELLO, 1, written=True)
    clock.now += 2 * REPORT_SECONDS
    assert reports.awaited_for(HELLO, 1, written=True) == 0, "of the same spec"
    assert reports.awaited_for(HELLO, 2, written=False) == 0, "nothing was written for it"
    assert reports.awaited_for(HELLO, 2, written=True) > 0


def test_a_service_of_the_same_name_is_another(reports: Reports) -> None:
    reports.awaited_for(HELLO, 1, written=True)
    reports.forget(HELLO)
    assert reports.awaited_for(HELLO, 1, written=False) == 0
    assert reports.awaited_for(HELLO, 1, written=True) > 0
    reports.forget_all()
    assert reports.awaited_for(HELLO, 1, written=False) == 0

"""The API server's time counts, where the local clock is far off."""

import pytest

from speaker_operator.kube.clock import ServerClock

NOON = "Thu, 01 Jan 2026 12:00:00 GMT"
NOON_UNIX = 1_767_268_800.0
HOUR = 3600


@pytest.mark.parametrize("off", [-3 * HOUR, -5, 5, 48 * HOUR])
def test_a_clock_that_is_off_is_set_right(off: float) -> None:
    clock = ServerClock(lambda: NOON_UNIX + off)
    clock.learn(NOON, took=0.01)
    assert clock.time() == NOON_UNIX
    assert clock.now().isoformat() == "2026-01-01T12:00:00+00:00"


@pytest.mark.parametrize("off", [-1.5, 0.9])
def test_a_clock_that_is_nearly_right_is_left_alone(off: float) -> None:
    clock = ServerClock(lambda: NOON_UNIX + off)
    clock.learn(NOON, took=0.01)
    assert clock.time() == NOON_UNIX + off


def test_a_slow_answer_is_no_evidence() -> None:
    clock = ServerClock(lambda: NOON_UNIX + 10)
    clock.learn(NOON, took=12)
    assert clock.time() == NOON_UNIX + 10


def test_a_clock_that_is_mended_is_believed_again() -> None:
    local = [NOON_UNIX + HOUR]
    clock = ServerClock(lambda: local[0])
    clock.learn(NOON, took=0)
    local[0] = NOON_UNIX + 0.5
    clock.learn(NOON, took=0)
    assert clock.time() == local[0]


@pytest.mark.parametrize("date", [None, "", "yesterday"])
def test_an_answer_without_a_date_tells_nothing(date: str | None) -> None:
    clock = ServerClock(lambda: NOON_UNIX)
    clock.learn(date, took=0)
    assert clock.time() == NOON_UNIX

"""A process is known by pid and start time, so that another with the same pid is never harmed."""

import dataclasses
import os
import signal
import sys
from pathlib import Path

import pytest

from cluster.errors import ComponentFailed, Timeout
from cluster.process import Identity, Supervisor, parse_stat, tail
from cluster.waiting import until

STAT = (
    "4242 (a (weird) na me) S 17 4242 4242 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 7 0 998877 "
    "1 2 3 4 5 6 7"
)
SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def supervisor(tmp_path: Path) -> Supervisor:
    return Supervisor(tmp_path / "processes", tmp_path / "logs")


def test_stat_is_read_behind_a_name_with_parentheses() -> None:
    stat = parse_stat(STAT)
    assert (stat.state, stat.parent, stat.threads, stat.started) == ("S", 17, 7, 998877)


def test_a_zombie_is_gone() -> None:
    assert parse_stat(STAT.replace(") S", ") Z").replace(" 7 0 99", " 1 0 99")).gone


def test_a_zombie_whose_threads_still_run_is_not_gone() -> None:
    assert not parse_stat(STAT.replace(") S", ") Z")).gone


def test_this_process_is_alive() -> None:
    identity = Identity.of(os.getpid())
    assert identity is not None
    assert identity.alive()


def test_a_process_that_started_at_another_time_is_another() -> None:
    identity = Identity.of(os.getpid())
    assert identity is not None
    assert not dataclasses.replace(identity, started=identity.started + 1).alive()


def test_a_process_of_an_earlier_boot_is_another() -> None:
    identity = Identity.of(os.getpid())
    assert identity is not None
    assert not dataclasses.replace(identity, boot="earlier").alive()


def test_a_recycled_pid_is_not_killed() -> None:
    identity = Identity.of(os.getpid())
    assert identity is not None
    dataclasses.replace(identity, started=1).kill(signal.SIGKILL)
    assert identity.alive()


def test_a_component_runs_in_a_session_of_its_own_until_it_is_killed(
    supervisor: Supervisor,
) -> None:
    component = supervisor.start("sleeper", SLEEP)
    pid = component.identity.pid
    assert os.getsid(pid) == pid
    component.kill()
    assert not component.alive()


def test_a_later_run_knows_what_an_earlier_one_started(supervisor: Supervisor) -> None:
    component = supervisor.start("sleeper", SLEEP)
    later = Supervisor(supervisor.records, supervisor.logs)
    assert later.started() == [component]
    component.kill()


def test_a_component_that_ends_shows_the_end_of_its_log(supervisor: Supervisor) -> None:
    component = supervisor.start("failing", ["/bin/sh", "-c", "echo no such flag; exit 2"])
    with pytest.raises(ComponentFailed, match=r"failing ended[\s\S]*no such flag[\s\S]*down"):
        component.wait(lambda: False, timeout=10)


def test_a_component_that_never_answers_is_an_error(supervisor: Supervisor) -> None:
    component = supervisor.start("deaf", SLEEP)
    with pytest.raises(ComponentFailed, match=r"deaf did not get ready within 0\.1 s"):
        component.wait(lambda: False, timeout=0.1)
    component.kill()


def test_the_tail_of_a_log_is_its_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("\n".join(map(str, range(100))))
    assert tail(log, 2) == "98\n99"


def test_a_missing_log_is_said_to_be_missing(tmp_path: Path) -> None:
    assert tail(tmp_path / "none") == "(there is no log)"


def test_waiting_ends_with_what_was_awaited() -> None:
    with pytest.raises(Timeout, match=r"the moon: not within 0\.05 s"):
        until(lambda: False, what="the moon", timeout=0.05, interval=0.01)

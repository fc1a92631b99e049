"""Long-running processes: started in sessions of their own, known by pid and start time."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from cluster.errors import ComponentFailed, Timeout
from cluster.paths import write_private
from cluster.waiting import until

PROC = Path("/proc")
TAIL_LINES = 25
GONE_TIMEOUT = 20.0


@dataclass(frozen=True)
class Stat:
    """What ``/proc/PID/stat`` says. ``started``: clock ticks after boot."""

    state: str
    parent: int
    threads: int
    started: int

    @property
    def gone(self) -> bool:
        """Whether it only waits to be reaped.

        A leader can be a zombie while other threads still hold the files and ports of both.
        """
        return self.state in "ZX" and self.threads <= 1


def parse_stat(text: str) -> Stat:
    """Read the line of ``/proc/PID/stat``; the command in parentheses may hold anything."""
    after = text.rpartition(")")[2].split()
    return Stat(after[0], parent=int(after[1]), threads=int(after[17]), started=int(after[19]))


def read_stat(pid: int) -> Stat | None:
    """The state of a process, or None if there is none."""
    try:
        return parse_stat((PROC / str(pid) / "stat").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return None


def boot_id() -> str:
    """A name of the machine's current boot: start times count from it."""
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


@dataclass(frozen=True)
class Identity:
    """One process, never another that got its pid later."""

    pid: int
    started: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """The identity of a running process, or None if it is gone."""
        stat = read_stat(pid)
        return cls(pid, stat.started, boot_id()) if stat else None

    def alive(self) -> bool:
        """Whether this very process runs (a zombie does not)."""
        stat = read_stat(self.pid)
        return (
            stat is not None
            and not stat.gone
            and stat.started == self.started
            and self.boot == boot_id()
        )

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal, if this very process still runs."""
        if self.alive():
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return

    def reap(self) -> None:
        """Collect the exit status if the process is a child of this one."""
        try:
            os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:
            return


@dataclass(frozen=True)
class Component:
    """A started process with its log."""

    name: str
    identity: Identity
    log: Path

    def alive(self) -> bool:
        """Whether it still runs."""
        self.identity.reap()
        return self.identity.alive()

    def check(self) -> None:
        """Raise if it has ended.

        Raises:
            ComponentFailed: With the end of its log.
        """
        if not self.alive():
            raise ComponentFailed(self.name, "ended", self.log, tail(self.log))

    def wait(self, ready: Callable[[], bool], *, timeout: float) -> None:
        """Return once ``ready`` answers true.

        Raises:
            ComponentFailed: It ended, or did not get ready in ``timeout`` seconds.
        """

        def condition() -> bool:
            self.check()
            return ready()

        try:
            until(condition, what=self.name, timeout=timeout, interval=0.05)
        except Timeout as error:
            what = f"did not get ready within {timeout:g} s"
            raise ComponentFailed(self.name, what, self.log, tail(self.log)) from error

    def kill(self) -> None:
        """End it at once and wait until it is gone."""
        self.identity.kill()
        until(lambda: not self.alive(), what=f"the end of {self.name}", timeout=GONE_TIMEOUT)


@dataclass(frozen=True)
class Supervisor:
    """Starts components and remembers them in files, one each, so that a later run knows them."""

    records: Path
    logs: Path

    def start(
        self, name: str, argv: Sequence[str | Path], *, env: Mapping[str, str] | None = None
    ) -> Component:
        """Start a process that outlives this one, its output appended to its log."""
        self.logs.mkdir(parents=True, exist_ok=True)
        log = self.logs / f"{name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [str(word) for word in argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                cwd=self.logs,
                start_new_session=True,
            )
        identity = Identity.of(process.pid)
        if identity is None:
            raise ComponentFailed(name, "ended at once", log, tail(log))
        record = {"name": name, "log": str(log), **asdict(identity)}
        write_private(self.records / f"{name}.json", json.dumps(record))
        process.returncode = 0  # its status is collected by Identity.reap, not by Popen
        return Component(name, identity, log)

    def started(self) -> list[Component]:
        """All components on record, whether they run or not, by name."""
        found = []
        for file in sorted(self.records.glob("*.json")):
            record = json.loads(file.read_text())
            identity = Identity(record["pid"], record["started"], record["boot"])
            found.append(Component(record["name"], identity, Path(record["log"])))
        return found


def tail(log: Path, lines: int = TAIL_LINES) -> str:
    """The last lines of a log."""
    if not log.exists():
        return "(there is no log)"
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])

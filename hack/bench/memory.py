"""What a server keeps of many requests: memory, threads, open files."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import load, servers
from bench.goals import Name
from bench.load import Order
from bench.report import Measure
from bench.throughput import require_ok
from speaker_runtime.contract import VoiceDefaults, VoiceEntry, VoiceManifest
from tests.support.runtime import eventually, start

VOICES: Final = 50
REQUESTS: Final = 2000
WARM_UP_REQUESTS: Final = 400
SETTLE_SECONDS: Final = 15.0
"""For which a server may take to give back what its last requests used."""
MANIFEST: Final = VoiceManifest(
    voices=tuple(
        VoiceEntry(
            name=f"voice-{number}",
            preset="heart",
            defaults=VoiceDefaults(speed=0.6 + number / VOICES),
        )
        for number in range(VOICES)
    )
)


@dataclass(frozen=True)
class Held:
    """What a process holds."""

    kib: int
    threads: int
    files: int

    @classmethod
    def by(cls, pid: int) -> "Held":
        """Look at a running process."""
        process = Path(f"/proc/{pid}")
        lines = (process / "status").read_text(encoding="ascii").splitlines()
        values = {name: rest.split() for name, _, rest in (line.partition(":") for line in lines)}
        return cls(
            kib=int(values["VmRSS"][0]),
            threads=int(values["Threads"][0]),
            files=len(list((process / "fd").iterdir())),
        )


def run(directory: Path, clients: int) -> list[Measure]:
    """2,000 requests over 50 voices on one server, after a warm-up; then everybody leaves."""
    with start(directory) as process:
        process.wait_ready()
        address, pid = (process.host, process.port), process.process.pid
        require_ok(load.run(load.ask_all(*address, _many(0, WARM_UP_REQUESTS), clients)))
        before = _settled(pid, None)
        orders = _many(WARM_UP_REQUESTS, REQUESTS)
        require_ok(load.run(load.ask_all(*address, orders, clients)))
        after = _settled(pid, before)
    left = max(0, after.threads - before.threads) + max(0, after.files - before.files)
    return [
        Measure(
            Name.MEMORY,
            100 * (after.kib - before.kib) / before.kib,
            f"{before.kib // 1024} MiB before, {after.kib // 1024} MiB after",
        ),
        Measure(
            Name.LEAKS,
            left,
            f"{before.threads} threads and {before.files} files before, "
            f"{after.threads} and {after.files} after",
        ),
    ]


def _many(first: int, count: int) -> Sequence[Order]:
    formats = ("pcm", "mp3", "opus")
    return [
        servers.order(
            f"This is number {number}.",
            voice=f"voice-{number % VOICES}",
            response_format=formats[number % len(formats)],
        )
        for number in range(first, first + count)
    ]


def _settled(pid: int, before: Held | None) -> Held:
    """What the process holds once its connections are closed, or after some patience."""

    def over() -> Held | None:
        held = Held.by(pid)
        if before and (held.threads > before.threads or held.files > before.files):
            return None
        return held

    if before is None:
        # Nothing to compare with yet: what is open now is closed within moments.
        time.sleep(1.0)
    try:
        return eventually(over, within=SETTLE_SECONDS, what="calm")
    except TimeoutError:
        return Held.by(pid)

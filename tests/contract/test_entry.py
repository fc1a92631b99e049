"""A container's first process can be stopped while it starts."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.kubernetes import eventually

HANDLER_TIMEOUT = 30
STOP_TIMEOUT = 5
SIGNALLED = 128 + signal.SIGTERM


def _ignore_sigterm() -> None:
    """Be as the first process of a container, for which the kernel has no default action."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _handles_sigterm(process: int) -> bool:
    status = Path(f"/proc/{process}/status").read_text()
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, as only Linux has it")
@pytest.mark.parametrize(
    ("script", "arguments", "heavy"),
    [
        ("speaker-runtime", ("serve", "--config", "/nowhere"), "pydantic_core"),
        ("speaker-operator", (), "aiohttp"),
    ],
)
def test_it_ends_at_once_when_told_so_early(
    script: str, arguments: tuple[str, ...], heavy: str
) -> None:
    process = subprocess.Popen(
        [Path(sys.executable).parent / script, *arguments],
        preexec_fn=_ignore_sigterm,  # noqa: PLW1509 - this test has no threads
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"SPEAKER_RUNTIME_IMAGE": "runtime:{engine}"},
    )
    try:
        eventually(lambda: _handles_sigterm(process.pid), within=HANDLER_TIMEOUT, what="it listens")
        loaded = Path(f"/proc/{process.pid}/maps").read_text()
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_TIMEOUT) == SIGNALLED
        assert heavy not in loaded, "signals were handled only after the libraries were loaded"
    finally:
        process.kill()

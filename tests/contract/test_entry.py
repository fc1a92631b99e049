"""A container's first process can be stopped while it starts."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.kubernetes import eventually

END_TIMEOUT = 30
SIGNALLED = 128 + signal.SIGTERM


def _ignore_sigterm() -> None:
    """Be as the first process of a container, for which the kernel has no default action."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


@pytest.mark.parametrize(
    ("script", "arguments", "heavy"),
    [
        ("speaker-runtime", ("serve", "--config", "/nowhere"), "pydantic_core"),
        ("speaker-operator", (), "aiohttp"),
    ],
)
def test_it_ends_at_once_when_told_so_early(
    script: str, arguments: tuple[str, ...], heavy: str, tmp_path: Path
) -> None:
    told = {"SPEAKER_RUNTIME_IMAGE": "runtime:{engine}", "PYTHONPROFILEIMPORTTIME": "1"}
    with (tmp_path / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            [Path(sys.executable).parent / script, *arguments],
            preexec_fn=_ignore_sigterm,  # noqa: PLW1509 - this test has no threads
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env=os.environ | told,
        )

    def has_ended() -> bool:
        process.send_signal(signal.SIGTERM)  # which is lost until it is handled
        return process.poll() is not None

    try:
        eventually(has_ended, within=END_TIMEOUT, what="it heeds the signal")
    finally:
        process.kill()
    assert process.returncode == SIGNALLED
    imported = (tmp_path / "stderr").read_text("utf-8")
    assert "import time:" in imported, "it tells what it imports"
    assert heavy not in imported, "signals were handled only after the libraries were loaded"

"""Somebody else's speech server as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.runtime import STOP_TIMEOUT

PROGRAM = Path(__file__).with_name("foreign_server.py")


@contextmanager
def foreign(**environment: str) -> Iterator[str]:
    """Run the server while the context lasts; gives the address of its root."""
    process = subprocess.Popen(
        [sys.executable, PROGRAM, "0"],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.kill()
        process.wait(STOP_TIMEOUT)

"""Run the programs of others beside the tests."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running(
    command: Sequence[str | Path], log_file: Path, **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process while the context is open, and see that it stays."""
    with log_file.open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | environment)
    try:
        yield process
        assert process.poll() is None, f"{command[0]} ended: {log_file.read_text()[-2000:]}"
    finally:
        process.kill()
        process.wait()

"""Say what is being done and how long it took, on standard error (output stays on stdout)."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def note(text: str) -> None:
    """One line for the person who waits."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Name a piece of work, and say how many seconds it took once it is done."""
    start = time.monotonic()
    yield
    note(f"  {time.monotonic() - start:6.1f} s  {name}")

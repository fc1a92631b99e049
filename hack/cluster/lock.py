"""A lock between processes that the kernel frees when its holder dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.progress import note
from cluster.waiting import until


@contextmanager
def locked(file: Path, *, timeout: float) -> Iterator[None]:
    """Hold ``file``'s lock; the file holds the pid of its last holder, and stays behind.

    Raises:
        Timeout: Another process held it for longer than ``timeout`` seconds.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+") as handle:
        if not _take(handle.fileno()):
            handle.seek(0)
            holder = handle.read().strip() or "unknown"
            note(f"waiting for another run (process {holder}), which holds {file}")
            until(
                lambda: _take(handle.fileno()),
                what=f"the lock {file}, held by process {holder}",
                timeout=timeout,
            )
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

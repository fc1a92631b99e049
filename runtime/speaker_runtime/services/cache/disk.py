"""A bounded folder of files: the file's name is the key, its modification time when it was used.

There is no index to damage or to keep in step. A process that is killed leaves whole files, because
each is renamed into place; the next process reads their names, sizes and times.
"""

import logging
import os
import re
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence, Set
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp
from threading import Lock
from typing import Final

from speaker_runtime.services.cache.metrics import CacheMetrics
from speaker_runtime.services.cache.store import LARGEST_ENTRY, Size

logger = logging.getLogger(__name__)

BLOCK: Final = 4096
"""Bytes by which a file grows on disk; every entry counts as a multiple."""
LARGEST_SHARE: Final = 8
"""An entry above one eighth of the bound is not kept: it would push out too many others."""
_STORE: Final = "disk"
_TEMPORARY: Final = ".tmp"
_NAME: Final = re.compile("[0-9a-f]{64}")


class DiskStore:
    """The least recently used entries go first; their files never take more than ``limit`` bytes.

    Processes that share a folder see each other's entries after a restart only, and keep the bound
    each for itself; a file that another one removed is a miss.

    Args:
        directory: Made where it is missing. Other files in it are left alone.
        limit: Bytes on disk.
        metrics: What to count in.

    Raises:
        OSError: The folder cannot be made or listed.
    """

    def __init__(self, directory: Path, limit: int, metrics: CacheMetrics) -> None:
        self._directory = directory
        self._limit = limit
        self._metrics = metrics
        self._guard = Lock()
        self._used: OrderedDict[str, int] = OrderedDict()
        self._bytes = 0
        self._reserved = 0
        self._failing = False
        directory.mkdir(parents=True, exist_ok=True)
        self._read_back()

    def get(self, key: str) -> bytes | None:
        """The value, which now was used last of all; None where it is not known."""
        with self._guard:
            if key not in self._used:
                return None
            self._used.move_to_end(key)
        try:
            with self._path(key).open("rb", buffering=0) as file:
                value = file.read()
                _touch(file.fileno())
        except FileNotFoundError:
            self._forget(key)
            return None
        except OSError as error:
            self._failed(error)
            return None
        return value

    def known(self, keys: Sequence[str]) -> Set[str]:
        """Which of the keys are held; they count as used."""
        with self._guard:
            held = {key for key in keys if key in self._used}
            for key in held:
                self._used.move_to_end(key)
        for key in held:
            # One that is gone is found out when it is asked for.
            with suppress(OSError):
                _touch(self._path(key))
        return held

    def put(self, key: str, value: bytes) -> None:
        """Keep a value, unless it is so large that too many others would have to go."""
        cost = _cost(len(value))
        if len(value) > LARGEST_ENTRY or cost * LARGEST_SHARE > self._limit:
            return
        with self._guard:
            self._remove(key)
            if not self._make_room(cost):
                return
            self._reserved += cost
        try:
            temporary = self._write(key, value)
        except OSError as error:
            with self._guard:
                self._reserved -= cost
            self._failed(error)
            return
        with self._guard:
            self._reserved -= cost
            self._publish(key, temporary, cost)

    def remove(self, key: str) -> None:
        """Forget a value that turned out to be useless."""
        with self._guard:
            self._remove(key)

    def size(self) -> Size:
        """How much is held, in whole blocks."""
        with self._guard:
            return Size(len(self._used), self._bytes)

    def close(self) -> None:
        """Nothing is open between two calls."""

    def _path(self, key: str) -> Path:
        return self._directory / key[:2] / key

    def _write(self, key: str, value: bytes) -> Path:
        folder = self._path(key).parent
        folder.mkdir(exist_ok=True)
        descriptor, name = mkstemp(dir=folder, suffix=_TEMPORARY)
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(value)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        return temporary

    # Everything below down to _failed is called with the guard held.

    def _publish(self, key: str, temporary: Path, cost: int) -> None:
        self._remove(key)
        try:
            temporary.replace(self._path(key))
        except OSError as error:
            self._failed(error)
            return
        self._failing = False
        self._used[key] = cost
        self._bytes += cost

    def _make_room(self, cost: int) -> bool:
        """Remove what was used longest ago until ``cost`` more bytes fit, if they ever do."""
        while self._used and self._bytes + self._reserved + cost > self._limit:
            self._remove(next(iter(self._used)))
            self._metrics.evicted()
        return self._bytes + self._reserved + cost <= self._limit

    def _remove(self, key: str) -> None:
        cost = self._used.pop(key, None)
        if cost is None:
            return
        self._bytes -= cost
        try:
            self._path(key).unlink(missing_ok=True)
        except OSError as error:
            self._failed(error)

    def _failed(self, error: OSError) -> None:
        """Count a failure; of several in a row, only the first is worth a line."""
        self._metrics.failed(_STORE)
        if not self._failing:
            logger.warning("the cache on disk fails, and speech goes on without it: %s", error)
        self._failing = True

    def _forget(self, key: str) -> None:
        with self._guard:
            if not self._path(key).exists():  # it may have been put again meanwhile
                self._bytes -= self._used.pop(key, 0)

    def _read_back(self) -> None:
        found = sorted(self._files())
        for _, key, cost in found:
            self._used[key] = cost
        self._bytes = sum(self._used.values())
        with self._guard:
            self._make_room(0)

    def _files(self) -> Iterator[tuple[int, str, int]]:
        """When each entry was used, its key, and its bytes on disk."""
        for folder in self._directory.iterdir():
            if len(folder.name) != len("00") or not folder.is_dir():
                continue
            for file in folder.iterdir():
                # One that is gone was removed by another process.
                with suppress(FileNotFoundError):
                    if file.suffix == _TEMPORARY:
                        file.unlink()
                    elif _NAME.fullmatch(file.name):
                        status = file.stat()
                        yield status.st_mtime_ns, file.name, _cost(status.st_size)


def _cost(length: int) -> int:
    return -(-length // BLOCK) * BLOCK


def _touch(file: int | Path) -> None:
    now = time.time_ns()
    os.utime(file, ns=(now, now))

"""What models made of references: in memory as long as there is room, and on disk.

A file is a digest and, behind it, arrays as numpy writes them, without objects. Whatever does not
fit together is no state: it is removed, and made anew.
"""

import hashlib
import io
import logging
import os
import re
import time
import zipfile
from collections.abc import Callable, Iterator, Set
from pathlib import Path
from tempfile import mkstemp
from threading import Lock
from typing import Final

import numpy as np

from speaker_runtime.backends.protocol import ClonedVoice
from speaker_runtime.voices.states import VoiceStates

logger = logging.getLogger(__name__)

_MEMORY_BYTES: Final = 64 * 2**20
_MAGIC: Final = b"speaker-tts clone 1\n"
_DIGEST_BYTES: Final = 32
_TEMPORARY: Final = ".tmp"
_NAME: Final = re.compile("[0-9a-f]{64}")


class NoRoomError(Exception):
    """What belongs to declared voices fills the folder."""


class MissingStateError(Exception):
    """A state is not there, or not whole."""


class StateStore:
    """States by their keys; any thread may ask.

    Args:
        directory: Made where it is missing; other files in it are left alone.
        limit: Bytes on disk.

    Raises:
        OSError: The folder cannot be made or listed.
    """

    def __init__(self, directory: Path, limit: int) -> None:
        self._directory = directory
        self._limit = limit
        self._guard = Lock()
        self._memory: VoiceStates[ClonedVoice] = VoiceStates(_MEMORY_BYTES, _bytes_of)
        self._kept: Set[str] = frozenset()
        directory.mkdir(parents=True, exist_ok=True)
        self._sizes = dict(self._files())

    @property
    def memory_bytes(self) -> int:
        """Memory of the states that were used lately."""
        return self._memory.bytes

    def keep(self, keys: Set[str]) -> None:
        """Say which states belong to declared voices: these are never removed for others."""
        with self._guard:
            self._kept = keys

    def has(self, key: str) -> bool:
        """Whether there is a state of this key."""
        with self._guard:
            return key in self._sizes

    def get(self, key: str) -> ClonedVoice:
        """A state.

        Raises:
            MissingStateError: It is not there, or not whole; it is forgotten then.
        """
        with self._guard:
            return self._memory.get(key, lambda: self._read(key))

    def put(self, key: str, clone: ClonedVoice) -> None:
        """Keep a state.

        Raises:
            NoRoomError: There is no room beside the states of declared voices.
            OSError: It cannot be written.
        """
        content = _written(clone)
        with self._guard:
            self._make_room(len(content), key)
            descriptor, name = mkstemp(dir=self._directory, suffix=_TEMPORARY)
            temporary = Path(name)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                temporary.replace(self._directory / key)
            except OSError:
                temporary.unlink(missing_ok=True)
                raise
            self._sizes[key] = len(content)

    def _read(self, key: str) -> ClonedVoice:
        path = self._directory / key
        try:
            clone = _read(path.read_bytes())
            now = time.time_ns()
            os.utime(path, ns=(now, now))
        except FileNotFoundError as error:
            self._sizes.pop(key, None)
            raise MissingStateError(key) from error
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            logger.warning("removed the damaged state of a voice: %s", error)
            path.unlink(missing_ok=True)
            self._sizes.pop(key, None)
            raise MissingStateError(key) from error
        return clone

    def _make_room(self, size: int, key: str) -> None:
        used = sum(self._sizes.values()) - self._sizes.get(key, 0)
        spare = [each for each in self._sizes if each not in self._kept and each != key]
        for each in sorted(spare, key=self._used_at):
            if used + size <= self._limit:
                return
            (self._directory / each).unlink(missing_ok=True)
            used -= self._sizes.pop(each)
        if used + size > self._limit:
            raise NoRoomError(f"{used} of {self._limit} bytes belong to other voices")

    def _used_at(self, key: str) -> int:
        try:
            return (self._directory / key).stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    def _files(self) -> Iterator[tuple[str, int]]:
        for path in self._directory.iterdir():
            if path.suffix == _TEMPORARY:
                path.unlink(missing_ok=True)
            elif _NAME.fullmatch(path.name):
                yield path.name, path.stat().st_size


def _written(clone: ClonedVoice) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **clone)
    content = buffer.getvalue()
    return _MAGIC + hashlib.sha256(content).digest() + content


def _read(content: bytes) -> ClonedVoice:
    begin = len(_MAGIC) + _DIGEST_BYTES
    digest, arrays = content[len(_MAGIC) : begin], content[begin:]
    if not content.startswith(_MAGIC) or hashlib.sha256(arrays).digest() != digest:
        raise ValueError("its bytes are not those that were written")
    with np.load(io.BytesIO(arrays), allow_pickle=False) as file:
        clone = {name: file[name] for name in file.files}
    for array in clone.values():
        array.setflags(write=False)
    return clone


def _bytes_of(clone: ClonedVoice) -> int:
    return sum(array.nbytes for array in clone.values())


Load = Callable[[str], ClonedVoice]
"""Gives the state of a key."""

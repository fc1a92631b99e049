"""Files that appear complete or not at all, and whose interrupted beginnings are taken up again."""

import errno
import hashlib
import io
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from speaker_runtime.contract import ExitCode
from speaker_runtime.models.errors import ModelError

BLOCK: Final = 1 << 20
_PARTIAL: Final = ".partial"
_STALE_SECONDS: Final = 180.0
"""A partial file untouched for so long belongs to a fetch that died: the longest wait for a server
is shorter (:mod:`speaker_runtime.models.web`)."""
_READABLE: Final = 0o644
"""mkstemp makes files that only their owner reads; pods of other users share the cache."""
_ABANDONED_SECONDS: Final = 3600.0

Reader = Callable[[int], Iterator[bytes]]
"""Gives a file's content from an offset on, in blocks."""


def install(read: Reader, target: Path, digest: str) -> Iterator[int]:
    """Copy what ``read`` gives to ``target``, yielding the bytes of each block that is there.

    The beginning that an earlier, interrupted call left is used and counted as the first block.
    Several calls at once for one target do each other no harm.

    Args:
        read: The content.
        target: Where the file is to lie; its directory is made.
        digest: Algorithm and hexadecimal digest of the content, for example ``sha256:ab12…``.

    Raises:
        ModelError: The content has another digest.
    """
    algorithm, _, wanted = digest.partition(":")
    target.parent.mkdir(parents=True, exist_ok=True)
    with _partial(target, f"{target.name}.{wanted[:16]}") as (partial, out):
        hasher = hashlib.file_digest(out, lambda: hashlib.new(algorithm))
        if begun := out.tell():
            yield begun
        for block in read(begun):
            hasher.update(block)
            out.write(block)
            yield len(block)
        if hasher.hexdigest() != wanted:
            partial.unlink()
            raise ModelError(
                ExitCode.MODEL_CORRUPT,
                f"{target.name} was read with {algorithm} {hasher.hexdigest()}, not {wanted}.",
                "Its source is damaged or was changed: install it anew or name another one.",
            )


def write(target: Path, content: bytes) -> None:
    """Put ``content`` in ``target``'s place in one moment."""
    for _ in install(
        lambda offset: iter((content[offset:],)),
        target,
        f"sha256:{hashlib.sha256(content).hexdigest()}",
    ):
        pass


def put(target: Path, content: bytes) -> None:
    """Put ``content`` in ``target``'s place in one moment, without waiting for the disk.

    What a crash may take away belongs here; a model's files are written by :func:`install`.
    """
    descriptor, name = tempfile.mkstemp(
        prefix=f".{target.name}.", suffix=_PARTIAL, dir=target.parent
    )
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
    Path(name).chmod(_READABLE)
    Path(name).replace(target)


def blocks(stream: BinaryIO) -> Iterator[bytes]:
    """The rest of ``stream``, block by block; closes it."""
    with stream:
        while block := stream.read(BLOCK):
            yield block


def skip(content: Iterator[bytes], count: int) -> Iterator[bytes]:
    """``content`` without its first ``count`` bytes."""
    for block in content:
        if count < len(block):
            yield block[count:]
        count = max(0, count - len(block))


def remove_abandoned(directory: Path) -> None:
    """Remove what fetches that died long ago left below ``directory``."""
    oldest = time.time() - _ABANDONED_SECONDS
    for partial in directory.rglob(f".*{_PARTIAL}"):
        with suppress(FileNotFoundError):  # another fetch was quicker
            if partial.stat().st_mtime < oldest:
                partial.unlink()


@contextmanager
def storage_errors(directory: Path) -> Iterator[None]:
    """Turn the failures of a disk into errors that tell a full one from an unwritable one."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ModelError(
                ExitCode.NO_SPACE,
                f"{directory} is full: {error}.",
                "Make the cache volume larger (spec.cache.size).",
            ) from error
        raise ModelError(
            ExitCode.FAILED,
            f"{directory} cannot be written: {error}.",
            "Name a model.directory that this user may write.",
        ) from error


@contextmanager
def _partial(target: Path, prefix: str) -> Iterator[tuple[Path, io.BufferedRandom]]:
    """A file that takes ``target``'s place if the block ends well, and else waits to be resumed."""
    partial = _claimed(target.parent, prefix)
    try:
        with partial.open("r+b") as out:
            yield partial, out
            out.flush()
            os.fsync(out.fileno())
        partial.chmod(_READABLE)
        partial.replace(target)
    finally:
        with suppress(FileNotFoundError):
            if partial.stat().st_size:
                os.utime(partial, (0, 0))  # stale from now on: whoever tries next may take it
            else:
                partial.unlink()


def _claimed(directory: Path, prefix: str) -> Path:
    """A partial file of our own: one that a dead fetch left, or an empty one."""
    descriptor, name = tempfile.mkstemp(prefix=f".{prefix}.", suffix=_PARTIAL, dir=directory)
    os.close(descriptor)
    own = Path(name)
    stale = time.time() - _STALE_SECONDS
    for other in sorted(directory.glob(f".{prefix}.*{_PARTIAL}")):
        with suppress(FileNotFoundError):  # another fetch was quicker
            if other != own and other.stat().st_mtime < stale:
                other.replace(own)
                os.utime(own)
                break
    return own

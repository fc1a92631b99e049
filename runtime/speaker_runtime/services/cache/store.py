"""What every store of the cache can do, and what all of them together are."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Final, Protocol

LARGEST_ENTRY: Final = 8 * 2**20
"""Bytes; audio of a size that is worth its place, its way over a network, and the memory of a
process that collects it."""


@dataclass(frozen=True)
class Size:
    """How much a store holds of this process' knowledge."""

    entries: int
    bytes: int


class Store(Protocol):
    """Bytes by key, forgotten when there is too much of them.

    Keys are SHA-256 digests in hexadecimal, values are never empty. Every method may be called from
    any thread and may block for a short while, so none is called on the event loop. None raises:
    a store that cannot read misses, one that cannot write forgets, and both are counted.
    """

    def get(self, key: str) -> bytes | None:
        """The value, which now was used last of all; None where it is not known."""

    def known(self, keys: Sequence[str]) -> Set[str]:
        """Which of the keys :meth:`get` would find now; they count as used."""

    def put(self, key: str, value: bytes) -> None:
        """Keep a value, unless it is so large that too many others would have to go."""

    def remove(self, key: str) -> None:
        """Forget a value that turned out to be useless."""

    def size(self) -> Size:
        """How much is held on this machine."""

    def close(self) -> None:
        """Give threads and connections back; the store is used up."""


class Tiers:
    """A near store in front of one that is shared: what the far one knows is copied to the near."""

    def __init__(self, near: Store, far: Store) -> None:
        self._near = near
        self._far = far

    def get(self, key: str) -> bytes | None:
        """The value from the nearest store that knows it."""
        value = self._near.get(key)
        if value is None and (value := self._far.get(key)) is not None:
            self._near.put(key, value)
        return value

    def known(self, keys: Sequence[str]) -> Set[str]:
        """Which of the keys one of them knows."""
        near = self._near.known(keys)
        far = [key for key in keys if key not in near]
        return near | self._far.known(far) if far else near

    def put(self, key: str, value: bytes) -> None:
        """Keep a value in both."""
        self._near.put(key, value)
        self._far.put(key, value)

    def remove(self, key: str) -> None:
        """Forget a value in both."""
        self._near.remove(key)
        self._far.remove(key)

    def size(self) -> Size:
        """How much the near one holds."""
        return self._near.size()

    def close(self) -> None:
        """Close both."""
        self._near.close()
        self._far.close()

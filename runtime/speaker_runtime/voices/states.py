"""What a backend makes once of a voice and uses in many requests, within a bound of bytes."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

StateT = TypeVar("StateT")


class VoiceStates(Generic[StateT]):
    """The states of the voices that were asked for most recently.

    The thread that owns it (a backend's is the engine's) is the only one to call :meth:`get`;
    :attr:`bytes` may be read from any thread. A state that is handed out stays whole when it is
    dropped here: a request that began with it also ends with it. Nobody may change one.

    Args:
        limit: Bytes of all states together.
        size: Bytes of one state.
    """

    def __init__(self, limit: int, size: Callable[[StateT], int]) -> None:
        self._limit = limit
        self._size = size
        self._states: OrderedDict[str, StateT] = OrderedDict()
        self._bytes = 0

    @property
    def bytes(self) -> int:
        """How much is held, never more than the bound."""
        return self._bytes

    def get(self, voice: str, make: Callable[[], StateT]) -> StateT:
        """The state of ``voice``, made where it is not held; one above the bound is not kept."""
        if voice in self._states:
            self._states.move_to_end(voice)
            return self._states[voice]
        state = make()
        size = self._size(state)
        if size <= self._limit:
            while self._bytes + size > self._limit:
                _, dropped = self._states.popitem(last=False)
                self._bytes -= self._size(dropped)
            self._states[voice] = state
            self._bytes += size
        return state

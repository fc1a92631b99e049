"""What a session has still to do, in order and within a bound."""

import asyncio
from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias


class Step(Enum):
    """What there is to do beside speaking a sentence."""

    FLUSHED = auto()
    """Say that all before it was sent."""
    DONE = auto()
    """Say goodbye."""
    LEAVE = auto()
    """The process is ending."""


@dataclass(frozen=True)
class ToSpeak:
    """A sentence, and its place in the session."""

    text: str
    index: int


Task: TypeAlias = ToSpeak | Step


class Backlog:
    """A queue for one reader and one writer on one event loop.

    Args:
        most: Characters that may wait before :meth:`room` holds the writer up.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._tasks: deque[Task] = deque()
        self._characters = 0
        self._numbered = 0
        self._changed = asyncio.Event()

    def put(self, sentences: list[str]) -> None:
        """Add sentences."""
        for text in sentences:
            self._tasks.append(ToSpeak(text, self._numbered))
            self._numbered += 1
            self._characters += len(text)
        self._changed.set()

    def add(self, step: Step) -> None:
        """Add a step."""
        self._tasks.append(step)
        self._changed.set()

    def clear(self) -> None:
        """Forget all that waits."""
        self._tasks.clear()
        self._characters = 0
        self._changed.set()

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self._tasks

    async def room(self) -> None:
        """Return once no more than the bound waits."""
        while self._characters > self._most:
            self._changed.clear()
            await self._changed.wait()

    async def take(self) -> Task:
        """The next thing to do."""
        while not self._tasks:
            self._changed.clear()
            await self._changed.wait()
        task = self._tasks.popleft()
        if isinstance(task, ToSpeak):
            self._characters -= len(task.text)
            self._changed.set()
        return task

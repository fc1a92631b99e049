"""One request's way through the engine, seen by the engine and by whoever waits for the audio."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from threading import Condition
from typing import Final

from speaker_runtime.audio.pcm import Samples
from speaker_runtime.backends.protocol import SpeechRequest, Stream
from speaker_runtime.errors import SpeechError

BUFFERED_CHUNKS: Final = 2
"""Chunks made ahead of the client; a stream that has so many is skipped until one is taken."""


@dataclass(frozen=True)
class Chunk:
    """Samples, and the place of the request that they belong to."""

    request: int
    samples: Samples


class End(Enum):
    """What :meth:`Ticket.take` gives after the last chunk."""

    END = "end"


class Ticket:
    """One client's requests in the engine.

    The engine's thread uses the attributes; the other side calls :meth:`take` and :meth:`cancel`,
    from any thread.

    Args:
        requests: What to speak, one after the other.
        estimate: Seconds of speech that it will be, roughly.
        submitted: When it was queued, by the engine's clock.
        on_change: Called on the engine's thread whenever :meth:`take` has something new to say;
            it returns at once and never raises.
        guard: The engine's own lock.
    """

    def __init__(
        self,
        requests: Sequence[SpeechRequest],
        *,
        estimate: float,
        submitted: float,
        on_change: Callable[[], None],
        guard: Condition,
    ) -> None:
        self.requests = requests
        self.estimate = estimate
        self.submitted = submitted
        self.queue_seconds = 0.0
        self.streams: deque[Stream] = deque()
        self.cancelled = False
        self.warnings: tuple[str, ...] = ()
        self._on_change = on_change
        self._guard = guard
        self._chunks: deque[Chunk] = deque()
        self._outcome: End | SpeechError | None = None

    @property
    def has_room(self) -> bool:
        """Whether another chunk may be made."""
        return len(self._chunks) < BUFFERED_CHUNKS

    def put(self, samples: Samples) -> None:
        """Hand over the next samples of the first open stream."""
        if len(samples):
            spoken = len(self.requests) - len(self.streams)
            self._chunks.append(Chunk(spoken, samples))
            self._on_change()

    def end(self, outcome: End | SpeechError) -> None:
        """Say that no further chunk comes, and whether that is as it should be."""
        self._outcome = outcome
        self._on_change()

    def take(self) -> Chunk | End | None:
        """The next chunk, the end, or None while neither is there.

        Raises:
            SpeechError: The request failed; the chunks made before were given first.
        """
        with self._guard:
            if self._chunks:
                self._guard.notify_all()
                return self._chunks.popleft()
            if isinstance(self._outcome, SpeechError):
                raise self._outcome
            return self._outcome

    def cancel(self) -> None:
        """Nobody wants the audio any more: drop the request at the next step."""
        with self._guard:
            self.cancelled = True
            self._chunks.clear()
            self._guard.notify_all()

"""One answer, as whoever sends it sees it."""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from speaker_runtime.audio.guard import Fault
from speaker_runtime.errors import SpeechError
from speaker_runtime.services.metrics import RuntimeMetrics
from speaker_runtime.services.production import Cue, Piece, Production
from speaker_runtime.services.source import CacheStatus

_FAULTS: Final[Mapping[Fault, str]] = MappingProxyType(
    {
        Fault.SILENT: "a part of the text may be silent",
        Fault.TOO_SHORT: "a part of the text may be left out",
        Fault.TOO_LONG: "the speech may go on behind the text",
        Fault.GAP: "the speech may be silent in between",
        Fault.NOISE: "the speech may end in noise",
        Fault.REPEATING: "a part of the text may be repeated",
    }
)
"""What is told of an utterance that cannot be the speech of its text."""


class Speech:
    """Bytes of audio in order, as they are made. Used by one task at a time.

    Call :meth:`start` first, iterate once, and :meth:`close` in any case.

    Args:
        characters: Length of the text.
        production: Gives the pieces; closed in any case.
        metrics: What to count in.
        warnings: What of the order is not followed to the letter.
        on_close: Told when nobody needs this speech any more.
    """

    def __init__(
        self,
        *,
        characters: int,
        production: Production,
        metrics: RuntimeMetrics,
        warnings: tuple[str, ...],
        on_close: Callable[["Speech"], None],
    ) -> None:
        self.characters = characters
        self.audio_seconds = 0.0
        self._warnings = warnings
        self.on_complete: Callable[[float], None] | None = None
        """Told how many seconds it was, once all of it was given."""
        self._began = time.monotonic()
        self._production = production
        self._metrics = metrics
        self._on_close = on_close
        self._pieces = aiter(production)
        self._first = b""
        self._cues: list[Cue] = []

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is not done to the letter, or wrong with the speech up to now."""
        faults = (_FAULTS[fault] for fault in self._production.faults)
        return (*self._warnings, *faults)

    @property
    def queue_seconds(self) -> float:
        """How long the request waited for the engine; known once the speech has started."""
        return self._production.queue_seconds

    @property
    def cache_status(self) -> CacheStatus:
        """What the cache did for this answer."""
        return self._production.status

    async def start(self) -> None:
        """Wait for the first bytes.

        Raises:
            SpeechError: The text cannot be spoken, or the engine failed.
        """
        self._first = self._take(await anext(self._pieces))
        self._metrics.waited(self.queue_seconds)
        self._metrics.first_audio(time.monotonic() - self._began)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """All bytes of the answer.

        Raises:
            SpeechError: The engine failed half-way: what was given so far is not all.
        """
        yield self._first
        try:
            async for piece in self._pieces:
                data = self._take(piece)
                if data:
                    yield data
        except SpeechError as error:
            self._metrics.failed(error.code)
            raise
        self._metrics.finished(time.monotonic() - self._began, self.audio_seconds)
        if self.on_complete is not None:
            self.on_complete(self.audio_seconds)

    def take_cues(self) -> Sequence[Cue]:
        """What is reached since the last call; all of it is heard in the bytes given by now."""
        cues, self._cues = self._cues, []
        return cues

    def close(self) -> None:
        """Forget the speech; what is not yet spoken never will be."""
        self._production.close()
        self._on_close(self)

    def _take(self, piece: Piece) -> bytes:
        self._metrics.spoken(piece.seconds - self.audio_seconds)
        self.audio_seconds = piece.seconds
        self._cues += piece.cues
        return piece.data

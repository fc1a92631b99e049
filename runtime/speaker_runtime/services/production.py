"""Where the bytes of an answer come from: tempo and encoder over chunks, or the cache."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol, TypeAlias, TypeVar

from speaker_runtime.audio.guard import Fault
from speaker_runtime.audio.pipeline import Mark, Pipeline
from speaker_runtime.engine.ticket import Chunk, End
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.services.cache.audio import OrderCache
from speaker_runtime.services.cache.entries import Answer, Heard, KeptPiece
from speaker_runtime.services.cache.store import LARGEST_ENTRY
from speaker_runtime.services.planning import CacheUse, Caption, Place
from speaker_runtime.services.recording import Listener
from speaker_runtime.services.source import CacheStatus
from speaker_runtime.services.timing import Spoken, Timing

T = TypeVar("T")

_SLICE: Final = 24_000
"""Samples that are encoded at once, a second or so: some ten milliseconds of work."""

Cue: TypeAlias = Mark | Spoken
"""A moment of an answer that a client may want to know."""


@dataclass(frozen=True)
class Piece:
    """Bytes of an answer that are sent together.

    Attributes:
        data: The bytes; none only in the last piece.
        seconds: How much audio the answer is up to here.
        cues: What is reached in these bytes.
    """

    data: bytes
    seconds: float
    cues: tuple[Cue, ...]


class Production(Protocol):
    """The pieces of one answer, iterated once."""

    @property
    def queue_seconds(self) -> float:
        """How long the answer waited for the engine; known once there is a piece."""

    @property
    def status(self) -> CacheStatus:
        """What the cache did for it."""

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What is wrong with the speech so far."""

    def __aiter__(self) -> AsyncIterator[Piece]:
        """Every piece.

        Raises:
            SpeechError: The text cannot be spoken, or the engine failed.
        """

    def close(self) -> None:
        """Nobody wants the rest."""


class Replay:
    """An answer that the cache holds.

    Args:
        answer: What it holds.
        captions: The sentences of the order.
    """

    queue_seconds = 0.0
    status = CacheStatus.HIT
    faults: tuple[Fault, ...] = ()

    def __init__(self, answer: Answer, captions: Sequence[Caption]) -> None:
        self._answer = answer
        self._captions = captions

    async def __aiter__(self) -> AsyncIterator[Piece]:
        """Every piece."""
        for kept in self._answer.pieces:
            yield Piece(kept.data, kept.seconds, tuple(map(self._cue, kept.cues)))

    def close(self) -> None:
        """Nothing is under way."""

    def _cue(self, cue: Mark | Heard) -> Cue:
        if isinstance(cue, Mark):
            return cue
        return Spoken(cue.index, self._captions[cue.index], cue.start, cue.end)


class Live:
    """An answer that is encoded now; once it is whole, the cache learns it.

    Args:
        listener: Gives the chunks; closed in any case.
        places: Where each utterance belongs.
        timing: Tells when each sentence is heard.
        pipeline: Makes the tempo and encoder of this answer.
        pool: Where they run.
        cached: Learns the answer.
    """

    def __init__(
        self,
        *,
        listener: Listener,
        places: Sequence[Place],
        timing: Timing,
        pipeline: Callable[[], Pipeline],
        pool: Executor,
        cached: OrderCache,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._places = places
        self._timing = timing
        self._pipeline = pipeline
        self._pool = pool
        self._cached = cached
        self._cues: list[Cue] = []
        self._kept: list[KeptPiece] = []
        self._kept_bytes = 0

    @property
    def queue_seconds(self) -> float:
        """How long the answer waited for the engine; known once there is a piece."""
        return self._listener.recording.queue_seconds

    @property
    def status(self) -> CacheStatus:
        """What the cache did for it."""
        return self._listener.recording.status

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What is wrong with the speech so far."""
        return self._listener.recording.faults

    async def __aiter__(self) -> AsyncIterator[Piece]:
        """Every piece, as it is made.

        Raises:
            SpeechError: The text cannot be spoken, or the engine failed.
        """
        pipeline = await self._off_loop(self._pipeline)
        while not isinstance(chunk := await self._listener.next(), End):
            async for data in self._feed(pipeline, chunk):
                yield self._piece(pipeline, data)
        if not pipeline.has_speech:
            raise SpeechError(
                ErrorCode.TEXT_NOT_SPEAKABLE,
                "The model made no sound of this text.",
                param="input",
            )
        data = await self._off_loop(pipeline.finish)
        self._note_marks(pipeline)
        last = self._piece(pipeline, data)
        if self._kept and not self.faults:
            self._cached.keep_answer(Answer(tuple(self._kept)))
        yield last

    def close(self) -> None:
        """Nobody wants the rest; what is not yet spoken never will be."""
        self._listener.close()

    async def _feed(self, pipeline: Pipeline, chunk: Chunk) -> AsyncIterator[bytes]:
        """Encode a chunk slice by slice: the first is sent, and others encode, meanwhile."""
        section, samples = self._places[chunk.utterance].section, chunk.samples

        def begin() -> tuple[bytes, float]:
            before = pipeline.enter(section)
            began = pipeline.position
            return before + pipeline.feed(samples[:_SLICE]), began

        data, began = await self._off_loop(begin)
        self._note_marks(pipeline)
        ended = began + pipeline.duration(len(samples))
        self._cues += self._timing.follow(chunk, began, ended)
        if data:
            yield data
        for start in range(_SLICE, len(samples), _SLICE):
            data = await self._off_loop(partial(pipeline.feed, samples[start : start + _SLICE]))
            if data:
                yield data

    def _note_marks(self, pipeline: Pipeline) -> None:
        self._cues += pipeline.marks
        pipeline.marks.clear()

    def _piece(self, pipeline: Pipeline, data: bytes) -> Piece:
        piece = Piece(data, pipeline.seconds, tuple(self._cues))
        self._cues.clear()
        self._kept_bytes += len(data)
        if self._kept_bytes <= LARGEST_ENTRY and self._cached.use is not CacheUse.NOTHING:
            self._kept.append(KeptPiece(data, piece.seconds, tuple(map(_kept, piece.cues))))
        else:
            self._kept.clear()
        return piece

    async def _off_loop(self, work: Callable[[], T]) -> T:
        return await self._loop.run_in_executor(self._pool, work)


def _kept(cue: Cue) -> Mark | Heard:
    return cue if isinstance(cue, Mark) else Heard(cue.index, cue.start, cue.end)

"""One answer: the engine's samples through tempo and encoder to bytes, off the event loop."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias, TypeVar

from speaker_runtime.audio.pipeline import Mark, Pipeline
from speaker_runtime.engine.ticket import Chunk, End
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.services.metrics import RuntimeMetrics
from speaker_runtime.services.planning import Place
from speaker_runtime.services.recording import Listener
from speaker_runtime.services.timing import Spoken, Timing

T = TypeVar("T")

Cue: TypeAlias = Mark | Spoken
"""A moment of an answer that a client may want to know."""


class Speech:
    """Bytes of audio in order, as they are made. Used by one task at a time.

    Call :meth:`start` first, iterate once, and :meth:`close` in any case.

    Args:
        characters: Length of the text.
        listener: Gives the chunks; closed in any case.
        places: Where each utterance belongs.
        timing: Tells when each sentence is heard.
        pipeline: Makes the tempo and encoder of this answer.
        pool: Where they run.
        metrics: What to count in.
        warnings: What of the order is not followed to the letter.
        on_close: Told when nobody needs this speech any more.
    """

    def __init__(
        self,
        *,
        characters: int,
        listener: Listener,
        places: Sequence[Place],
        timing: Timing,
        pipeline: Callable[[], Pipeline],
        pool: ThreadPoolExecutor,
        metrics: RuntimeMetrics,
        warnings: tuple[str, ...],
        on_close: Callable[["Speech"], None],
    ) -> None:
        self.characters = characters
        self.audio_seconds = 0.0
        self.warnings = warnings
        self._began = time.monotonic()
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._places = places
        self._timing = timing
        self._pipeline = pipeline
        self._pool = pool
        self._metrics = metrics
        self._on_close = on_close
        self._source = self._produce()
        self._first = b""
        self._cues: list[Cue] = []

    @property
    def queue_seconds(self) -> float:
        """How long the request waited for the engine; known once the speech has started."""
        return self._listener.recording.queue_seconds

    async def start(self) -> None:
        """Wait for the first bytes.

        Raises:
            SpeechError: The text cannot be spoken, or the engine failed.
        """
        self._first = await anext(self._source)
        self._metrics.waited(self.queue_seconds)
        self._metrics.first_audio(time.monotonic() - self._began)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """All bytes of the answer.

        Raises:
            SpeechError: The engine failed half-way: what was given so far is not all.
        """
        yield self._first
        try:
            async for data in self._source:
                yield data
        except SpeechError as error:
            self._metrics.failed(error.code)
            raise
        self._metrics.finished(time.monotonic() - self._began, self.audio_seconds)

    def take_cues(self) -> Sequence[Cue]:
        """What is reached since the last call; all of it is heard in the bytes given by now."""
        cues, self._cues = self._cues, []
        return cues

    def close(self) -> None:
        """Forget the speech; what is not yet spoken never will be."""
        self._listener.close()
        self._on_close(self)

    async def _produce(self) -> AsyncIterator[bytes]:
        pipeline = await self._off_loop(self._pipeline)
        while not isinstance(chunk := await self._listener.next(), End):
            data = await self._feed(pipeline, chunk)
            if data:
                yield data
        if not pipeline.has_speech:
            raise SpeechError(
                ErrorCode.TEXT_NOT_SPEAKABLE,
                "The model made no sound of this text.",
                param="input",
            )
        last = await self._off_loop(pipeline.finish)
        self._count(pipeline)
        if last:
            yield last

    async def _feed(self, pipeline: Pipeline, chunk: Chunk) -> bytes:
        section = self._places[chunk.utterance].section

        def work() -> tuple[bytes, float]:
            before = pipeline.enter(section)
            began = pipeline.position
            return before + pipeline.feed(chunk.samples), began

        data, began = await self._off_loop(work)
        self._count(pipeline)
        self._cues += self._timing.follow(chunk, began, pipeline.position)
        return data

    def _count(self, pipeline: Pipeline) -> None:
        self._metrics.spoken(pipeline.seconds - self.audio_seconds)
        self.audio_seconds = pipeline.seconds
        self._cues += pipeline.marks
        pipeline.marks.clear()

    async def _off_loop(self, work: Callable[[], T]) -> T:
        return await self._loop.run_in_executor(self._pool, work)

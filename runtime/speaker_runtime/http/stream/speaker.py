"""The speaking half of a session: sentence after sentence, until it is cancelled or at the end."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence

from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.http.events import Usage
from speaker_runtime.http.runtime import Runtime
from speaker_runtime.http.stream.backlog import Backlog, Step, ToSpeak
from speaker_runtime.http.stream.messages import (
    Cancelled,
    Done,
    Failed,
    Flushed,
    SentenceDone,
    SentenceStarted,
)
from speaker_runtime.http.stream.outbox import Outbox
from speaker_runtime.services.planning import SpeechOrder


class Speaker:
    """Speaks what is put in its backlog.

    Args:
        outbox: To the client.
        runtime: The application's parts.
        backlog: What there is to do.
        order: Makes the order of a sentence.
        warnings: What no sentence of the session is given.
    """

    def __init__(
        self,
        outbox: Outbox,
        runtime: Runtime,
        backlog: Backlog,
        order: Callable[[str], SpeechOrder],
        warnings: Sequence[str],
    ) -> None:
        self.generation = 0
        self.audio_seconds = 0.0
        self._outbox = outbox
        self._runtime = runtime
        self._backlog = backlog
        self._order = order
        self._warnings = warnings
        self._doing: asyncio.Task[None] | None = None
        self._position = 0.0
        self._characters = 0

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to do."""
        return self._doing is None and self._backlog.is_empty

    async def run(self) -> None:
        """Do what there is to do, until the goodbye.

        Raises:
            SpeechError: The process is ending.
        """
        while True:
            match await self._backlog.take():
                case Step.DONE:
                    await self._outbox.send(self._done())
                    return
                case Step.LEAVE:
                    raise SpeechError(
                        ErrorCode.SHUTTING_DOWN, "This process is ending.", retry_after=1
                    )
                case Step.FLUSHED:
                    flushed = Flushed(generation=self.generation)
                    await self._unless_cancelled(self._outbox.send(flushed))
                case ToSpeak() as sentence:
                    await self._unless_cancelled(self._attempt(sentence))

    async def cancel(self) -> None:
        """Drop what is not sent, and say when nothing of it follows any more."""
        self.generation += 1
        self._position = 0.0
        self._backlog.clear()
        if self._doing is not None:
            self._doing.cancel()
            await asyncio.wait((self._doing,))
        await self._outbox.send(Cancelled(generation=self.generation))

    async def refuse(self, error: SpeechError, index: int | None = None) -> None:
        """Tell the client what is not done."""
        self._runtime.metrics.failed(error.code)
        failed = Failed.of(error, generation=self.generation, index=index, final=False)
        await self._outbox.send(failed)

    async def _unless_cancelled(self, work: Coroutine[None, None, None]) -> None:
        """Do what is to leave no trace once the client has cancelled it."""
        self._doing = asyncio.create_task(work)
        try:
            await asyncio.wait((self._doing,))
            if not self._doing.cancelled():
                self._doing.result()
        finally:
            self._doing.cancel()
            await asyncio.gather(self._doing, return_exceptions=True)
            self._doing = None

    async def _attempt(self, sentence: ToSpeak) -> None:
        """Speak a sentence, or tell the client why not."""
        try:
            await self._speak(sentence)
        except SpeechError as error:
            await self.refuse(error, sentence.index)

    async def _speak(self, sentence: ToSpeak) -> None:
        began = self._position
        speech = await self._runtime.service.speak(self._order(sentence.text))
        try:
            await speech.start()
            await self._outbox.send(
                SentenceStarted(
                    generation=self.generation,
                    index=sentence.index,
                    text=sentence.text.strip(),
                    start=round(began, 3),
                    warnings=[*self._warnings, *speech.warnings],
                )
            )
            async for data in speech:
                await self._outbox.send_audio(data)
            self._position = began + speech.audio_seconds
            await self._outbox.send(
                SentenceDone(
                    generation=self.generation,
                    index=sentence.index,
                    start=round(began, 3),
                    end=round(self._position, 3),
                    warnings=[*self._warnings, *speech.warnings],
                )
            )
        finally:
            speech.close()
            self._characters += len(sentence.text)
            self.audio_seconds += speech.audio_seconds

    def _done(self) -> Done:
        return Done(
            usage=Usage.of(self._characters, self.audio_seconds),
            audio_seconds=round(self.audio_seconds, 3),
        )

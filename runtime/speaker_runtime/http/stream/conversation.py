"""One session of the WebSocket: a reader, a speaker, and what ends both."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Final, NoReturn

from starlette.websockets import WebSocket, WebSocketDisconnect

from speaker_runtime.audio.formats import CONTENT_TYPES, AudioFormat
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.http.caching import cache_use
from speaker_runtime.http.clients import client_of
from speaker_runtime.http.events import Usage
from speaker_runtime.http.orders import order_of, warnings_of
from speaker_runtime.http.runtime import Runtime
from speaker_runtime.http.stream.backlog import Backlog, Step, ToSpeak
from speaker_runtime.http.stream.messages import (
    Cancel,
    Cancelled,
    Done,
    End,
    Failed,
    Flush,
    Flushed,
    SentenceDone,
    SentenceStarted,
    ServerMessage,
    Start,
    Started,
    TextPiece,
    parse,
    to_json,
)
from speaker_runtime.text.growing import GrowingText

MAX_MESSAGE_BYTES: Final = 64 * 1024
"""Longest message of a client; the server closes with 1009 on a longer one."""
_OPUS_RATE: Final = 48_000


@dataclass(frozen=True)
class Limits:
    """What one session may take.

    Attributes:
        idle_seconds: How long a client may say nothing while nothing is spoken.
        session_seconds: How long a session lasts at most.
        send_seconds: How long a client may read nothing.
        waiting_characters: Text that may wait for its turn; then no more is read.
        sentence_characters: Of text without a sentence's end, before it is cut.
    """

    idle_seconds: float = 60.0
    session_seconds: float = 3600.0
    send_seconds: float = 120.0
    waiting_characters: int = 64 * 1024
    sentence_characters: int = 1000


class Conversation:
    """Reads text and speaks it until the client or a limit ends it.

    Args:
        socket: Accepted.
        runtime: The application's parts.
        session: Names the session in the log.
        limits: What the session may take.
    """

    def __init__(self, socket: WebSocket, runtime: Runtime, session: str, limits: Limits) -> None:
        self._socket = socket
        self._runtime = runtime
        self.session = session
        self._limits = limits
        self._client = client_of(socket)
        self._cache = cache_use(socket.headers.get("cache-control"))
        self._backlog = Backlog(limits.waiting_characters)
        self._speaking: asyncio.Task[None] | None = None
        self._generation = 0
        self._position = 0.0
        self._ended = False
        self._characters = 0
        self.audio_seconds = 0.0

    async def run(self) -> None:
        """Converse to the end; the socket is still open where the end is not the client's.

        Raises:
            SpeechError: The session cannot go on.
            WebSocketDisconnect: The client has gone.
            TimeoutError: The client reads nothing.
        """
        start = await self._first()
        text = self._prepare(start)
        await self._send(self._started(start))
        tasks = (
            asyncio.create_task(self._read(text)),
            asyncio.create_task(self._speak_all(start)),
            asyncio.create_task(self._leave_at_the_end()),
        )
        try:
            done, _ = await asyncio.wait(
                tasks[:2],
                timeout=self._limits.session_seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if not done:
            raise SpeechError(
                ErrorCode.SESSION_ENDED,
                f"The session has lasted {self._limits.session_seconds:.0f} s.",
            )
        for task in done:
            task.result()

    def failure(self, error: SpeechError) -> Failed:
        """The message that tells why the session ends."""
        return Failed.of(error, generation=self._generation, index=None, final=True)

    async def _first(self) -> Start:
        message = parse(await self._receive())
        if isinstance(message, Start):
            return message
        raise SpeechError(
            ErrorCode.INVALID_VALUE, "The first message is not of the type 'start'.", param="type"
        )

    def _prepare(self, start: Start) -> GrowingText:
        """Refuse at once what no text can make right."""
        service = self._runtime.service
        if service.is_draining:
            raise SpeechError(ErrorCode.SHUTTING_DOWN, "This process is ending.", retry_after=1)
        self._runtime.models.resolve(start.model)
        voice = service.catalogue().resolve(
            start.voice if isinstance(start.voice, str) else start.voice.id
        )
        spoken = voice.entry.languages or service.capabilities().languages
        longest = min(
            self._limits.sentence_characters, self._runtime.config.serving.max_input_characters
        )
        return GrowingText(start.language or spoken[0], longest)

    def _started(self, start: Start) -> Started:
        is_opus = start.response_format is AudioFormat.OPUS
        return Started(
            session=self.session,
            generation=self._generation,
            content_type=CONTENT_TYPES[start.response_format],
            sample_rate=_OPUS_RATE if is_opus else self._runtime.service.capabilities().sample_rate,
        )

    async def _read(self, text: GrowingText) -> NoReturn:
        """Take the client's messages, for ever."""
        while True:
            await self._backlog.room()
            data = await self._receive()
            try:
                await self._take(data, text)
            except SpeechError as error:
                await self._refuse(error, None)

    async def _take(self, data: str | None, text: GrowingText) -> None:
        match parse(data):
            case Cancel():
                text.clear()
                await self._cancel()
            case _ if self._ended:
                raise SpeechError(
                    ErrorCode.INVALID_VALUE, "Nothing but 'cancel' follows 'end'.", param="type"
                )
            case TextPiece(text=piece):
                self._backlog.put(_push(text, piece))
            case Flush():
                self._backlog.put(text.flush())
                self._backlog.add(Step.FLUSHED)
            case End():
                self._ended = True
                self._backlog.put(text.flush())
                self._backlog.add(Step.DONE)
            case Start():
                raise SpeechError(
                    ErrorCode.INVALID_VALUE, "The session has started already.", param="type"
                )

    async def _cancel(self) -> None:
        self._generation += 1
        self._position = 0.0
        self._backlog.clear()
        if self._speaking is not None:
            self._speaking.cancel()
            await asyncio.wait((self._speaking,))
        await self._send(Cancelled(generation=self._generation))
        if self._ended:
            self._backlog.add(Step.DONE)
        if self._runtime.service.is_draining:
            self._backlog.add(Step.LEAVE)

    async def _leave_at_the_end(self) -> None:
        """What is being said may be said to its end; then the speaker leaves."""
        await self._runtime.service.ending()
        self._backlog.clear()
        self._backlog.add(Step.LEAVE)

    async def _speak_all(self, start: Start) -> None:
        while True:
            match await self._backlog.take():
                case Step.DONE:
                    await self._send(self._done())
                    return
                case Step.LEAVE:
                    raise SpeechError(
                        ErrorCode.SHUTTING_DOWN, "This process is ending.", retry_after=1
                    )
                case Step.FLUSHED:
                    await self._unless_cancelled(self._send(Flushed(generation=self._generation)))
                case ToSpeak() as sentence:
                    await self._unless_cancelled(self._attempt(start, sentence))

    async def _unless_cancelled(self, work: Coroutine[None, None, None]) -> None:
        """Do what is to leave no trace once the client has cancelled it."""
        self._speaking = asyncio.create_task(work)
        try:
            await asyncio.wait((self._speaking,))
            if not self._speaking.cancelled():
                self._speaking.result()
        finally:
            self._speaking.cancel()
            await asyncio.gather(self._speaking, return_exceptions=True)
            self._speaking = None

    async def _attempt(self, start: Start, sentence: ToSpeak) -> None:
        """Speak a sentence, or tell the client why not."""
        try:
            await self._speak(start, sentence)
        except SpeechError as error:
            await self._refuse(error, sentence.index)

    async def _speak(self, start: Start, sentence: ToSpeak) -> None:
        generation, began = self._generation, self._position
        order = order_of(
            start, sentence.text, client=self._client, label=self.session, cache=self._cache
        )
        speech = await self._runtime.service.speak(order)
        try:
            await speech.start()
            await self._send(
                SentenceStarted(
                    generation=generation,
                    index=sentence.index,
                    text=sentence.text.strip(),
                    start=round(began, 3),
                    warnings=[*warnings_of(start), *speech.warnings],
                )
            )
            async for data in speech:
                async with asyncio.timeout(self._limits.send_seconds):
                    await self._socket.send_bytes(data)
            self._position = began + speech.audio_seconds
            await self._send(
                SentenceDone(
                    generation=generation,
                    index=sentence.index,
                    start=round(began, 3),
                    end=round(self._position, 3),
                    warnings=[*warnings_of(start), *speech.warnings],
                )
            )
        finally:
            speech.close()
            self._characters += len(sentence.text)
            self.audio_seconds += speech.audio_seconds

    async def _refuse(self, error: SpeechError, index: int | None) -> None:
        self._runtime.metrics.failed(error.code)
        await self._send(Failed.of(error, generation=self._generation, index=index, final=False))

    def _done(self) -> Done:
        return Done(
            usage=Usage.of(self._characters, self.audio_seconds),
            audio_seconds=round(self.audio_seconds, 3),
        )

    async def _receive(self) -> str | None:
        """The next message, None where it is binary; who is being spoken to may be silent."""
        receiving = asyncio.ensure_future(self._socket.receive())
        try:
            while not receiving.done():
                await asyncio.wait((receiving,), timeout=self._limits.idle_seconds)
                if not receiving.done() and self._speaking is None and self._backlog.is_empty:
                    raise SpeechError(
                        ErrorCode.SESSION_ENDED,
                        f"No message came for {self._limits.idle_seconds:.0f} s.",
                    )
        finally:
            receiving.cancel()
        message = receiving.result()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message["code"])
        data: str | None = message.get("text")
        return data

    async def _send(self, message: ServerMessage) -> None:
        async with asyncio.timeout(self._limits.send_seconds):
            await self._socket.send_text(to_json(message))


def _push(text: GrowingText, piece: str) -> list[str]:
    try:
        return text.push(piece)
    except ValueError as error:
        raise SpeechError(
            ErrorCode.INVALID_TYPE, f"Invalid text: {error}.", param="text"
        ) from error

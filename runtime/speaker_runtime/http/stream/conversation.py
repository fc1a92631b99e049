"""One session of the WebSocket: a reader, a speaker, and what ends both."""

import asyncio
from dataclasses import dataclass
from typing import Final, NoReturn

from starlette.websockets import WebSocket, WebSocketDisconnect

from speaker_runtime.audio.formats import CONTENT_TYPES, AudioFormat
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.http.caching import cache_use
from speaker_runtime.http.clients import client_of
from speaker_runtime.http.orders import order_of, warnings_of
from speaker_runtime.http.runtime import Runtime
from speaker_runtime.http.stream.backlog import Backlog, Step
from speaker_runtime.http.stream.messages import (
    Cancel,
    End,
    Failed,
    Flush,
    Start,
    Started,
    TextPiece,
    parse,
)
from speaker_runtime.http.stream.outbox import Outbox
from speaker_runtime.http.stream.speaker import Speaker
from speaker_runtime.services.planning import SpeechOrder
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
    """Reads text and has it spoken until the client or a limit ends it.

    Args:
        socket: Accepted.
        runtime: The application's parts.
        session: Names the session in the log.
        limits: What the session may take.
    """

    def __init__(self, socket: WebSocket, runtime: Runtime, session: str, limits: Limits) -> None:
        self.session = session
        self._socket = socket
        self._runtime = runtime
        self._limits = limits
        self._outbox = Outbox(socket, limits.send_seconds)
        self._backlog = Backlog(limits.waiting_characters)
        self._speaker: Speaker | None = None
        self._ended = False

    @property
    def audio_seconds(self) -> float:
        """Of all audio that was made."""
        return self._speaker.audio_seconds if self._speaker else 0.0

    def failure(self, error: SpeechError) -> Failed:
        """The message that tells why the session ends."""
        generation = self._speaker.generation if self._speaker else 0
        return Failed.of(error, generation=generation, index=None, final=True)

    async def run(self) -> None:
        """Converse to the end; the socket is still open where the end is not the client's.

        Raises:
            SpeechError: The session cannot go on.
            WebSocketDisconnect: The client has gone.
            TimeoutError: The client reads nothing.
        """
        start = await self._first()
        text = self._prepare(start)
        await self._outbox.send(self._started(start))
        self._speaker = speaker = self._speaker_of(start)
        tasks = (
            asyncio.create_task(self._read(text, speaker)),
            asyncio.create_task(speaker.run()),
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
            generation=0,
            content_type=CONTENT_TYPES[start.response_format],
            sample_rate=_OPUS_RATE if is_opus else self._runtime.service.capabilities().sample_rate,
        )

    def _speaker_of(self, start: Start) -> Speaker:
        client = client_of(self._socket)
        cache = cache_use(self._socket.headers.get("cache-control"))

        def order(text: str) -> SpeechOrder:
            return order_of(start, text, client=client, label=self.session, cache=cache)

        return Speaker(self._outbox, self._runtime, self._backlog, order, warnings_of(start))

    async def _leave_at_the_end(self) -> None:
        """What is being said may be said to its end; then the speaker leaves."""
        await self._runtime.service.ending()
        self._backlog.clear()
        self._backlog.add(Step.LEAVE)

    async def _read(self, text: GrowingText, speaker: Speaker) -> NoReturn:
        """Take the client's messages, for ever."""
        while True:
            await self._backlog.room()
            data = await self._receive()
            try:
                await self._take(data, text, speaker)
            except SpeechError as error:
                await speaker.refuse(error)

    async def _take(self, data: str | None, text: GrowingText, speaker: Speaker) -> None:
        match parse(data):
            case Cancel():
                text.clear()
                await speaker.cancel()
                self._go_on_ending()
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

    def _go_on_ending(self) -> None:
        """A cancel forgets text, but not that the session is to end."""
        if self._ended:
            self._backlog.add(Step.DONE)
        if self._runtime.service.is_draining:
            self._backlog.add(Step.LEAVE)

    async def _receive(self) -> str | None:
        """The next message, None where it is binary; who is being spoken to may be silent."""
        receiving = asyncio.ensure_future(self._socket.receive())
        try:
            while not receiving.done():
                await asyncio.wait((receiving,), timeout=self._limits.idle_seconds)
                is_silent = self._speaker is None or self._speaker.is_idle
                if not receiving.done() and is_silent:
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


def _push(text: GrowingText, piece: str) -> list[str]:
    try:
        return text.push(piece)
    except ValueError as error:
        raise SpeechError(
            ErrorCode.INVALID_TYPE, f"Invalid text: {error}.", param="text"
        ) from error

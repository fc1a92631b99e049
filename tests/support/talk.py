"""A client of the WebSocket, as a voice agent would write one."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect

from speaker_runtime.http.routes.stream import PATH

WITHIN: Final = 30.0
LARGEST: Final = 16 * 1024 * 1024
Event = dict[str, Any]


@dataclass
class Heard:
    """What came until an event.

    Attributes:
        events: The JSON messages.
        audio: The binary messages, by the index of their sentence.
    """

    events: list[Event] = field(default_factory=list)
    audio: dict[int, bytes] = field(default_factory=dict)

    @property
    def all_audio(self) -> bytes:
        """Everything, in order."""
        return b"".join(self.audio.values())

    def of(self, kind: str) -> list[Event]:
        """The events of a type."""
        return [event for event in self.events if event["type"] == kind]

    @property
    def texts(self) -> list[str]:
        """The sentences that were spoken to their end."""
        done = {event["index"] for event in self.of("sentence_done")}
        return [event["text"] for event in self.of("sentence") if event["index"] in done]


class Talk:
    """One session."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._index = -1

    async def send(self, kind: str, **fields: object) -> None:
        """Send a message."""
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def say(self, *pieces: str) -> None:
        """Send pieces of text."""
        for piece in pieces:
            await self.send("text", text=piece)

    async def start(self, **fields: object) -> Event:
        """Begin; return what the server answers."""
        await self.send("start", **{"model": "tts-1", "voice": "alloy", **fields})
        return json.loads(await self.socket.recv())  # type: ignore[no-any-return]  # an object

    async def until(self, kind: str) -> Heard:
        """Listen until an event of the type."""
        heard = Heard()
        async for message in self.socket:
            if isinstance(message, bytes):
                heard.audio[self._index] = heard.audio.get(self._index, b"") + message
            elif self._note(message, heard)["type"] == kind:
                return heard
        raise AssertionError(f"no {kind}, but {heard.events}, then {self.socket.close_code}")

    async def first_audio(self) -> bytes:
        """Listen until the next audio."""
        async for message in self.socket:
            if isinstance(message, bytes):
                return message
            self._note(message, Heard())
        raise AssertionError("no audio")

    def _note(self, message: str, heard: Heard) -> Event:
        event: Event = json.loads(message)
        heard.events.append(event)
        if event["type"] == "sentence":
            self._index = event["index"]
        return event


@asynccontextmanager
async def talking(url: str, **headers: str) -> AsyncIterator[Talk]:
    """A connection, not started."""
    address = url.replace("http", "ws", 1) + PATH
    async with connect(
        address, additional_headers=headers, max_size=LARGEST, open_timeout=WITHIN
    ) as socket:
        yield Talk(socket)

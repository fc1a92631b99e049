"""What goes to the client, no faster than it reads."""

import asyncio

from starlette.websockets import WebSocket

from speaker_runtime.http.stream.messages import ServerMessage, to_json


class Outbox:
    """Sends messages and audio; what is cancelled while it waits is not sent.

    Args:
        socket: Accepted.
        seconds: How long a client may read nothing.
    """

    def __init__(self, socket: WebSocket, seconds: float) -> None:
        self._socket = socket
        self._seconds = seconds

    async def send(self, message: ServerMessage) -> None:
        """Send a message.

        Raises:
            TimeoutError: The client reads nothing.
            WebSocketDisconnect: It has gone.
        """
        async with asyncio.timeout(self._seconds):
            await self._socket.send_text(to_json(message))

    async def send_audio(self, data: bytes) -> None:
        """Send a piece of audio.

        Raises:
            TimeoutError: The client reads nothing.
            WebSocketDisconnect: It has gone.
        """
        async with asyncio.timeout(self._seconds):
            await self._socket.send_bytes(data)

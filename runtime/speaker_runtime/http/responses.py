"""Speech as an HTTP body: bytes as they are, or wrapped in server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from speaker_runtime.audio.pipeline import Mark
from speaker_runtime.errors import SpeechError
from speaker_runtime.http.bodies import StreamOptions
from speaker_runtime.http.disconnect import ClientGoneError, unless_gone
from speaker_runtime.http.errors import error_response
from speaker_runtime.http.events import (
    AudioDelta,
    AudioDone,
    AudioMark,
    AudioSentence,
    ErrorEvent,
    SpeechEvent,
    Usage,
)
from speaker_runtime.services.speech import Speech

SEND_SECONDS: Final = 120.0
"""A client that reads nothing for so long is given up, and its place goes to another."""


class SpeechResponse(Response):
    """Streams a speech that has started; a failure half-way never looks like the end.

    Args:
        speech: What to send; closed in any case.
        body: The speech's bytes, in the form that goes over the wire.
        media_type: Of the body.
        headers: Further headers.
    """

    def __init__(
        self,
        speech: Speech,
        body: AsyncIterator[bytes],
        *,
        media_type: str,
        headers: dict[str, str],
    ) -> None:
        super().__init__(None, media_type=media_type, headers=headers)
        del self.headers["content-length"]
        self._speech = speech
        self._chunks = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send everything, or break the connection off."""
        has_chunks = scope["http_version"] != "1.0"
        work = self._send(send) if has_chunks else self._send_whole(scope, receive, send)
        try:
            await unless_gone(receive, work)
        except (ClientGoneError, SpeechError, TimeoutError) as error:
            # Returning without the last chunk makes the server cut the connection.
            scope["state"]["cut_short"] = str(error) or "the client stopped reading"
        finally:
            self._speech.close()

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async for chunk in self._chunks:
            async with asyncio.timeout(SEND_SECONDS):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_whole(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Before HTTP 1.1 the end of a connection is the end of a body: only a length is safe."""
        try:
            body = b"".join([chunk async for chunk in self._chunks])
        except SpeechError as error:
            await error_response(error)(scope, receive, send)
            return
        self.headers["content-length"] = str(len(body))
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async with asyncio.timeout(SEND_SECONDS):
            await send({"type": "http.response.body", "body": body, "more_body": False})


async def as_events(speech: Speech, options: StreamOptions) -> AsyncIterator[bytes]:
    """OpenAI's events: deltas with base64 audio, then the usage; or an ``error`` event.

    The marks of an SSML document, and the sentences where they are wanted, are events of their own,
    each before the audio that it stands in.
    """
    try:
        async for data in speech:
            for cue in _wanted(speech, options):
                yield _wire(cue)
            yield _wire(AudioDelta.of(data))
    except SpeechError as error:
        yield _wire(ErrorEvent.of(error))
        return
    for cue in _wanted(speech, options):
        yield _wire(cue)
    yield _wire(AudioDone(usage=Usage.of(speech.characters, speech.audio_seconds)))


def _wanted(speech: Speech, options: StreamOptions) -> Iterator[AudioMark | AudioSentence]:
    for cue in speech.take_cues():
        if isinstance(cue, Mark):
            yield AudioMark.of(cue)
        elif options.sentences:
            yield AudioSentence.of(cue)


def _wire(event: SpeechEvent) -> bytes:
    # With escapes, as an error may quote what has no UTF-8 (half a surrogate pair).
    return f"data: {json.dumps(event.model_dump())}\n\n".encode()

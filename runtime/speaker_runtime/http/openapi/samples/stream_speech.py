import asyncio
import json
from pathlib import Path

from websockets.asyncio.client import connect

TOKENS = ["Every sent", "ence is spoken", " as soon as it", " is complete. ", "Like this one."]


async def main() -> None:
    async with connect("ws://127.0.0.1:8080/v1/audio/stream") as session:
        await session.send(json.dumps({"type": "start", "model": "tts-1", "voice": "alloy"}))
        for token in TOKENS:
            await session.send(json.dumps({"type": "text", "text": token}))
        await session.send(json.dumps({"type": "end"}))
        with Path("speech.pcm").open("wb") as file:
            async for message in session:
                if isinstance(message, bytes):
                    file.write(message)
                    continue
                event = json.loads(message)
                print(event["type"], event.get("text", ""))


asyncio.run(main())

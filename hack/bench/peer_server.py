"""The peer: kokoro-onnx behind FastAPI, as open servers use it. Runs in its own environment.

``python peer_server.py MODEL_DIRECTORY PORT`` serves the weights that ``speaker-runtime model
fetch`` laid into the directory. Each request streams what the library's ``create_stream`` gives:
that is the library's own way of serving, with its own splitting, threads and session.
"""

import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from kokoro_onnx import Kokoro
from pydantic import BaseModel


class Body(BaseModel):
    """The part of OpenAI's request that the comparison uses; the answer is 16-bit PCM."""

    model: str
    voice: str
    input: str
    response_format: str
    speed: float = 1.0


def application(directory: Path) -> FastAPI:
    """Load the library with the given weights and serve it."""
    styles = {
        path.stem: np.fromfile(path, "<f4").reshape(-1, 1, 256)
        for path in (directory / "voices").glob("*.bin")
    }
    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        np.savez(file, allow_pickle=False, **styles)
        file.flush()
        kokoro = Kokoro(str(directory / "model.onnx"), file.name)
        # The library reads the archive lazily.
        kokoro.voices = styles
    kokoro.create("Ready to speak.", "af_heart")
    app = FastAPI()

    async def pcm(body: Body) -> AsyncIterator[bytes]:
        async for samples, _ in kokoro.create_stream(body.input, body.voice, body.speed):
            yield (np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2").tobytes()

    @app.get("/health/ready")
    async def ready() -> dict[str, str]:
        return {"status": "ready"}

    @app.post("/v1/audio/speech")
    async def speech(body: Body) -> StreamingResponse:
        return StreamingResponse(pcm(body), media_type="audio/pcm")

    return app


if __name__ == "__main__":
    uvicorn.run(
        application(Path(sys.argv[1])), host="127.0.0.1", port=int(sys.argv[2]), log_level="warning"
    )

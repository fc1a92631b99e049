"""A runtime that makes voices of references, and the operator that speaks to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2

from speaker_runtime.backends.protocol import Cloning
from speaker_runtime.contract import (
    VOICE_AUDIO_PATH,
    VOICE_SYNC_PATH,
    ModelConfig,
    ReferenceClip,
    ReferencesConfig,
    RuntimeConfig,
    SyncedVoice,
    SyncReport,
    VoiceEntry,
    VoiceManifest,
    VoiceReference,
    digest_of,
)
from speaker_runtime.engine.engine import Engine
from speaker_runtime.engine.scheduler import Bounds
from speaker_runtime.engine.state import Phase
from speaker_runtime.http.app import create_app
from tests.support.audio import decode_pcm
from tests.support.clips import voiced, wav
from tests.support.runtime import eventually
from tests.support.syncing import handing, new_key, order, sync_config
from tests.support.tone import SAMPLE_RATE, ToneBackend, copies, pitch_of

WITHIN = 20.0
KEY = new_key()
CLONING = Cloning(sample_rate=SAMPLE_RATE, most_clips=3)
NOBODY = VoiceManifest()
LOW, HIGH = wav(voiced(110)), wav(voiced(220))


def handed(name: str, *clips: bytes, **other: object) -> VoiceEntry:
    """A voice whose audio the operator hands over."""
    reference = VoiceReference(clips=tuple(ReferenceClip(digest=digest_of(each)) for each in clips))
    return VoiceEntry(name=name, languages=("en",), reference=reference, **other)


def placed(name: str, clip: ReferenceClip, **other: object) -> VoiceEntry:
    """A voice whose audio lies elsewhere."""
    reference = VoiceReference(clips=(clip,))
    return VoiceEntry(name=name, languages=("en",), reference=reference, **other)


def damage(directory: Path) -> None:
    """Damage the one state that is kept."""
    (state,) = directory.iterdir()
    state.write_bytes(b"damaged")


class Pod:
    """A runtime, and the operator that speaks to it."""

    def __init__(self, http: httpx2.AsyncClient, backend: ToneBackend) -> None:
        self.http = http
        self.backend = backend
        self._revision = 0

    async def send(self, *voices: VoiceEntry) -> SyncReport:
        self._revision += 1
        headers, body = order(KEY, VoiceManifest(voices=voices), self._revision)
        answer = await self.http.post(VOICE_SYNC_PATH, headers=headers, content=body)
        assert answer.status_code == 200, answer.text
        return SyncReport.model_validate_json(answer.content)

    async def hand_over(self, content: bytes) -> httpx2.Response:
        headers, body = handing(KEY, content)
        return await self.http.post(VOICE_AUDIO_PATH, headers=headers, content=body)

    async def serve(self, *voices: VoiceEntry, audio: tuple[bytes, ...] = ()) -> list[SyncedVoice]:
        """Do as the operator does, until every voice is ready or failed."""
        files = {digest_of(each): each for each in audio}
        async with asyncio.timeout(WITHIN):
            while True:
                report = await self.send(*voices)
                if all(each.state != "pending" for each in report.voices):
                    return list(report.voices)
                for digest in report.wanted:
                    assert (await self.hand_over(files[digest])).status_code == 204

    async def pitch(self, voice: str, text: str = "Hum this to me.") -> float:
        body = {"model": "tts-1", "voice": voice, "input": text, "response_format": "pcm"}
        answer = await self.http.post("/v1/audio/speech", json=body)
        assert answer.status_code == 200, answer.text
        return pitch_of(decode_pcm(answer.content).samples)

    async def refusal(self, voice: str) -> tuple[int, str, str]:
        body = {"model": "tts-1", "voice": voice, "input": "Hum."}
        answer = await self.http.post("/v1/audio/speech", json=body)
        return answer.status_code, answer.json()["error"]["code"], answer.json()["error"]["message"]

    async def metric(self, name: str) -> float:
        lines = (await self.http.get("/metrics")).text.splitlines()
        return next((float(line.split()[-1]) for line in lines if line.startswith(name)), 0.0)


@asynccontextmanager
async def running(
    directory: Path | None,
    backend: ToneBackend,
    manifest: VoiceManifest = NOBODY,
    **other: object,
) -> AsyncIterator[Pod]:
    config = RuntimeConfig(
        service="test",
        backend="hibari",
        model=ModelConfig(source="package://hibari-tts", directory=Path("nowhere")),
        voice_sync=sync_config(KEY),
        references=None
        if directory is None
        else ReferencesConfig(directory=directory, **{"allow_private_addresses": True, **other}),
    )
    make, places = copies(backend)
    engine = Engine(make, places, bounds=Bounds(config.serving.max_queue_seconds))
    app = create_app(config, manifest, engine)
    async with app.router.lifespan_context(app):
        eventually(lambda: engine.state.phase is Phase.READY, within=WITHIN, what="readiness")
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            yield Pod(client, backend)
        backend.release()

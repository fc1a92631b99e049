"""Orders into speech, over an engine that hums."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest

from speaker_runtime.audio.formats import AudioFormat
from speaker_runtime.audio.pcm import to_pcm16
from speaker_runtime.contract import ServingConfig, VoiceDefaults, VoiceEntry, VoiceManifest
from speaker_runtime.engine.engine import Engine
from speaker_runtime.engine.scheduler import Bounds
from speaker_runtime.engine.state import Phase
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.services.metrics import RuntimeMetrics
from speaker_runtime.services.planning import SpeechOrder
from speaker_runtime.services.service import SpeechService
from speaker_runtime.services.speech import Speech
from speaker_runtime.services.timing import Spoken
from tests.support.runtime import eventually
from tests.support.tone import SAMPLE_RATE, ToneBackend, copies, hum

WITHIN = 5.0
MANIFEST = VoiceManifest(
    voices=(
        VoiceEntry(name="ana", preset="low"),
        VoiceEntry(name="slow", preset="low", defaults=VoiceDefaults(speed=0.25)),
    )
)


@asynccontextmanager
async def serving(backend: ToneBackend) -> AsyncIterator[SpeechService]:
    make, places = copies(backend)
    engine = Engine(make, places, bounds=Bounds(60))
    engine.start()
    eventually(lambda: engine.state.phase is Phase.READY, within=WITHIN, what="readiness")
    limits = ServingConfig(max_input_characters=100)
    service = SpeechService(engine, MANIFEST, limits, RuntimeMetrics("tone", lambda: engine.load))
    try:
        yield service
    finally:
        backend.release()
        await asyncio.to_thread(engine.stop, WITHIN)
        service.close()


def order(text: str, voice: str = "ana", speed: float | None = None) -> SpeechOrder:
    return SpeechOrder(text, voice, AudioFormat.PCM, speed=speed)


async def hear(speech: Speech) -> bytes:
    try:
        await speech.start()
        return b"".join([chunk async for chunk in speech])
    finally:
        speech.close()


async def refusal(service: SpeechService, asked: SpeechOrder) -> ErrorCode:
    with pytest.raises(SpeechError) as refused:
        await hear(await service.speak(asked))
    return refused.value.code


async def test_a_text_is_spoken_sentence_by_sentence() -> None:
    async with serving(ToneBackend()) as service:
        speech = await service.speak(order("One is here. Two is there."))
        heard = await hear(speech)
    samples = np.concatenate([hum("One is here."), hum("Two is there.")])
    assert heard == to_pcm16(samples).tobytes()
    assert speech.audio_seconds == pytest.approx(len(samples) / SAMPLE_RATE)


async def test_every_sentence_tells_when_it_is_heard() -> None:
    async with serving(ToneBackend()) as service:
        speech = await service.speak(order("One is here. Two is there.", speed=4.0))
        await hear(speech)
    cues = [cue for cue in speech.take_cues() if isinstance(cue, Spoken)]
    middle, end = (len(hum(text)) / SAMPLE_RATE / 2 for text in ("One is here.", "x" * 25))
    assert [cue.caption.text for cue in cues] == ["One is here.", "Two is there."]
    assert [cue.start for cue in cues] == pytest.approx([0.0, middle])
    assert [cue.end for cue in cues] == pytest.approx([middle, end])


async def test_a_sentence_of_several_chunks_is_told_at_its_beginning_and_its_end() -> None:
    async with serving(ToneBackend(slices=3)) as service:
        speech = await service.speak(order("One is here."))
        await hear(speech)
    told = [(cue.start, cue.end) for cue in speech.take_cues() if isinstance(cue, Spoken)]
    assert told == [(0.0, None), (0.0, 0.12)]


@pytest.mark.parametrize(("voice", "speed", "tempo"), [("slow", None, 0.5), ("slow", 1.0, 1.0)])
async def test_a_voices_own_speed_holds_unless_another_is_asked_for(
    voice: str, speed: float | None, tempo: float
) -> None:
    async with serving(ToneBackend()) as service:
        speech = await service.speak(order("A rather long sentence.", voice, speed))
        await hear(speech)
    hummed = len(hum("A rather long sentence.")) / SAMPLE_RATE
    assert speech.audio_seconds == pytest.approx(hummed / tempo, rel=0.2)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", ErrorCode.EMPTY_INPUT),
        (" \n ", ErrorCode.EMPTY_INPUT),
        ("x" * 101, ErrorCode.INPUT_TOO_LONG),
        ("#", ErrorCode.TEXT_NOT_SPEAKABLE),
        ("broken!", ErrorCode.SPEECH_FAILED),
    ],
)
async def test_a_text_that_cannot_be_spoken_is_refused(text: str, code: ErrorCode) -> None:
    async with serving(ToneBackend()) as service:
        assert await refusal(service, order(text)) is code


async def test_an_unknown_voice_is_refused() -> None:
    async with serving(ToneBackend()) as service:
        assert await refusal(service, order("Hello.", "nobody")) is ErrorCode.VOICE_NOT_FOUND


async def test_draining_waits_for_what_runs_and_refuses_the_rest() -> None:
    backend = ToneBackend()
    async with serving(backend) as service:
        backend.hold()
        running = asyncio.create_task(hear(await service.speak(order("One. Two."))))
        draining = asyncio.create_task(service.drain(WITHIN))
        await asyncio.sleep(0)
        assert await refusal(service, order("Late.")) is ErrorCode.SHUTTING_DOWN
        assert not draining.done()
        backend.release()
        await draining
        assert len(await running) > 0


async def test_draining_ends_at_its_deadline() -> None:
    backend = ToneBackend()
    async with serving(backend) as service:
        backend.hold()
        speech = await service.speak(order("One."))
        await service.drain(0)
        speech.close()


async def test_nothing_is_known_before_the_model_is_loaded() -> None:
    make, places = copies(ToneBackend())
    engine = Engine(make, places, bounds=Bounds(60))
    service = SpeechService(engine, MANIFEST, ServingConfig(), RuntimeMetrics())
    with pytest.raises(SpeechError) as refused:
        service.catalogue()
    assert refused.value.code is ErrorCode.MODEL_NOT_READY
    service.close()

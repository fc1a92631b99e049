"""What was spoken once is not spoken again, and nobody can hear the difference."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from speaker_runtime.audio.formats import AudioFormat
from speaker_runtime.contract import ServingConfig, VoiceManifest
from speaker_runtime.engine.engine import Engine
from speaker_runtime.engine.scheduler import Bounds
from speaker_runtime.engine.state import Phase
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.services.cache.audio import AudioCache
from speaker_runtime.services.cache.disk import DiskStore
from speaker_runtime.services.metrics import RuntimeMetrics
from speaker_runtime.services.planning import CacheUse, SpeechOrder
from speaker_runtime.services.production import Cue
from speaker_runtime.services.service import SpeechService
from speaker_runtime.services.source import CacheStatus
from speaker_runtime.text.ssml.script import Mode
from tests.support.runtime import eventually
from tests.support.tone import ToneBackend, copies

WITHIN = 10.0
TEXT = "One is here. Two is there."
MARKED = (
    "<speak><mark name='a'/>One.<break time='300ms'/><mark name='b'/>Two.<mark name='c'/></speak>"
)


class Studio:
    """A service with a cache, and everything that a test wants to look into."""

    def __init__(self, directory: Path, max_queue_seconds: float = 60) -> None:
        self.backend = ToneBackend(max_streams=1)
        make, places = copies(self.backend)
        self.engine = Engine(make, places, bounds=Bounds(max_queue_seconds))
        self.metrics = RuntimeMetrics("tone", lambda: self.engine.load)
        self.directory = directory
        self.store = DiskStore(directory, 2**24, self.metrics.cache)
        cache = AudioCache(self.store, self.metrics.cache, backend="tone", release="1")
        self.service = SpeechService(
            self.engine, VoiceManifest(), ServingConfig(), self.metrics, cache
        )

    async def hear(self, order: SpeechOrder) -> tuple[CacheStatus, bytes]:
        status, pieces, _ = await self.follow(order)
        return status, b"".join(pieces)

    async def follow(
        self, order: SpeechOrder
    ) -> tuple[CacheStatus, list[bytes], list[Sequence[Cue]]]:
        """The bytes of an answer as they come, and the cues that come with each of them."""
        speech = await self.service.speak(order)
        pieces, cues = [], []
        try:
            await speech.start()
            async for data in speech:
                pieces.append(data)
                cues.append(speech.take_cues())
        finally:
            speech.close()
        cues.append(speech.take_cues())
        return speech.cache_status, pieces, cues

    def wait_kept(self, entries: int) -> None:
        """Return once so many entries are in the store."""
        eventually(
            lambda: self.store.size().entries == entries, within=WITHIN, what=f"{entries} entries"
        )

    def count(self, name: str, **labels: str) -> float:
        value = self.metrics.registry.get_sample_value(name, {"model": "tone", **labels})
        assert value is not None
        return value


@asynccontextmanager
async def studio(directory: Path, max_queue_seconds: float = 60) -> AsyncIterator[Studio]:
    open_studio = Studio(directory, max_queue_seconds)
    engine = open_studio.engine
    engine.start()
    eventually(lambda: engine.state.phase is Phase.READY, within=WITHIN, what="readiness")
    open_studio.backend.steps.clear()
    try:
        yield open_studio
    finally:
        open_studio.backend.release()
        await asyncio.to_thread(engine.stop, WITHIN)
        open_studio.service.close()


def order(
    text: str = TEXT,
    audio_format: AudioFormat = AudioFormat.PCM,
    cache: CacheUse = CacheUse.FULL,
    *,
    seed: int = 0,
    speed: float | None = None,
) -> SpeechOrder:
    return SpeechOrder(text, "low", audio_format, cache=cache, seed=seed, speed=speed)


def entries(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


@pytest.mark.parametrize("audio_format", AudioFormat)
async def test_a_repeated_order_gives_the_same_bytes_without_the_model(
    tmp_path: Path, audio_format: AudioFormat
) -> None:
    async with studio(tmp_path) as one:
        asked = order(audio_format=audio_format, speed=3.0)
        first = await one.hear(asked)
        assert first[0] is CacheStatus.MISS
        one.wait_kept(3)
        one.backend.steps.clear()
        assert await one.hear(asked) == (CacheStatus.HIT, first[1])
        assert await one.hear(replace(asked, cache=CacheUse.NOTHING)) == (
            CacheStatus.BYPASS,
            first[1],
        )
        assert one.backend.steps == [["One is here."], ["Two is there."]]


@pytest.mark.parametrize("audio_format", AudioFormat)
async def test_utterances_serve_every_format_with_the_same_bytes(
    tmp_path: Path, audio_format: AudioFormat
) -> None:
    async with studio(tmp_path) as one:
        await one.hear(order(speed=3.0))
        one.wait_kept(3)
        one.backend.steps.clear()
        asked = order(audio_format=audio_format, speed=3.0)
        status, heard = await one.hear(asked)
        assert status is CacheStatus.HIT
        assert one.backend.steps == []
        assert (await one.hear(replace(asked, cache=CacheUse.NOTHING)))[1] == heard


async def test_only_the_sentence_that_changed_is_spoken(tmp_path: Path) -> None:
    async with studio(tmp_path) as one:
        await one.hear(order("One is here. Two is there. Three."))
        one.wait_kept(4)
        one.backend.steps.clear()
        changed = order("One is here. Nobody is there. Three.")
        status, heard = await one.hear(changed)
        assert status is CacheStatus.PARTIAL
        assert one.backend.steps == [["Nobody is there."]]
        assert (await one.hear(replace(changed, cache=CacheUse.NOTHING)))[1] == heard
        assert one.count("tts_cache_hits_total", kind="utterance") == 2
        assert one.count("tts_cache_misses_total", kind="utterance") == 4


async def test_a_replay_has_the_same_pieces_marks_and_sentences(tmp_path: Path) -> None:
    async with studio(tmp_path) as one:
        asked = replace(order(MARKED), ssml=Mode.STRICT)
        _, pieces, cues = await one.follow(asked)
        one.wait_kept(3)
        assert await one.follow(asked) == (CacheStatus.HIT, pieces, cues)
        assert sum(map(len, cues)) >= 5


async def test_the_next_process_knows_it_too(tmp_path: Path) -> None:
    async with studio(tmp_path) as one:
        _, heard = await one.hear(order())
    async with studio(tmp_path) as other:
        assert await other.hear(order()) == (CacheStatus.HIT, heard)


@pytest.mark.parametrize("other", [order(seed=1), order(speed=1.5), order(speed=3.0)])
async def test_another_order_is_another_answer(tmp_path: Path, other: SpeechOrder) -> None:
    async with studio(tmp_path) as one:
        await one.hear(order())
        one.wait_kept(3)
        await one.hear(other)
        assert one.count("tts_cache_hits_total", kind="answer") == 0


async def test_no_store_neither_asks_nor_keeps(tmp_path: Path) -> None:
    async with studio(tmp_path) as one:
        for _ in range(2):
            assert (await one.hear(order(cache=CacheUse.NOTHING)))[0] is CacheStatus.BYPASS
        assert len(one.backend.steps) == 4
    assert entries(tmp_path) == []


async def test_no_cache_asks_nothing_and_keeps(tmp_path: Path) -> None:
    async with studio(tmp_path) as one:
        assert (await one.hear(order(cache=CacheUse.KEEP)))[0] is CacheStatus.BYPASS
        one.wait_kept(3)
        assert (await one.hear(order(cache=CacheUse.KEEP)))[0] is CacheStatus.BYPASS
        assert len(one.backend.steps) == 4
        assert (await one.hear(order()))[0] is CacheStatus.HIT


async def test_of_a_failed_order_only_whole_utterances_are_kept(tmp_path: Path) -> None:
    async with studio(tmp_path) as one:
        with pytest.raises(SpeechError):
            await one.hear(order("One is here. It broke!"))
        one.wait_kept(1)
        assert (await one.hear(order("One is here.")))[0] is CacheStatus.HIT


async def test_speech_that_went_wrong_is_told_each_time_and_never_kept(tmp_path: Path) -> None:
    async with studio(tmp_path) as one:
        one.backend.mute = lambda request: request.text == "Two is there."
        for expected in (CacheStatus.MISS, CacheStatus.PARTIAL):
            speech = await one.service.speak(order())
            await speech.start()
            status = speech.cache_status
            async for _ in speech:
                assert status is expected
            assert speech.warnings == ("a part of the text may be silent",)
            speech.close()
            one.wait_kept(1)


async def test_of_an_order_that_was_left_only_whole_utterances_are_kept(tmp_path: Path) -> None:
    async with studio(tmp_path) as one:
        speech = await one.service.speak(order())
        await speech.start()
        speech.close()
        one.wait_kept(1)
    async with studio(tmp_path) as other:
        assert (await other.hear(order()))[0] is CacheStatus.PARTIAL


async def test_what_is_known_is_served_however_long_the_queue(tmp_path: Path) -> None:
    async with studio(tmp_path, max_queue_seconds=1) as one:
        await one.hear(order("Known."))
        one.wait_kept(2)
        one.backend.hold()
        running = [asyncio.create_task(one.hear(order(text))) for text in ("First.", "Second.")]
        await asyncio.to_thread(
            eventually, lambda: one.engine.load.waiting == 1, within=WITHIN, what="a queue"
        )
        with pytest.raises(SpeechError) as refused:
            await one.hear(order("Unknown."))
        assert refused.value.code is ErrorCode.OVERLOADED
        speech = await one.service.speak(order("Known."))
        await speech.start()
        assert (speech.cache_status, speech.queue_seconds) == (CacheStatus.HIT, 0.0)
        speech.close()
        assert (await one.hear(order("Known.", AudioFormat.MP3)))[0] is CacheStatus.HIT
        one.backend.release()
        await asyncio.gather(*running)


async def test_equal_orders_at_once_are_spoken_once(tmp_path: Path) -> None:
    async with studio(tmp_path) as one:
        one.backend.hold()
        asking = [asyncio.create_task(one.hear(order())) for _ in range(8)]
        await asyncio.to_thread(
            eventually, lambda: one.backend.held, within=WITHIN, what="a step that waits"
        )
        asking[0].cancel()
        one.backend.release()
        answers = await asyncio.gather(*asking[1:])
        assert len(set(answers)) == 1
        assert one.backend.steps == [["One is here."], ["Two is there."]]


async def test_a_damaged_entry_is_removed_and_spoken_anew(tmp_path: Path) -> None:
    async with studio(tmp_path) as one:
        _, heard = await one.hear(order())
        one.wait_kept(3)
        for file in entries(tmp_path):
            file.write_bytes(file.read_bytes()[:-1] + b"?")
        assert (await one.hear(order()))[1] == heard
        assert one.count("tts_cache_damaged_entries_total") == 3
        one.wait_kept(3)
        assert await one.hear(order()) == (CacheStatus.HIT, heard)


async def test_an_utterance_that_is_lost_before_its_turn_is_spoken_then(tmp_path: Path) -> None:
    async with studio(tmp_path) as one:
        _, heard = await one.hear(order())
        one.wait_kept(3)
        one.backend.steps.clear()
        speech = await one.service.speak(order(audio_format=AudioFormat.WAV))
        await speech.start()
        for file in entries(tmp_path):
            file.unlink()
        data = b"".join([data async for data in speech])
        speech.close()
        assert data.endswith(heard)
        assert one.backend.steps == [["Two is there."]]


async def test_the_voice_is_looked_for_before_the_audio(tmp_path: Path) -> None:
    async with studio(tmp_path) as one:
        await one.hear(order())
        one.wait_kept(3)
        with pytest.raises(SpeechError) as refused:
            await one.hear(replace(order(), voice="nobody"))
        assert refused.value.code is ErrorCode.VOICE_NOT_FOUND
        assert one.count("tts_cache_misses_total", kind="answer") == 1

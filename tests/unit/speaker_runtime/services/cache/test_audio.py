"""What is learned is written behind the answers, within bounds."""

import threading
from pathlib import Path

from speaker_runtime.services.cache.audio import AudioCache
from speaker_runtime.services.cache.disk import DiskStore
from speaker_runtime.services.cache.entries import Answer, KeptPiece
from tests.unit.speaker_runtime.services.cache.counting import Counted, key

WITHIN = 10.0
ANSWER = Answer((KeptPiece(b"spoken", 1.0),))


class SlowDisk(DiskStore):
    """A disk whose writes wait until they are let go."""

    def __init__(self, directory: Path, counted: Counted) -> None:
        super().__init__(directory, 2**24, counted.metrics)
        self.let_go = threading.Event()

    def put(self, key: str, value: bytes) -> None:
        assert self.let_go.wait(WITHIN)
        super().put(key, value)


def test_what_waits_is_written_before_the_end(tmp_path: Path) -> None:
    store = SlowDisk(tmp_path, Counted())
    cache = AudioCache(store, Counted().metrics, backend="tone", release="1")
    for number in range(10):
        cache.keep_answer(key(number), ANSWER)
    assert store.size().entries == 0
    store.let_go.set()
    cache.close()
    assert store.size().entries == 10


def test_a_disk_that_is_too_slow_costs_entries_and_no_memory(tmp_path: Path) -> None:
    counted = Counted()
    store = SlowDisk(tmp_path, counted)
    cache = AudioCache(store, counted.metrics, backend="tone", release="1")
    for number in range(40):
        cache.keep_answer(key(number), ANSWER)
    assert counted.value("tts_cache_skipped_entries_total") == 8
    store.let_go.set()
    cache.close()
    assert store.size().entries == 32

"""A folder of files, bounded, that survives its process."""

import logging
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from speaker_runtime.services.cache.disk import BLOCK, LARGEST_SHARE, DiskStore
from speaker_runtime.services.cache.store import Size
from tests.support.figures import RecordFigure
from tests.support.runtime import eventually
from tests.unit.speaker_runtime.services.cache.counting import Counted, key

WITHIN = 20.0
LIMIT = 16 * BLOCK


def store(directory: Path, limit: int = LIMIT, counted: Counted | None = None) -> DiskStore:
    return DiskStore(directory, limit, (counted or Counted()).metrics)


def held(stored: DiskStore, numbers: range) -> list[int]:
    return [number for number in numbers if stored.get(key(number)) is not None]


def bytes_on_disk(directory: Path) -> int:
    sizes = (file.stat().st_size for file in directory.rglob("*") if file.is_file())
    return sum(-(-size // BLOCK) * BLOCK for size in sizes)


def test_what_was_put_is_found(tmp_path: Path) -> None:
    stored = store(tmp_path)
    stored.put(key(1), b"one")
    assert stored.get(key(1)) == b"one"
    assert stored.get(key(2)) is None
    assert stored.size() == Size(1, BLOCK)


def test_what_was_removed_is_gone(tmp_path: Path) -> None:
    stored = store(tmp_path)
    stored.put(key(1), b"one")
    stored.remove(key(1))
    assert stored.get(key(1)) is None
    assert bytes_on_disk(tmp_path) == 0


def test_what_was_used_longest_ago_makes_room(tmp_path: Path) -> None:
    counted = Counted()
    stored = store(tmp_path, 8 * BLOCK, counted)
    for number in range(8):
        stored.put(key(number), b"x")
    stored.get(key(0))
    stored.put(key(8), b"x")
    assert held(stored, range(9)) == [0, 2, 3, 4, 5, 6, 7, 8]
    assert counted.value("tts_cache_evictions_total") == 1


def test_what_is_known_counts_as_used_in_the_next_process_too(tmp_path: Path) -> None:
    first = store(tmp_path, 8 * BLOCK)
    for number in range(8):
        first.put(key(number), b"x")
    assert first.known([key(0), key(1), key(9)]) == {key(0), key(1)}
    second = store(tmp_path, 8 * BLOCK)
    second.put(key(8), b"x")
    second.put(key(9), b"x")
    assert held(second, range(10)) == [0, 1, 4, 5, 6, 7, 8, 9]


def test_an_entry_above_an_eighth_of_the_bound_is_not_kept(tmp_path: Path) -> None:
    stored = store(tmp_path)
    fits = LIMIT // LARGEST_SHARE
    stored.put(key(1), b"x" * fits)
    stored.put(key(2), b"x" * (fits + 1))
    assert held(stored, range(3)) == [1]


def test_the_next_process_finds_everything_and_its_order(tmp_path: Path) -> None:
    first = store(tmp_path, 8 * BLOCK)
    for number in range(8):
        first.put(key(number), b"x")
    first.get(key(0))
    second = store(tmp_path, 8 * BLOCK)
    assert second.size() == first.size()
    second.put(key(8), b"x")
    assert held(second, range(9)) == [0, 2, 3, 4, 5, 6, 7, 8]


def test_a_smaller_bound_than_before_holds_from_the_start(tmp_path: Path) -> None:
    first = store(tmp_path, 8 * BLOCK)
    for number in range(8):
        first.put(key(number), b"x")
    second = store(tmp_path, 3 * BLOCK)
    assert bytes_on_disk(tmp_path) == 3 * BLOCK
    assert held(second, range(8)) == [5, 6, 7]


def test_files_of_others_stay_and_half_written_ones_go(tmp_path: Path) -> None:
    store(tmp_path).put(key(1), b"one")
    folder = tmp_path / key(1)[:2]
    (folder / "abc.tmp").write_bytes(b"half")
    (folder / "notes").write_text("mine")
    (tmp_path / "readme").write_text("mine")
    assert store(tmp_path).size() == Size(1, BLOCK)
    assert sorted(file.name for file in tmp_path.rglob("*") if file.is_file()) == sorted(
        ["notes", "readme", key(1)]
    )


def test_a_file_that_somebody_removed_is_a_miss(tmp_path: Path) -> None:
    stored = store(tmp_path)
    stored.put(key(1), b"one")
    shutil.rmtree(tmp_path / key(1)[:2])
    assert stored.get(key(1)) is None
    assert stored.size() == Size(0, 0)


@contextmanager
def full_disk(bytes_left: int) -> Iterator[None]:
    """Let no file grow beyond ``bytes_left``, as on a disk that has no more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_left, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_counted_said_once_and_leaves_nothing_behind(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    counted = Counted()
    stored = store(tmp_path, counted=counted)
    stored.put(key(1), b"one")
    with full_disk(100), caplog.at_level(logging.WARNING):
        stored.put(key(2), b"x" * 2000)
        stored.put(key(3), b"x" * 2000)
    assert counted.value("tts_cache_errors_total", store="disk") == 2
    assert len(caplog.records) == 1
    assert "the cache on disk fails" in caplog.text
    assert held(stored, range(4)) == [1]
    assert bytes_on_disk(tmp_path) == BLOCK
    stored.put(key(2), b"x" * 2000)
    assert held(stored, range(4)) == [1, 2]


def test_a_process_that_is_killed_leaves_whole_entries(tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from prometheus_client import CollectorRegistry
from speaker_runtime.services.cache.disk import DiskStore
from speaker_runtime.services.cache.metrics import CacheMetrics
store = DiskStore(Path(sys.argv[1]), {64 * LIMIT}, CacheMetrics(CollectorRegistry(), "tone"))
for number in range(10**9):
    store.put(f"{{number:064x}}", number.to_bytes(4, "big") * 4000)
"""
    killed = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)])
    eventually(lambda: any(tmp_path.rglob("[0-9a-f]" * 64)), within=WITHIN, what="an entry")
    killed.kill()
    killed.wait(WITHIN)
    stored = store(tmp_path, 64 * LIMIT)
    names = [file.name for file in tmp_path.rglob("*") if file.is_file()]
    assert len(names) == stored.size().entries > 0
    for name in names:
        assert stored.get(name) == int(name, 16).to_bytes(4, "big") * 4000


def test_threads_never_see_anothers_value_nor_break_the_bound(tmp_path: Path) -> None:
    stored = store(tmp_path)

    def work(seed: int) -> None:
        for step in range(100):
            number = (seed * 7 + step * 3) % 24
            found = stored.get(key(number))
            assert found in (None, bytes([number]) * (number * 300 + 1))
            stored.put(key(number), bytes([number]) * (number * 300 + 1))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert stored.size().bytes == bytes_on_disk(tmp_path) <= LIMIT


def test_two_stores_on_one_folder_never_mix_values_up(tmp_path: Path) -> None:
    stores = [store(tmp_path) for _ in range(2)]

    def work(seed: int) -> None:
        for step in range(100):
            number = (seed * 7 + step * 3) % 24
            value = bytes([number]) * (number * 300 + 1)
            assert stores[seed].get(key(number)) in (None, value)
            stores[seed].put(key(number), value)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))
    assert all(stored.size().bytes <= LIMIT for stored in stores)
    assert store(tmp_path).size().bytes == bytes_on_disk(tmp_path) <= LIMIT


Steps = st.lists(
    st.tuples(
        st.sampled_from(("put", "get", "remove", "restart")),
        st.integers(0, 9),
        st.integers(1, 3 * BLOCK),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=Steps)
def test_whatever_happens_the_bound_holds_and_the_least_recently_used_go(
    steps: list[tuple[str, int, int]],
) -> None:
    expected: OrderedDict[int, bytes] = OrderedDict()

    def cost(value: bytes) -> int:
        return -(-len(value) // BLOCK) * BLOCK

    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        stored = store(directory)
        for action, number, length in steps:
            value = bytes([number + 1]) * length
            if action == "put":
                stored.put(key(number), value)
                if cost(value) * LARGEST_SHARE <= LIMIT:
                    expected.pop(number, None)
                    while sum(map(cost, expected.values())) + cost(value) > LIMIT:
                        expected.popitem(last=False)
                    expected[number] = value
            elif action == "get":
                assert stored.get(key(number)) == expected.get(number)
                if number in expected:
                    expected.move_to_end(number)
            elif action == "remove":
                stored.remove(key(number))
                expected.pop(number, None)
            else:
                stored = store(directory)
            assert bytes_on_disk(directory) == stored.size().bytes <= LIMIT
        assert {n: stored.get(key(n)) for n in expected} == expected


def test_a_look_up_takes_less_than_a_millisecond(
    tmp_path: Path, record_figure: RecordFigure
) -> None:
    stored = store(tmp_path, 64 * 1024 * 1024)
    for number in range(50):
        stored.put(key(number), os.urandom(200_000))
    taken = []
    for number in range(50):
        began = time.perf_counter()
        assert stored.get(key(number))
        taken.append(time.perf_counter() - began)
    median = sorted(taken)[len(taken) // 2] * 1000
    record_figure("cache: a look-up of 200 kB on disk, p50", median, "ms", goal="< 1")
    assert median < 1

"""A store on a real Redis server, which may be slow, full or gone."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from speaker_runtime.services.cache import shared
from speaker_runtime.services.cache.shared import InvalidAddressError, SharedStore
from speaker_runtime.services.cache.store import LARGEST_ENTRY
from tests.support.redis import RedisServer, redis_server
from tests.support.runtime import eventually
from tests.unit.speaker_runtime.services.cache.counting import Counted, key

WITHIN = 10.0


class Clock:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def pass_pause(self) -> None:
        self.now += shared.PAUSE_SECONDS


@pytest.fixture(scope="module")
def running() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@contextmanager
def connected(
    url: str,
    counted: Counted | None = None,
    clock: Callable[[], float] = time.monotonic,
    answer_seconds: float = WITHIN,
) -> Iterator[SharedStore]:
    with opened(url, counted, clock, answer_seconds) as stored:
        eventually(lambda: stored.answers, within=WITHIN, what="a connection")
        yield stored


@contextmanager
def opened(
    url: str,
    counted: Counted | None = None,
    clock: Callable[[], float] = time.monotonic,
    answer_seconds: float = WITHIN,
) -> Iterator[SharedStore]:
    stored = SharedStore(
        url, (counted or Counted()).metrics, answer_seconds=answer_seconds, clock=clock
    )
    try:
        yield stored
    finally:
        stored.close()


def test_what_one_process_puts_another_one_finds(running: RedisServer) -> None:
    with connected(running.url) as one, connected(running.url) as other:
        one.put(key(1), b"spoken")
        assert other.get(key(1)) == b"spoken"
        assert other.get(key(2)) is None
        other.remove(key(1))
        assert one.get(key(1)) is None


def test_it_is_asked_for_many_keys_at_once(running: RedisServer) -> None:
    with connected(running.url) as stored:
        stored.put(key(5), b"spoken")
        assert stored.known([key(5), key(6)]) == {key(5)}


def test_an_entry_expires_a_week_after_it_was_last_used(running: RedisServer) -> None:
    name = f"speaker-tts:{key(3)}"
    with connected(running.url) as stored:
        stored.put(key(3), b"spoken")
        assert running.client.ttl(name) == pytest.approx(shared.EXPIRE_SECONDS, abs=60)
        running.client.expire(name, 100)
        stored.get(key(3))
        assert running.client.ttl(name) == pytest.approx(shared.EXPIRE_SECONDS, abs=60)


def test_an_entry_that_takes_long_to_carry_is_not_shared(running: RedisServer) -> None:
    with connected(running.url) as stored:
        stored.put(key(4), b"x" * (LARGEST_ENTRY + 1))
        assert stored.get(key(4)) is None


def failed(counted: Counted, times: int) -> bool:
    return counted.value("tts_cache_errors_total", store="shared") == times


def test_a_server_that_was_never_there_is_a_miss_and_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    counted, clock = Counted(), Clock()
    with caplog.at_level(logging.INFO), opened("redis://:secret@127.0.0.1:1", counted, clock) as s:
        for attempt in range(1, 4):
            eventually(partial(failed, counted, attempt), within=WITHIN, what="an attempt")
            assert s.get(key(1)) is None
            s.put(key(1), b"spoken")
            clock.pass_pause()
            assert s.get(key(1)) is None
    assert len([r for r in caplog.records if r.levelno >= logging.WARNING]) == 1
    assert "out of reach" in caplog.text
    assert "secret" not in caplog.text


def test_a_server_that_stops_answering_delays_one_request_and_no_other() -> None:
    clock = Clock()
    with redis_server() as server, connected(server.url, clock=clock, answer_seconds=0.5) as stored:
        server.freeze()
        began = time.monotonic()
        assert stored.get(key(0)) is None
        first = time.monotonic() - began
        for number in range(1, 101):
            assert stored.get(key(number)) is None
        others = time.monotonic() - began - first
    assert first >= 0.5
    assert others < 0.5


def test_a_server_that_comes_back_is_used_again(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    with redis_server() as server, connected(server.url, clock=clock) as stored:
        stored.put(key(1), b"before")
        server.stop()
        assert stored.get(key(1)) is None
        assert not stored.answers
        server.start()
        assert stored.get(key(1)) is None
        assert not stored.answers
        clock.pass_pause()
        with caplog.at_level(logging.INFO):
            stored.get(key(1))
            eventually(lambda: stored.answers, within=WITHIN, what="a new connection")
        assert "answers again" in caplog.text
        stored.put(key(1), b"after")
        assert stored.get(key(1)) == b"after"


def test_a_server_that_refuses_writes_is_still_read(caplog: pytest.LogCaptureFixture) -> None:
    counted = Counted()
    with redis_server() as server, connected(server.url, counted) as stored:
        stored.put(key(1), b"spoken")
        server.client.config_set("maxmemory-policy", "noeviction")
        server.client.config_set("maxmemory", "1")
        with caplog.at_level(logging.WARNING):
            stored.put(key(2), b"spoken")
            stored.put(key(3), b"spoken")
        assert stored.answers
        assert counted.value("tts_cache_errors_total", store="shared") == 2
        assert len(caplog.records) == 1
        assert "maxmemory" in caplog.text


def test_the_password_of_the_address_is_used() -> None:
    with redis_server("--requirepass", "open sesame") as server:
        path = server.url.removeprefix("unix://")
        with connected(f"unix://:open%20sesame@{path}") as stored:
            stored.put(key(1), b"spoken")
            assert stored.get(key(1)) == b"spoken"


@pytest.mark.parametrize("url", ["", "cache:6379", "http://:secret@cache", "redis://:secret@h:x"])
def test_an_address_of_something_else_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(InvalidAddressError, match="redis://") as refused:
        SharedStore(url, Counted().metrics)
    assert "secret" not in str(refused.value)

"""What was spoken before is sent at once, and a client can tell and decide."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from speaker_runtime.contract import AudioCacheConfig, ServingConfig
from tests.support.redis import redis_server
from tests.support.runtime import eventually
from tests.support.tone import ToneBackend
from tests.support.tone_server import tone_server

WITHIN = 10.0
MEBIBYTE = 2**20


@contextmanager
def caching(directory: Path | None, shared: str | None = None) -> Iterator[httpx2.Client]:
    """A client of a service that keeps audio in ``directory`` and on the server ``shared``."""
    kept = directory and AudioCacheConfig(directory=directory, max_bytes=64 * MEBIBYTE)
    limits = ServingConfig(audio_cache=kept)
    with (
        tone_server(limits, ToneBackend(), shared) as server,
        httpx2.Client(base_url=server.url, timeout=WITHIN) as client,
    ):
        yield client


def speak(http: httpx2.Client, **more: object) -> httpx2.Response:
    order = {"model": "tts-1", "voice": "low", "input": "One. Two.", **more}
    answer = http.post("/v1/audio/speech", json=order)
    assert answer.status_code == 200, answer.text
    return answer


def wait_hit(http: httpx2.Client, **more: object) -> httpx2.Response:
    """The first answer that comes from the cache, which learns behind the answers."""
    return eventually(
        lambda: answer if (answer := speak(http, **more)).headers["x-cache"] == "hit" else None,
        within=WITHIN,
        what="a hit",
    )


def test_a_repeated_request_is_a_hit_with_the_same_bytes(tmp_path: Path) -> None:
    with caching(tmp_path) as http:
        first = speak(http)
        assert first.headers["x-cache"] == "miss"
        again = wait_hit(http)
        assert again.content == first.content
        assert again.headers["x-speaker-queue-time"] == "0.000"
        assert again.headers["content-type"] == first.headers["content-type"]


def test_a_request_that_shares_a_sentence_is_a_partial_hit(tmp_path: Path) -> None:
    with caching(tmp_path) as http:
        wait_hit(http, input="One.")
        assert speak(http).headers["x-cache"] == "partial"


def test_events_are_replayed_word_by_word(tmp_path: Path) -> None:
    marked = {
        "input": "<speak><mark name='here'/>One. <break time='1s'/>Two.<mark name='end'/></speak>",
        "ssml": "strict",
        "stream_format": "sse",
        "stream_options": {"sentences": True},
    }
    with caching(tmp_path) as http:
        first = speak(http, **marked)
        assert first.headers["x-cache"] == "miss"
        assert wait_hit(http, **marked).text == first.text
        assert "speech.audio.mark" in first.text
        assert "speech.audio.sentence" in first.text


def test_events_and_audio_share_what_is_kept(tmp_path: Path) -> None:
    with caching(tmp_path) as http:
        wait_hit(http)
        assert speak(http, stream_format="sse").headers["x-cache"] == "hit"


@pytest.mark.parametrize("cache_control", ["no-store", "no-cache"])
def test_a_client_can_have_its_text_spoken_anew(tmp_path: Path, cache_control: str) -> None:
    with caching(tmp_path) as http:
        known = wait_hit(http)
        http.headers["Cache-Control"] = cache_control
        anew = speak(http)
        assert anew.headers["x-cache"] == "bypass"
        assert anew.content == known.content


def test_a_service_that_keeps_nothing_says_so() -> None:
    with caching(None) as http:
        assert [speak(http).headers["x-cache"] for _ in range(2)] == ["bypass", "bypass"]


def test_pods_share_what_they_keep_and_go_on_without(tmp_path: Path) -> None:
    with (
        redis_server() as redis,
        caching(tmp_path / "one", redis.url) as one,
        caching(None, redis.url) as other,
    ):
        known = wait_hit(one)
        assert wait_hit(other).content == known.content
        redis.stop()
        assert speak(one).headers["x-cache"] == "hit"
        assert speak(other).headers["x-cache"] == "miss"
        counted = other.get("/metrics").text
    assert 'tts_cache_errors_total{model="hibari",store="shared"}' in counted


def test_what_the_cache_did_is_counted(tmp_path: Path) -> None:
    with caching(tmp_path) as http:
        wait_hit(http)
        text = http.get("/metrics").text
    assert 'tts_cache_hits_total{kind="answer",model="hibari"} 1.0' in text
    assert 'tts_cache_misses_total{kind="utterance",model="hibari"} 2.0' in text
    assert 'tts_cache_entries{model="hibari"} 3.0' in text

"""What has to hold. A benchmark measures; whether that is good enough is said here alone."""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Bound(StrEnum):
    """Which side of the limit is good."""

    AT_LEAST = "≥"
    AT_MOST = "≤"
    BELOW = "<"
    EXACTLY = "="


@dataclass(frozen=True)
class Goal:
    """One value that has to be reached.

    Attributes:
        measure: What is measured, for people.
        bound: Which side of the limit is good.
        limit: In ``unit``.
        unit: Of the limit and of the values; "" for ratios.
    """

    measure: str
    bound: Bound
    limit: float
    unit: str = ""

    def holds(self, value: float) -> bool:
        """Whether ``value`` is good enough."""
        match self.bound:
            case Bound.AT_LEAST:
                return value >= self.limit
            case Bound.AT_MOST:
                return value <= self.limit
            case Bound.BELOW:
                return value < self.limit
            case Bound.EXACTLY:
                return value == self.limit

    def __str__(self) -> str:
        return f"{self.bound} {self.limit:g}{' ' + self.unit if self.unit else ''}"


class Name(StrEnum):
    """Names of the goals, as they stand in the JSON."""

    THROUGHPUT_PCM = "throughput_pcm"
    THROUGHPUT_MP3 = "throughput_mp3"
    FIRST_BYTE = "first_byte"
    PEER_THROUGHPUT = "peer_throughput"
    PEER_FIRST_AUDIO = "peer_first_audio"
    CACHE_HIT = "cache_hit"
    INTERACTIVE = "interactive"
    SHORT_TEXT = "short_text"
    COLD_START = "cold_start"
    LIVE = "live"
    SERVER_ERRORS = "server_errors"
    WRONG_AUDIO = "wrong_audio"
    MEMORY = "memory"
    LEAKS = "leaks"


GOALS: Final = MappingProxyType(
    {
        Name.THROUGHPUT_PCM: Goal(
            "served throughput ÷ bare loop, pcm, 8 clients", Bound.AT_LEAST, 0.85
        ),
        Name.THROUGHPUT_MP3: Goal(
            "served throughput ÷ bare loop, mp3, 8 clients", Bound.AT_LEAST, 0.85
        ),
        Name.FIRST_BYTE: Goal(
            "time to first byte ÷ the library's first sentence", Bound.AT_MOST, 1.5
        ),
        Name.PEER_THROUGHPUT: Goal(
            "throughput ÷ the peer's, Kokoro, 8 clients", Bound.AT_LEAST, 1.3
        ),
        Name.PEER_FIRST_AUDIO: Goal(
            "p95 first audio ÷ the peer's, Kokoro, 8 clients", Bound.AT_MOST, 0.6
        ),
        Name.CACHE_HIT: Goal("cache hit, p50", Bound.BELOW, 5, "ms"),
        Name.INTERACTIVE: Goal(
            "interactive p95 in a batch flood ÷ when idle, 16 clients", Bound.AT_MOST, 2
        ),
        Name.SHORT_TEXT: Goal("short text, p95, 8 clients", Bound.BELOW, 2, "s"),
        Name.COLD_START: Goal("cold start to ready", Bound.BELOW, 5, "s"),
        Name.LIVE: Goal("/health/live, p99, engine saturated", Bound.BELOW, 50, "ms"),
        Name.SERVER_ERRORS: Goal("answers 5xx other than 503", Bound.EXACTLY, 0),
        Name.WRONG_AUDIO: Goal("mixed, or cut short and yet complete", Bound.EXACTLY, 0),
        Name.MEMORY: Goal("memory grown over 2,000 requests and 50 voices", Bound.BELOW, 5, "%"),
        Name.LEAKS: Goal("threads and file descriptors left over", Bound.EXACTLY, 0),
    }
)

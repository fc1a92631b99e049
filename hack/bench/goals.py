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
    BURST_200 = "burst_200"
    BURST_1000 = "burst_1000"
    CHILDREN = "children"
    REQUESTS = "requests"
    OPERATOR_CPU = "operator_cpu"
    IDLE = "idle"
    DELETED = "deleted"
    EDITED = "edited"
    SCALED = "scaled"
    CAUSES = "causes"
    DELETION = "deletion"
    VOICE = "voice"
    RESTART = "restart"
    RESTART_WRITES = "restart_writes"
    RESTART_MEMORY = "restart_memory"
    NO_OP = "no_op"
    GATEWAY_ADDED = "gateway_added"
    XTTS_THROUGHPUT = "xtts_throughput"
    XTTS_THROUGHPUT_QUARTER = "xtts_throughput_quarter"
    XTTS_FIRST_AUDIO = "xtts_first_audio"
    XTTS_FIRST_AUDIO_QUARTER = "xtts_first_audio_quarter"
    XTTS_GAP = "xtts_gap"
    XTTS_VOICE = "xtts_voice"
    GLM_ALONE = "glm_alone"
    GLM_TOGETHER = "glm_together"
    GLM_FIRST = "glm_first"
    GLM_LOAD = "glm_load"
    GLM_MEMORY = "glm_memory"
    GLM_ALONE_QUARTER = "glm_alone_quarter"
    GLM_TOGETHER_QUARTER = "glm_together_quarter"
    GLM_FIRST_QUARTER = "glm_first_quarter"
    GLM_LOAD_QUARTER = "glm_load_quarter"
    GLM_MEMORY_QUARTER = "glm_memory_quarter"


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
        Name.BURST_200: Goal("burst of 200 services ÷ bare", Bound.AT_LEAST, 0.7),
        Name.BURST_1000: Goal("burst of 1,000 services ÷ bare", Bound.AT_LEAST, 0.7),
        Name.CHILDREN: Goal("one service → all children, p50", Bound.AT_MOST, 60, "ms"),
        Name.REQUESTS: Goal("requests per service beyond one per child", Bound.AT_MOST, 2),
        Name.OPERATOR_CPU: Goal("operator's CPU per service", Bound.AT_MOST, 15, "ms"),
        Name.IDLE: Goal("idle requests/min, 100 not-ready services", Bound.EXACTLY, 0),
        Name.DELETED: Goal("deleted child back, p50, slowest kind", Bound.AT_MOST, 100, "ms"),
        Name.EDITED: Goal(
            "hand-edited child reverted, slowest kind and field", Bound.AT_MOST, 500, "ms"
        ),
        Name.SCALED: Goal("writes against an autoscaler", Bound.EXACTLY, 0),
        Name.CAUSES: Goal(
            "cause in status: bad image, no GPU, no StorageClass; slowest", Bound.AT_MOST, 30, "s"
        ),
        Name.DELETION: Goal("deletions that hang", Bound.EXACTLY, 0),
        Name.VOICE: Goal("voice applied → usable, p95", Bound.BELOW, 2, "s"),
        Name.RESTART: Goal("restart → converged", Bound.BELOW, 20, "s"),
        Name.RESTART_WRITES: Goal("writes by a restart", Bound.EXACTLY, 0),
        Name.RESTART_MEMORY: Goal("memory held then", Bound.BELOW, 150, "MB"),
        Name.NO_OP: Goal("no-op event, operator's CPU", Bound.AT_MOST, 3, "ms"),
        Name.GATEWAY_ADDED: Goal(
            "first byte through a gateway, beyond straight, p50", Bound.BELOW, 3, "ms"
        ),
        Name.XTTS_THROUGHPUT: Goal(
            "8 streams together ÷ coqui-tts one after the other, full size", Bound.AT_LEAST, 3
        ),
        Name.XTTS_THROUGHPUT_QUARTER: Goal(
            "8 streams together ÷ coqui-tts one after the other, quarter size", Bound.AT_LEAST, 3
        ),
        Name.XTTS_FIRST_AUDIO: Goal(
            "first audio ÷ coqui-tts' inference_stream, full size", Bound.AT_MOST, 0.7
        ),
        Name.XTTS_FIRST_AUDIO_QUARTER: Goal(
            "first audio ÷ coqui-tts' inference_stream, quarter size", Bound.AT_MOST, 0.7
        ),
        Name.XTTS_GAP: Goal("last gap between pieces ÷ first, 176 tokens", Bound.AT_MOST, 1.3),
        Name.XTTS_VOICE: Goal(
            "first token with a new voice ÷ with a known one", Bound.AT_LEAST, 10
        ),
        Name.GLM_ALONE: Goal("1 stream ÷ the reference, full size", Bound.AT_LEAST, 2),
        Name.GLM_TOGETHER: Goal(
            "8 streams together ÷ the reference one after the other, full size", Bound.AT_LEAST, 4
        ),
        Name.GLM_FIRST: Goal(
            "first audio ÷ the whole, 5 sentences, full size", Bound.AT_MOST, 0.35
        ),
        Name.GLM_LOAD: Goal("load time ÷ the reference's, full size", Bound.AT_MOST, 0.6),
        Name.GLM_MEMORY: Goal("peak memory ÷ the reference's, full size", Bound.AT_MOST, 0.6),
        Name.GLM_ALONE_QUARTER: Goal("1 stream ÷ the reference, quarter size", Bound.AT_LEAST, 2),
        Name.GLM_TOGETHER_QUARTER: Goal(
            "8 streams together ÷ the reference one after the other, quarter size",
            Bound.AT_LEAST,
            4,
        ),
        Name.GLM_FIRST_QUARTER: Goal(
            "first audio ÷ the whole, 5 sentences, quarter size", Bound.AT_MOST, 0.35
        ),
        Name.GLM_LOAD_QUARTER: Goal(
            "load time ÷ the reference's, quarter size", Bound.AT_MOST, 0.6
        ),
        Name.GLM_MEMORY_QUARTER: Goal(
            "peak memory ÷ the reference's, quarter size", Bound.AT_MOST, 0.6
        ),
    }
)

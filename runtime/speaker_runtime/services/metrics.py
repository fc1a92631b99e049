"""What is counted, in Prometheus' words; one registry per application."""

from collections import Counter as Counts
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from speaker_runtime.audio.guard import Fault
from speaker_runtime.engine.state import CopyState, Load, Phase
from speaker_runtime.errors import ErrorCode
from speaker_runtime.services.cache.metrics import CacheMetrics
from speaker_runtime.services.watch import Outcome

_FIRST_AUDIO_BUCKETS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30)
_DURATION_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_FACTOR_BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 4)


class RuntimeMetrics:
    """The metrics of one runtime process.

    Args:
        model: Value of the label ``model``.
        load: Asked at every scrape how busy the engine is.
        copies: Asked at every scrape where the copies of the model run.
    """

    def __init__(
        self,
        model: str = "",
        load: Callable[[], Load] = Load,
        copies: Callable[[], Sequence[CopyState]] = tuple,
    ) -> None:
        self.registry = CollectorRegistry()
        self.cache = CacheMetrics(self.registry, model)
        self._model = model
        self.open_sessions = 0
        self.clone_bytes: Callable[[], int] = lambda: 0
        """Asked at every scrape for the memory of cloned voices."""
        self.registry.register(_EngineCollector(model, load, copies))
        gauges: dict[str, tuple[str, Callable[[], float]]] = {
            "tts_requests_running": ("Requests being spoken.", lambda: load().running),
            "tts_requests_waiting": ("Requests that have not begun.", lambda: load().waiting),
            "tts_queued_audio_seconds": (
                "Estimated seconds of speech that waiting requests will be.",
                lambda: load().queued_seconds,
            ),
            "tts_voice_state_bytes": (
                "Memory of voices that were mixed or cloned for requests.",
                lambda: sum(copy.voice_state_bytes for copy in copies()) + self.clone_bytes(),
            ),
        }
        for name, (text, value) in gauges.items():
            self._gauge(name, text).labels(model).set_function(value)
        self._first_audio = self._histogram(
            "tts_time_to_first_audio_seconds",
            "From the request to its first audio.",
            _FIRST_AUDIO_BUCKETS,
        ).labels(model)
        self._duration = self._histogram(
            "tts_request_duration_seconds",
            "From the request to its last audio.",
            _DURATION_BUCKETS,
        ).labels(model)
        self._factor = self._histogram(
            "tts_real_time_factor",
            "Seconds of a request per second of its speech.",
            _FACTOR_BUCKETS,
        ).labels(model)
        self._queue_wait = self._histogram(
            "tts_queue_wait_seconds",
            "From the request to its first turn in the engine.",
            _FIRST_AUDIO_BUCKETS,
        ).labels(model)
        sessions = self._gauge("tts_stream_sessions", "WebSocket sessions open.")
        sessions.labels(model).set_function(lambda: self.open_sessions)
        self._audio = self._counter("tts_audio_seconds", "Speech sent.").labels(model)
        self._characters = self._counter("tts_characters", "Text accepted.").labels(model)
        self._errors = Counter(
            "tts_errors", "Requests that failed.", ["model", "code"], registry=self.registry
        )
        self._faulty = Counter(
            "tts_faulty_utterances",
            "Speech that cannot be that of its text (`silent`, `too_short`, `too_long`, `gap`, "
            "`noise`, `repeating`), spoken anew (`retried`) or sent as it is (`delivered`).",
            ["model", "fault", "outcome"],
            registry=self.registry,
        )
        self._syncs = Counter(
            "tts_voice_syncs",
            "Manifests of voices that this process was sent: `applied`, `unchanged` (it had them "
            "already) or `refused`.",
            ["model", "result"],
            registry=self.registry,
        )

        self._cloned = Counter(
            "tts_voices_cloned",
            "References that were to become voices, by how that ended: `ready`, or the reason why "
            "not. What was kept from before is not counted.",
            ["model", "result"],
            registry=self.registry,
        )

    @contextmanager
    def session(self) -> Iterator[None]:
        """A WebSocket session goes on meanwhile."""
        self.open_sessions += 1
        try:
            yield
        finally:
            self.open_sessions -= 1

    def accepted(self, characters: int) -> None:
        """A text has been queued."""
        self._characters.inc(characters)

    def first_audio(self, seconds: float) -> None:
        """A request's first audio is there, so many seconds after the request."""
        self._first_audio.observe(seconds)

    def waited(self, seconds: float) -> None:
        """A request has waited so long for its turn."""
        self._queue_wait.observe(seconds)

    def finished(self, seconds: float, audio_seconds: float) -> None:
        """A request has been answered in full."""
        self._duration.observe(seconds)
        self._factor.observe(seconds / audio_seconds)

    def spoken(self, audio_seconds: float) -> None:
        """Audio has been made for a client."""
        self._audio.inc(audio_seconds)

    def failed(self, code: ErrorCode) -> None:
        """A request has ended with an error."""
        self._errors.labels(self._model, code.value).inc()

    def faulty(self, fault: Fault, outcome: Outcome) -> None:
        """An utterance cannot be the speech of its text."""
        self._faulty.labels(self._model, fault.value, outcome.value).inc()

    def synced(self, result: Literal["applied", "unchanged", "refused"]) -> None:
        """A manifest of voices has arrived."""
        self._syncs.labels(self._model, result).inc()

    def cloned(self, result: str) -> None:
        """A reference has become a voice, or not."""
        self._cloned.labels(self._model, result).inc()

    def exposition(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, ["model"], registry=self.registry)

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(name, text, ["model"], registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(name, text, ["model"], buckets=buckets, registry=self.registry)


class _EngineCollector(Collector):
    """What the engine itself counts."""

    def __init__(
        self, model: str, load: Callable[[], Load], copies: Callable[[], Sequence[CopyState]]
    ) -> None:
        self._model = model
        self._load = load
        self._copies = copies

    def collect(self) -> Iterable[Metric]:
        load = self._load()
        yield self._counter(
            "tts_requests_cancelled",
            "Requests given up by their clients before the last speech was taken.",
            load.cancelled,
        )
        yield self._counter(
            "tts_wasted_compute_seconds",
            "The model's work on speech that nobody took.",
            load.wasted_seconds,
        )

        yield self._places()

    def _places(self) -> Metric:
        family = GaugeMetricFamily(
            "tts_model_copies",
            "Copies of the model; `fallback` is true where one runs on the CPU for want of a GPU.",
            labels=["model", "device", "fallback"],
        )
        ready = [copy for copy in self._copies() if copy.state.phase is Phase.READY]
        counted = Counts((copy.device, str(bool(copy.fallback)).lower()) for copy in ready)
        for place, number in counted.items():
            family.add_metric([self._model, *place], number)
        return family

    def _counter(self, name: str, text: str, value: float) -> Metric:
        family = CounterMetricFamily(name, text, labels=["model"])
        family.add_metric([self._model], value)
        return family

"""What a gateway counts, in Prometheus' words; one registry per application."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from speaker_runtime.errors import ErrorCode
from speaker_runtime.services.gateway.upstream import Server

_FIRST_BYTE_BUCKETS = (0.005, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30)


class GatewayMetrics:
    """The metrics of one gateway process.

    Args:
        servers: Asked at every scrape what there is behind the gateway.
    """

    def __init__(self, servers: Callable[[], Iterable[Server]] = tuple) -> None:
        self.registry = CollectorRegistry()
        self.open_sessions = 0
        self.registry.register(_ServerCollector(servers))
        self._answers = self._counter(
            "tts_gateway_answers",
            "Answers handed on, by the server that gave them and their status.",
            "upstream",
            "status",
        )
        self._retries = self._counter(
            "tts_gateway_retries",
            "Requests that another attempt was made for, by the server that failed.",
            "upstream",
        )
        self._cuts = self._counter(
            "tts_gateway_cuts",
            "Answers that broke off after they had begun, by the server that gave them.",
            "upstream",
        )
        self._errors = self._counter(
            "tts_gateway_errors", "Requests that the gateway itself refused.", "code"
        )
        self._first_byte = Histogram(
            "tts_gateway_first_byte_seconds",
            "From a request to the first byte of its answer.",
            ["upstream"],
            buckets=_FIRST_BYTE_BUCKETS,
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

    def answered(self, upstream: str, status: int, seconds: float) -> None:
        """A server has begun to answer."""
        self._answers.labels(upstream, str(status)).inc()
        self._first_byte.labels(upstream).observe(seconds)

    def retried(self, upstream: str) -> None:
        """A server has failed, and another attempt is made."""
        self._retries.labels(upstream).inc()

    def cut(self, upstream: str) -> None:
        """An answer has broken off."""
        self._cuts.labels(upstream).inc()

    def failed(self, code: ErrorCode) -> None:
        """A request has ended with an error of the gateway's own."""
        self._errors.labels(code.value).inc()

    def exposition(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)


class _ServerCollector(Collector):
    """What is known of the servers at this moment; those that are gone leave nothing behind."""

    def __init__(self, servers: Callable[[], Iterable[Server]]) -> None:
        self._servers = servers

    def collect(self) -> Iterable[Metric]:
        up = self._family("tts_gateway_upstream_up", "Whether a server is in service.")
        flying = self._family("tts_gateway_in_flight", "Requests that a server is answering.")
        queued = self._family(
            "tts_gateway_queued_audio_seconds", "Speech that waits at a server, as it is ranked by."
        )
        for server in self._servers():
            up.add_metric([server.name], float(server.in_service))
            flying.add_metric([server.name], server.in_flight)
            queued.add_metric([server.name], server.queued_seconds)
        return up, flying, queued

    def _family(self, name: str, text: str) -> GaugeMetricFamily:
        return GaugeMetricFamily(name, text, labels=["upstream"])

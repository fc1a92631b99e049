"""Spans of reconciliations and of their requests, where OpenTelemetry is told where to send them.

Nothing of OpenTelemetry is imported unless ``OTEL_EXPORTER_OTLP_ENDPOINT`` is set; all else that
its SDK reads from the environment (sampling, headers, time-outs) it reads itself.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final, Protocol

from speaker_operator import logs

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
SERVICE_NAME: Final = "speaker-tts-operator"

Attributes = Mapping[str, str]


class TracingUnavailableError(RuntimeError):
    """Spans are asked for, and cannot be made."""


class Tracing(Protocol):
    """Where spans go."""

    def span(self, name: str, attributes: Attributes) -> AbstractContextManager[None]:
        """A span around what happens within; an exception marks it as failed, and goes on."""

    def close(self) -> None:
        """Send what was not sent yet; blocks for as long as one request may take."""


class NoTracing:
    """Spans that nobody wants."""

    def span(self, name: str, attributes: Attributes) -> AbstractContextManager[None]:  # noqa: ARG002 - the protocol's
        """Nothing around what happens within."""
        return nullcontext()

    def close(self) -> None:
        """Nothing is left to be sent."""


NO_TRACING: Final = NoTracing()


def load_tracing() -> Tracing:
    """What the environment asks for; raises :class:`TracingUnavailableError`."""
    if not any(os.environ.get(name) for name in ENDPOINTS):
        return NO_TRACING
    try:
        return OtlpTracing()
    except ImportError as error:
        raise TracingUnavailableError(
            f"{ENDPOINTS[0]} is set, and OpenTelemetry is not installed ({error}): install "
            "speaker-tts[operator,tracing], or take the variable away"
        ) from error


class OtlpTracing:
    """Spans sent by OpenTelemetry's own exporter, in batches, from a thread of its own.

    Its queue is bounded: where the receiver is slow or away, spans are dropped, and nothing waits.
    """

    def __init__(self) -> None:
        # Half a second and 10 MB, for those who ask for it.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import SERVICE_NAME as KEY  # noqa: PLC0415
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        named = Resource({KEY: SERVICE_NAME}).merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=named)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("speaker_operator")

    @contextmanager
    def span(self, name: str, attributes: Attributes) -> Iterator[None]:
        """A span around what happens within; an exception marks it as failed, and goes on."""
        with (
            self._tracer.start_as_current_span(name, attributes=dict(attributes)) as span,
            logs.traced(f"{span.get_span_context().trace_id:032x}"),
        ):
            yield

    def close(self) -> None:
        """Send what was not sent yet."""
        self._provider.shutdown()

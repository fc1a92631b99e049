"""Spans arrive where OpenTelemetry is told to send them; without that nothing of it is loaded."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from speaker_operator.kube.errors import ConflictError
from speaker_operator.kube.resources import TTS_SERVICE, Key
from speaker_operator.metrics import OperatorMetrics
from speaker_operator.reconcile.backoff import Backoff
from speaker_operator.reconcile.queue import ReconcileQueue
from speaker_operator.tracing import NO_TRACING, Tracing, TracingUnavailableError, load_tracing
from tests.unit.speaker_operator.kube.test_client import client_of

KEY = Key(TTS_SERVICE.kind, "speech", "hello")
START_SECONDS = 30
RUN_SECONDS = 10


class Receiver:
    """A receiver of OTLP over HTTP, on a port of its own."""

    def __init__(self) -> None:
        self.exports: list[ExportTraceServiceRequest] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/v1/traces":
                    outer.exports.append(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> "Receiver":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def spans(self) -> dict[str, Span]:
        return {
            span.name: span
            for export in self.exports
            for resource in export.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        }

    @property
    def services(self) -> set[str]:
        return {
            attribute.value.string_value
            for export in self.exports
            for resource in export.resource_spans
            for attribute in resource.resource.attributes
            if attribute.key == "service.name"
        }


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def tracing(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Tracing:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
    return load_tracing()


async def reconcile_once(tracing: Tracing, status: int) -> None:
    """Run one reconciliation that reads one object, which the API server answers so."""
    metrics = OperatorMetrics()

    def ended() -> bool:
        results = [metrics.reconciles.labels(KEY.kind, result) for result in ("ok", "error")]
        return any(each._value.get() for each in results)

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"kind": "TTSService", "message": "no"}, status=status)

    async with client_of(answer, tracing=tracing) as client:

        async def handler(key: Key) -> None:
            await client.read(TTS_SERVICE, key.namespace, key.name)

        queue = ReconcileQueue(
            name="objects",
            concurrency=1,
            backoff=Backoff(),
            run_timeout_seconds=5,
            metrics=metrics,
            tracing=tracing,
        )
        queue.add(KEY)
        queue.open()
        running = asyncio.ensure_future(queue.run(handler))
        async with asyncio.timeout(RUN_SECONDS):
            while not ended():  # noqa: ASYNC110 - the queue tells its metrics alone
                await asyncio.sleep(0)
        running.cancel()
    tracing.close()


async def test_a_reconciliation_is_a_span_around_those_of_its_requests(
    receiver: Receiver, tracing: Tracing
) -> None:
    await reconcile_once(tracing, 200)
    outer, inner = receiver.spans["reconcile TTSService"], receiver.spans["GET TTSService"]
    assert inner.parent_span_id == outer.span_id
    assert inner.trace_id == outer.trace_id
    told = {each.key: each.value.string_value for each in outer.attributes}
    assert told == {
        "k8s.namespace.name": "speech",
        "k8s.object.kind": "TTSService",
        "k8s.object.name": "hello",
    }
    assert receiver.services == {"speaker-tts-operator"}


async def test_a_reconciliation_that_fails_is_told_as_one(
    receiver: Receiver, tracing: Tracing
) -> None:
    await reconcile_once(tracing, 409)
    failed = receiver.spans["reconcile TTSService"]
    assert failed.status.code == Status.STATUS_CODE_ERROR
    assert ConflictError.__name__ in failed.status.message


def test_without_an_address_there_is_no_tracing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    assert load_tracing() is NO_TRACING


def test_without_an_address_nothing_of_it_is_loaded() -> None:
    program = (
        "import sys, speaker_operator.main, speaker_operator.tracing as t; t.load_tracing(); "
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={},
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=True,
    )
    assert ended.stdout.strip() == "[]"


def test_tracing_that_is_not_installed_is_refused_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.test:4318")
    for name in [each for each in sys.modules if each.startswith("opentelemetry")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(TracingUnavailableError, match="speaker-tts\\[operator,tracing\\]"):
        load_tracing()

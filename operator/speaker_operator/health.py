"""The operator's own HTTP endpoint: /healthz, /readyz and /metrics."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from speaker_operator.metrics import OperatorMetrics

Check = Callable[[], str]
"""Says what is wrong; nothing if all is well."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serve(
    host: str, port: int, *, live: Check, ready: Check, metrics: OperatorMetrics
) -> AsyncIterator[int]:
    """Serve while the context is open; yields the port, which the system picks if ``port`` is 0."""
    app = web.Application()
    app.router.add_get("/healthz", _handler(live))
    app.router.add_get("/readyz", _handler(ready))
    app.router.add_get("/metrics", _metrics_handler(metrics))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def _handler(check: Check) -> Handler:
    async def handle(_: web.Request) -> web.StreamResponse:
        trouble = check()
        return web.Response(text=f"{trouble or 'ok'}\n", status=503 if trouble else 200)

    return handle


def _metrics_handler(metrics: OperatorMetrics) -> Handler:
    async def handle(_: web.Request) -> web.StreamResponse:
        return web.Response(
            body=metrics.exposition(), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )

    return handle

"""Builds the gateway's application: parts, routes, middleware; no server and no signals."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute

from speaker_runtime.contract import (
    LIVE_PATH,
    METRICS_PATH,
    MOST_VOICES_BYTES,
    READY_PATH,
    ROUTE_SYNC_PATH,
    GatewayConfig,
    RouteManifest,
)
from speaker_runtime.http import errors
from speaker_runtime.http.app import described, gone_client, longest_body
from speaker_runtime.http.disconnect import ClientGoneError
from speaker_runtime.http.gateway import listing, routes
from speaker_runtime.http.gateway.parts import GatewayParts
from speaker_runtime.http.gateway.session import StreamEndpoint
from speaker_runtime.http.middleware import BodyLimit, RequestLog
from speaker_runtime.http.routes import docs
from speaker_runtime.http.routes.preview import PATH as PREVIEW_PATH
from speaker_runtime.http.routes.stream import PATH as STREAM_PATH
from speaker_runtime.services.gateway.gateway import Gateway

if TYPE_CHECKING:
    from speaker_runtime.services.gateway.sync import RouteSync


def create_gateway_app(config: GatewayConfig, manifest: RouteManifest) -> FastAPI:
    """Build the application of a gateway; its lifespan watches the servers behind it.

    Args:
        config: How it serves.
        manifest: The servers behind it, at first.
    """
    gateway = Gateway(config, manifest)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with gateway.running():
            yield

    app = FastAPI(
        title="Speaker TTS gateway",
        version=version("speaker-tts"),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.runtime = GatewayParts(
        gateway=gateway,
        metrics=gateway.metrics,
        started=int(time.time()),
        route_sync=_route_sync(config, gateway),
    )
    app.router.routes += _routes()
    docs.install(app)
    errors.install(app)
    app.add_exception_handler(ClientGoneError, gone_client)
    app.add_middleware(
        BodyLimit,
        max_bytes=longest_body(config.max_input_characters),
        exceptions={ROUTE_SYNC_PATH: MOST_VOICES_BYTES},
    )
    app.add_middleware(RequestLog)
    return app


def _routes() -> list[Route | WebSocketRoute]:
    return [
        Route(routes.SPEECH_PATH, routes.Counted(routes.speech), methods=["POST"]),
        Route(PREVIEW_PATH, routes.Counted(routes.preview), methods=["POST"]),
        Route(PREVIEW_PATH + "/{address}", routes.Counted(routes.hear_preview), methods=["GET"]),
        WebSocketRoute(STREAM_PATH, StreamEndpoint()),
        Route(routes.CAPABILITIES_PATH, routes.Counted(routes.capabilities), methods=["GET"]),
        Route("/v1/models", listing.models, methods=["GET"]),
        Route("/v1/models/{model:path}", listing.model, methods=["GET"]),
        Route("/v1/audio/models", listing.speech_models, methods=["GET"]),
        Route("/v1/audio/voices", listing.voices, methods=["GET"]),
        Route(LIVE_PATH, listing.live, methods=["GET"]),
        Route(READY_PATH, listing.ready, methods=["GET"]),
        Route("/status", listing.status, methods=["GET"]),
        Route(METRICS_PATH, listing.metrics, methods=["GET"]),
        Route(ROUTE_SYNC_PATH, listing.sync_routes, methods=["POST"]),
        Route("/openapi.json", _Description(), methods=["GET"]),
    ]


class _Description:
    """``GET /openapi.json``: the API as its servers have it, made when first asked for."""

    def __init__(self) -> None:
        self._made: dict[str, Any] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if self._made is None:
            self._made = await asyncio.to_thread(lambda: described().openapi())
        response: Response = JSONResponse(self._made)
        await response(Request(scope).scope, receive, send)


def _route_sync(config: GatewayConfig, gateway: Gateway) -> "RouteSync | None":
    if config.route_sync is None:
        return None
    from speaker_runtime.services.gateway.sync import (  # noqa: PLC0415  only where it is used
        RouteSync,
    )

    return RouteSync(config.route_sync, gateway)

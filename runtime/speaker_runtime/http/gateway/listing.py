"""What the gateway answers itself: models and voices of all servers, health, status, metrics."""

import time
from http import HTTPStatus
from typing import Any, Final

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from speaker_runtime.contract import GATEWAY
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.http.gateway.parts import parts_of
from speaker_runtime.services.gateway import choosing
from speaker_runtime.services.gateway.gateway import Gateway
from speaker_runtime.services.gateway.upstream import Server

_TOLD: Final = ("name", "description", "languages", "gender")


async def models(request: Request) -> Response:
    """``GET /v1/models``: the servers' own names, and those of the models that they have."""
    parts = parts_of(request)
    data = [_model(name, parts.started) for name in _model_names(parts.gateway.servers)]
    return JSONResponse({"object": "list", "data": data})


async def model(request: Request) -> Response:
    """``GET /v1/models/MODEL``."""
    parts = parts_of(request)
    name = request.path_params["model"]
    choosing.of_model(parts.gateway.servers, name)
    return JSONResponse(_model(name, parts.started))


async def speech_models(request: Request) -> Response:
    """``GET /v1/audio/models``: the same names as Open WebUI reads them."""
    names = _model_names(parts_of(request).gateway.servers)
    return JSONResponse({"models": [{"id": name, "name": name} for name in names]})


async def voices(request: Request) -> Response:
    """``GET /v1/audio/voices``: each voice once, with the servers that have it."""
    servers = parts_of(request).gateway.servers
    if servers and not any(server.is_known for server in servers):
        raise choosing.unavailable(servers)
    listed: dict[str, dict[str, Any]] = {}
    for server in servers:
        for voice in server.offering.voices or ():
            first = listed.get(voice.name)
            if first is not None:
                first["models"].append(server.name)
                continue
            told = voice.told
            listed[voice.name] = {
                "id": voice.name,
                "name": voice.name,
                "description": None,
                "languages": [],
                "gender": None,
                **{key: told[key] for key in _TOLD if told.get(key) is not None},
                "aliases": list(voice.aliases),
                "default": bool(told.get("default", False)),
                "models": [server.name],
            }
    return JSONResponse({"voices": list(listed.values())})


async def live(_: Request) -> Response:
    """``GET /health/live``."""
    return JSONResponse({"status": "live"})


async def ready(request: Request) -> Response:
    """``GET /health/ready``: a gateway is, whatever its servers are: it says what is wrong."""
    phase, reason = _phase(parts_of(request).gateway)
    is_ready = phase == "ready"
    return JSONResponse(
        {"ready": is_ready, "phase": phase, "reason": reason, "queued_seconds": 0.0},
        HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE,
    )


def _phase(gateway: Gateway) -> tuple[str, str]:
    if gateway.is_draining:
        return "draining", "the process is ending"
    return ("ready", "") if gateway.has_begun else ("loading", "the servers are asked")


async def status(request: Request) -> Response:
    """``GET /status``: the servers as they are now; addresses and keys are not told."""
    parts = parts_of(request)
    gateway = parts.gateway
    return JSONResponse(
        {
            "service": gateway.config.service,
            "version": request.app.version,
            "backend": GATEWAY,
            "phase": _phase(gateway)[0],
            "up_seconds": round(time.time() - parts.started),
            "upstreams": [
                {
                    "name": server.name,
                    "kind": server.upstream.kind,
                    "state": "ready" if server.in_service else "failed",
                    "reason": server.reason,
                    "models": list(server.models),
                    "voices": len(server.offering.voices or ()),
                    "in_flight": server.in_flight,
                    "queued_seconds": round(server.queued_seconds, 1),
                }
                for server in gateway.servers
            ],
        }
    )


async def metrics(request: Request) -> Response:
    """``GET /metrics``."""
    return Response(parts_of(request).metrics.exposition(), media_type=CONTENT_TYPE_LATEST)


async def sync_routes(request: Request) -> Response:
    """``POST /internal/routes/sync``: have the servers of a manifest from now on."""
    sync = parts_of(request).route_sync
    if sync is None:
        raise SpeechError(ErrorCode.PATH_NOT_FOUND, f"There is no path {request.url.path}.")
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise SpeechError(
            ErrorCode.SYNC_UNAUTHORIZED, "There is no token: `Authorization: Bearer …` is missing."
        )
    report = await sync.take(token.strip(), await request.body())
    return Response(report.to_json(), media_type="application/json")


def _model_names(servers: list[Server]) -> list[str]:
    """Each name once: first those that mean one server, then those that may mean several."""
    own = [server.name for server in servers]
    return list(dict.fromkeys([*own, *(name for each in servers for name in each.models)]))


def _model(name: str, created: int) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": created, "owned_by": "speaker-tts"}

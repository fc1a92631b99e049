"""The paths of the API that one of the servers answers."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from speaker_runtime.http.disconnect import unless_gone
from speaker_runtime.http.gateway.orders import read_order
from speaker_runtime.http.gateway.parts import parts_of
from speaker_runtime.http.gateway.relay import Call, Relay
from speaker_runtime.http.gateway.relayed import RelayedResponse, in_envelope
from speaker_runtime.http.routes.preview import PATH as PREVIEW_PATH
from speaker_runtime.http.routes.speech import require_json
from speaker_runtime.services.gateway.gateway import Wish
from speaker_runtime.services.gateway.upstream import Server

Handler = Callable[[Request], Awaitable[Response]]
SPEECH_PATH: Final = "/v1/audio/speech"
CAPABILITIES_PATH: Final = "/v1/audio/capabilities"


class Counted:
    """Counts a request as under way until the whole of its answer has been sent.

    Args:
        handler: Makes the answer.
    """

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive, send)
        with parts_of(request).gateway.work():
            response = await self._handler(request)
            await response(scope, receive, send)


async def speech(request: Request) -> Response:
    """``POST /v1/audio/speech``."""
    await require_json(request)
    order = read_order(await request.body())
    servers = await parts_of(request).gateway.choose(order.wish)
    return await _relayed(request, servers, Call("POST", "/audio/speech", order))


async def preview(request: Request) -> Response:
    """``POST /tts/preview``."""
    await require_json(request)
    order = read_order(await request.body(), native=True)
    servers = await parts_of(request).gateway.choose(order.wish)
    return await _relayed(request, servers, Call("POST", PREVIEW_PATH, order, is_root=True))


async def hear_preview(request: Request) -> Response:
    """``GET /tts/preview/ADDRESS``: only the server that gave the address knows it."""
    parts = parts_of(request)
    # The router has decoded the path; what is sent is what came.
    call = Call("GET", request.scope["raw_path"].decode("ascii"), is_root=True)
    opening = Relay(parts, request).skip_missing(parts.gateway.ours(), call)
    return RelayedResponse(parts, await unless_gone(request.receive, opening))


async def capabilities(request: Request) -> Response:
    """``GET /v1/audio/capabilities``: of the query's ``model``, else of the first server."""
    parts = parts_of(request)
    model = request.query_params.get("model")
    if model is None:
        servers = parts.gateway.ours()[:1]
    else:
        servers = await parts.gateway.choose(Wish(model, None, native=True))
    return await _relayed(request, servers, Call("GET", "/audio/capabilities"))


async def _relayed(request: Request, servers: Sequence[Server], call: Call) -> Response:
    parts = parts_of(request)
    answer = await unless_gone(request.receive, Relay(parts, request).open(servers, call))
    return await in_envelope(parts, answer)

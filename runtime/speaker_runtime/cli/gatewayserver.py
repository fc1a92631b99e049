"""A server of a gateway: what is done behind its connections is handing requests on."""

import asyncio

from speaker_runtime.cli.server import Server
from speaker_runtime.contract import GatewayConfig, RouteManifest
from speaker_runtime.http.gateway.app import create_gateway_app
from speaker_runtime.services.gateway.gateway import Gateway


def gateway_server(config: GatewayConfig, routes: RouteManifest) -> Server:
    """Make the server of a gateway."""
    app = create_gateway_app(config, routes)
    work = _HandingOn(app.state.runtime.gateway)
    return Server(app, config.service, work, config.drain_seconds)


class _HandingOn:
    """The gateway; it ends when it is told to, and fails of nothing."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._over = asyncio.Event()

    async def ended(self) -> Exception | None:
        await self._over.wait()
        return None

    async def drain(self) -> None:
        await self._gateway.drain()
        self._over.set()

    def abort(self) -> None:
        self._over.set()

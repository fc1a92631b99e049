"""The parts that the gateway's routes speak to, made once per application."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import HTTPConnection

from speaker_runtime.services.gateway.gateway import Gateway
from speaker_runtime.services.gateway.metrics import GatewayMetrics

if TYPE_CHECKING:
    from speaker_runtime.services.gateway.sync import RouteSync


@dataclass(frozen=True)
class GatewayParts:
    """One application's parts."""

    gateway: Gateway
    metrics: GatewayMetrics
    started: int
    route_sync: "RouteSync | None"
    """Takes changed routes, where somebody may change them."""


def parts_of(connection: HTTPConnection) -> GatewayParts:
    """The parts of the application that is asked."""
    parts: GatewayParts = connection.app.state.runtime
    return parts

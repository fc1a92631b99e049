"""A gateway as a real process on a free port, the way a pod runs it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from speaker_runtime.contract import (
    CONFIG_FILE,
    ROUTES_FILE,
    GatewayConfig,
    RouteManifest,
    VoiceSyncConfig,
)
from tests.support.runtime import RuntimeProcess, start


def write_gateway(
    directory: Path,
    routes: RouteManifest,
    *,
    route_sync: VoiceSyncConfig | None = None,
    drain_seconds: int = 1,
) -> Path:
    """Write both documents of a gateway."""
    config = GatewayConfig(
        service="front",
        route_sync=route_sync,
        drain_seconds=drain_seconds,
    )
    (directory / CONFIG_FILE).write_text(config.to_json(), "utf-8")
    (directory / ROUTES_FILE).write_text(routes.to_json(), "utf-8")
    return directory


@contextmanager
def gateway(
    directory: Path,
    routes: RouteManifest,
    *,
    route_sync: VoiceSyncConfig | None = None,
    drain_seconds: int = 1,
) -> Iterator[RuntimeProcess]:
    """Serve a gateway, ready, while the context lasts."""
    write_gateway(directory, routes, route_sync=route_sync, drain_seconds=drain_seconds)
    with start(directory) as process:
        process.wait_ready()
        yield process

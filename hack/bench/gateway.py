"""What a gateway in front of a server adds to an answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench import load, servers, texts
from bench.goals import Name
from bench.report import Measure
from bench.spread import Spread, percentile
from bench.throughput import require_ok
from speaker_runtime.contract import AudioCacheConfig, RouteManifest, Upstream
from tests.support.gateway import gateway
from tests.support.runtime import RuntimeProcess

PAIRS: Final = 400
WARM_UP: Final = 40
_MOST: Final = 0.95


def run() -> list[Measure]:
    """Measure the pairs."""
    with _cached() as server:
        route = Upstream(name="narrator", url=server.process.url)
        with (
            TemporaryDirectory() as folder,
            gateway(Path(folder), RouteManifest(upstreams=(route,))) as through,
        ):
            straight, longer = load.run(_in_turns(server.process, through))
    added = [1000 * (b - a) for a, b in zip(straight, longer, strict=True)]
    return [
        Measure(
            Name.GATEWAY_ADDED,
            percentile(added, 0.5),
            f"{len(added)} pairs, p95 {percentile(added, _MOST):.1f} ms",
            {
                "straight p50, ms": 1000 * Spread.of(straight).median,
                "through the gateway p50, ms": 1000 * Spread.of(longer).median,
            },
        )
    ]


@contextmanager
def _cached() -> Iterator[servers.Server]:
    """A server that has its answer at hand, so that what is measured is the way."""
    with TemporaryDirectory() as folder:
        cache = AudioCacheConfig(directory=Path(folder), max_bytes=64 * 2**20)
        limits = servers.UNBOUNDED.model_copy(update={"audio_cache": cache})
        with servers.hibari(limits) as server:
            yield server


async def _in_turns(
    server: RuntimeProcess, through: RuntimeProcess
) -> tuple[list[float], list[float]]:
    clients = [load.Client(each.host, each.port) for each in (server, through)]
    order = servers.order(texts.text(0, 1))
    seconds: tuple[list[float], list[float]] = ([], [])
    for turn in range(PAIRS + WARM_UP):
        # Who comes first changes, so that neither always follows the other.
        for side in (0, 1) if turn % 2 else (1, 0):
            (answer,) = require_ok([await clients[side].ask(order)])
            seconds[side].append(answer.first_seconds)
    for client in clients:
        client.close()
    return seconds[0][WARM_UP:], seconds[1][WARM_UP:]

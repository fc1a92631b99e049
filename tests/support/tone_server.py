"""A real HTTP server, in this process, over the humming backend, which a test can hold."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2
import uvicorn

from speaker_runtime.contract import ModelConfig, RuntimeConfig, ServingConfig, VoiceManifest
from speaker_runtime.engine.engine import Engine
from speaker_runtime.engine.scheduler import Bounds
from speaker_runtime.engine.state import Phase
from speaker_runtime.http.app import create_app
from tests.support.runtime import eventually
from tests.support.tone import ToneBackend, copies

WITHIN: Final = 10.0
TOO_MUCH: Final = "This waits until there is room."


@dataclass(frozen=True)
class ToneServer:
    """A running server.

    Attributes:
        url: Its address, without a path.
        backend: What hums.
    """

    url: str
    backend: ToneBackend
    engine: Engine

    def wait_busy(self, *, running: int, waiting: int) -> None:
        """Return once so many requests run and wait."""

        def is_so() -> bool:
            load = self.engine.load
            return (load.running, load.waiting) == (running, waiting)

        eventually(is_so, within=WITHIN, what=f"{running} running and {waiting} waiting")

    def wait_error(self, code: str) -> None:
        """Return once a request was refused with the code."""

        def is_counted() -> bool:
            return f'code="{code}"' in httpx2.get(f"{self.url}/metrics").text

        eventually(is_counted, within=WITHIN, what=f"an error {code}")


@contextmanager
def tone_server(
    limits: ServingConfig, backend: ToneBackend, shared_cache: str | None = None
) -> Iterator[ToneServer]:
    """Serve, ready, while the context lasts."""
    config = RuntimeConfig(
        service="test",
        backend="hibari",
        model=ModelConfig(source="package://hibari-tts", directory=Path("nowhere")),
        serving=limits,
    )
    with hummed(config, VoiceManifest(), backend, shared_cache=shared_cache) as server:
        yield server


@contextmanager
def hummed(
    config: RuntimeConfig,
    voices: VoiceManifest,
    backend: ToneBackend,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    shared_cache: str | None = None,
) -> Iterator[ToneServer]:
    """Serve any configuration, ready, while the context lasts."""
    make, places = copies(backend)
    bounds = Bounds(config.serving.max_queue_seconds, config.serving.max_client_seconds)
    engine = Engine(make, places, bounds=bounds)
    app = create_app(config, voices, engine, shared_cache)
    server = uvicorn.Server(uvicorn.Config(app, host=host, port=port, log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        eventually(lambda: server.started, within=WITHIN, what="a listening server")
        eventually(lambda: engine.state.phase is Phase.READY, within=WITHIN, what="readiness")
        host, port = server.servers[0].sockets[0].getsockname()[:2]
        yield ToneServer(f"http://{host}:{port}", backend, engine)
    finally:
        backend.release()
        server.should_exit = True
        thread.join(WITHIN)


@dataclass(frozen=True)
class Fullness:
    """A way to have no room, and how that is told."""

    limits: ServingConfig
    status: int
    code: str


FULL: Final = Fullness(ServingConfig(max_queue_seconds=1), 503, "overloaded")
FULL_FOR_ONE: Final = Fullness(ServingConfig(max_client_seconds=1), 429, "rate_limit_exceeded")
"""For the client with the key :data:`KEY`."""
KEY: Final = "none"


@contextmanager
def full_service(full: Fullness) -> Iterator[ToneServer]:
    """A server that has no room for :data:`TOO_MUCH` until it has refused it once."""
    backend = ToneBackend(max_streams=1)
    with tone_server(full.limits, backend) as server, ThreadPoolExecutor() as pool:
        server.backend.hold()
        for waiting, text in enumerate(("One.", "Two.")):
            pool.submit(_speak, server.url, text)
            server.wait_busy(running=1, waiting=waiting)
        freed = pool.submit(_free_after_refusal, server, full.code)
        yield server
        freed.result()


def _speak(url: str, text: str) -> None:
    order = {"model": "tts-1", "voice": "low", "input": text}
    key = {"Authorization": f"Bearer {KEY}"}
    httpx2.post(f"{url}/v1/audio/speech", json=order, headers=key, timeout=WITHIN)


def _free_after_refusal(server: ToneServer, code: str) -> None:
    server.wait_error(code)
    server.backend.release()

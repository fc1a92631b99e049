"""A real Redis server of its own, on a Unix socket."""

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
import redis

from tests.support.runtime import eventually

SERVER: Final = "redis-server"
START_TIMEOUT: Final = 20.0
STOP_TIMEOUT: Final = 10.0


class RedisServer:
    """One server; it can be stopped, started again at the same address, and frozen."""

    def __init__(self, directory: Path, *options: str) -> None:
        self._socket = directory / "redis.sock"
        self._command = (
            *(SERVER, "--port", "0", "--unixsocket", str(self._socket)),
            *("--save", "", "--appendonly", "no", "--dir", str(directory), *options),
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self._socket}"

    @property
    def client(self) -> redis.Redis:
        """Somebody else who is connected to it."""
        return redis.Redis.from_url(self.url)

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        eventually(self._answers, within=START_TIMEOUT, what="an answer of redis-server")

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait(STOP_TIMEOUT)
            self._process = None

    def freeze(self) -> None:
        """Let it accept connections, but never answer."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def _answers(self) -> bool:
        try:
            self.client.ping()
        except redis.AuthenticationError:
            return True
        except redis.ConnectionError:
            return False
        return True


@contextmanager
def redis_server(*options: str) -> Iterator[RedisServer]:
    """A running server with further ``options``; the test is skipped where there is none."""
    if shutil.which(SERVER) is None:
        pytest.skip(f"{SERVER} is not installed: run `PYTHONPATH=hack python3 -m cluster doctor`")
    # A socket's path has 107 bytes at most, which a test's own folder may exceed.
    with tempfile.TemporaryDirectory(prefix="redis-") as directory:
        server = RedisServer(Path(directory), *options)
        server.start()
        try:
            yield server
        finally:
            server.stop()

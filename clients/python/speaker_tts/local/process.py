"""Run the runtime as a child process, as a pod would run it."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from speaker_tts.client import SpeechClient
from speaker_tts.errors import PortTaken, RuntimeEnded
from speaker_tts.local.service import LocalService

if TYPE_CHECKING:
    from speaker_runtime.contract import Document

READY_TIMEOUT: Final = 60.0
"""Seconds from the start of the process to its first readiness."""
STOP_MARGIN: Final = 10.0
"""Seconds that the process gets beyond its own drain time."""
POLL_INTERVAL: Final = 0.05
_REACHED_AT: Final = {"0.0.0.0": "127.0.0.1"}  # noqa: S104 - who listens everywhere is here too
_RUNTIME: Final = (sys.executable, "-m", "speaker_runtime.cli")


class LocalRuntime:
    """A running runtime; ``url`` is its address."""

    def __init__(self, process: subprocess.Popen[bytes], url: str) -> None:
        self._process = process
        self.url = url

    def wait_ready(self, on_phase: Callable[[str], None]) -> None:
        """Return when the runtime is ready; tell each phase on the way.

        Raises:
            RuntimeEnded: The process ended, or was not ready in time.
        """
        deadline = time.monotonic() + READY_TIMEOUT
        with SpeechClient(self.url) as client:
            while (phase := client.phase()) != "ready":
                if phase is not None:
                    on_phase(phase)
                if self._process.poll() is not None:
                    raise RuntimeEnded(
                        f"The runtime ended with exit code {self._process.returncode} before it "
                        "was ready; it said why above."
                    )
                if time.monotonic() > deadline:
                    raise RuntimeEnded(
                        f"The runtime was not ready after {READY_TIMEOUT:.0f} s "
                        f"(phase: {phase or 'no answer'}). Look at {self.url}/status."
                    )
                time.sleep(POLL_INTERVAL)

    def wait(self) -> int:
        """Block until the process ends; return its exit code."""
        return self._process.wait()


@contextmanager
def local_runtime(service: LocalService, *, host: str, port: int) -> Iterator[LocalRuntime]:
    """Fetch the model if it is missing, serve while the context lasts, then drain and stop.

    Args:
        service: What to serve.
        host: Address to listen on.
        port: TCP port; 0 takes a free one.

    Raises:
        PortTaken: Something else listens there.
        RuntimeEnded: The model could not be fetched; the child has said why.
    """
    port = _free_port(host, port)
    with tempfile.TemporaryDirectory(prefix="speaker-tts-") as directory:
        _write(Path(directory), service)
        _fetch_model(directory)
        process = subprocess.Popen(
            [*_RUNTIME, "serve", "--config", directory, "--host", host, "--port", str(port)],
            start_new_session=True,  # Ctrl-C reaches us alone; we pass it on as SIGTERM
        )
        try:
            yield LocalRuntime(process, f"http://{_REACHED_AT.get(host, host)}:{port}")
        finally:
            _stop(process, grace=service.config.serving.drain_seconds + STOP_MARGIN)


def _write(directory: Path, service: LocalService) -> None:
    from speaker_runtime.contract import CONFIG_FILE, VOICES_FILE  # noqa: PLC0415

    documents: dict[str, Document] = {CONFIG_FILE: service.config, VOICES_FILE: service.voices}
    for name, document in documents.items():
        (directory / name).write_text(document.to_json(), encoding="utf-8")


def _fetch_model(directory: str) -> None:
    ended = subprocess.run(
        [*_RUNTIME, "model", "fetch", "--config", directory],
        stdout=None if sys.stdout.isatty() else subprocess.DEVNULL,
        check=False,
    )
    if ended.returncode != 0:
        raise RuntimeEnded(
            f"The model could not be fetched (exit code {ended.returncode}); the reason is above."
        )


def _free_port(host: str, port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(
                f"{host}:{port} cannot be listened on ({error.strerror}). Choose another port: "
                f"--port {port + 1}, or PORT={port + 1} with make run."
            ) from error
        return int(probe.getsockname()[1])


def _stop(process: subprocess.Popen[bytes], *, grace: float) -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=grace)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

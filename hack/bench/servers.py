"""The servers that are measured: real processes, started as a pod starts them."""

import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench.load import SPEECH_PATH, Order
from speaker_runtime.contract import (
    CONFIG_FILE,
    VOICES_FILE,
    DevicesConfig,
    ModelConfig,
    RuntimeConfig,
    ServingConfig,
    VoiceManifest,
)
from tests.support.runtime import COMMAND, RuntimeProcess, start

DAY: Final = 86_400
UNBOUNDED: Final = ServingConfig(max_queue_seconds=DAY, max_client_seconds=DAY, drain_seconds=1)
"""Whoever floods a server on purpose wants to measure its speed, not its refusals."""
HIBARI: Final = "package://hibari-tts"
PCM_BYTES_PER_SECOND: Final = 48_000
KOKORO: Final = "catalogue://kokoro-82m-int8"
END_SECONDS: Final = 30.0
"""Within which a server that was told to end is gone."""
_FETCH_SECONDS: Final = 600.0


@dataclass(frozen=True)
class Server:
    """A running server, and the process that it is."""

    process: RuntimeProcess
    directory: Path

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return self.process.host, self.process.port

    @property
    def pid(self) -> int:
        """Of its process."""
        return self.process.process.pid


def write_documents(
    directory: Path,
    model: ModelConfig,
    *,
    backend: str = "hibari",
    copies: int | None = 1,
    serving: ServingConfig = UNBOUNDED,
    voices: VoiceManifest | None = None,
) -> None:
    """Write both documents of a service and fetch its model."""
    config = RuntimeConfig(
        service="bench",
        backend=backend,
        model=model,
        devices=DevicesConfig(copies=copies),
        serving=serving,
    )
    (directory / CONFIG_FILE).write_text(config.to_json(), encoding="utf-8")
    (directory / VOICES_FILE).write_text((voices or VoiceManifest()).to_json(), encoding="utf-8")
    subprocess.run(
        [*COMMAND, "model", "fetch", "--config", directory],
        check=True,
        capture_output=True,
        timeout=_FETCH_SECONDS,
    )


@contextmanager
def hibari(
    serving: ServingConfig = UNBOUNDED, voices: VoiceManifest | None = None
) -> Iterator[Server]:
    """Serve the embedded voice, ready, while the context lasts."""
    with TemporaryDirectory() as folder:
        directory = Path(folder)
        model = ModelConfig(source=HIBARI, directory=directory / "model")
        write_documents(directory, model, serving=serving, voices=voices)
        with start(directory) as process:
            process.wait_ready()
            yield Server(process, directory)


def order(text: str, *, headers: Mapping[str, str] | None = None, **fields: object) -> Order:
    """An order for speech in the format pcm, unless ``fields`` of the body say otherwise."""
    body = {"model": "tts-1", "voice": "heart", "input": text, "response_format": "pcm", **fields}
    return Order(SPEECH_PATH, body, headers=headers or {})


def cpu_seconds(pid: int) -> float:
    """What a process and its threads have used of the CPU so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def wait_until(moment: float) -> None:
    """Sleep until ``time.monotonic()`` says so."""
    time.sleep(max(0.0, moment - time.monotonic()))

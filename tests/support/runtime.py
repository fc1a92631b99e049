"""A runtime as a real process on a free port, the way a pod runs it."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx2

from speaker_runtime.contract import (
    CONFIG_FILE,
    READY_PATH,
    VOICES_FILE,
    ModelConfig,
    RuntimeConfig,
    ServingConfig,
    VoiceEntry,
    VoiceManifest,
    VoiceSyncConfig,
)

T = TypeVar("T")

START_TIMEOUT: Final = 60.0
STOP_TIMEOUT: Final = 20.0
COMMAND: Final = (sys.executable, "-m", "speaker_runtime.cli")

VOICES: Final = VoiceManifest(
    voices=(
        VoiceEntry(
            name="ana",
            display_name="Ana",
            languages=("en-US",),
            gender="female",
            preset="heart",
            aliases=("nova", "narrator"),
        ),
        VoiceEntry(name="ghost", preset="nobody"),
    )
)


class RuntimeProcess:
    """One running server."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        where = self.wait_line(lambda line: line.get("message") == "listening")
        self.host = str(where["host"])
        self.port = int(where["port"])
        self.url = f"http://{self.host}:{self.port}"

    def wait_line(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first log line that is wanted; waits for it."""
        return eventually(
            lambda: next((line for line in list(self.lines) if wanted(line)), None),
            within=START_TIMEOUT,
            what=f"the log line (exit code {self.process.poll()}, log {self.lines})",
        )

    def wait_ready(self) -> None:
        """Return once speech can be asked for."""
        with httpx2.Client(base_url=self.url) as client:
            eventually(
                lambda: client.get(READY_PATH).status_code == 200,
                within=START_TIMEOUT,
                what="readiness",
            )

    def _read(self) -> None:
        for line in self.process.stderr or ():
            try:
                self.lines.append(json.loads(line))
            except json.JSONDecodeError:
                self.lines.append({"message": line})


def eventually(probe: Callable[[], T | None], *, within: float, what: str) -> T:
    """The first truthy value of ``probe``, asked again and again for ``within`` seconds."""
    deadline = time.monotonic() + within
    while not (value := probe()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {within} s")
        time.sleep(0.01)
    return value


def write_documents(
    directory: Path,
    serving: ServingConfig,
    voices: VoiceManifest = VOICES,
    voice_sync: VoiceSyncConfig | None = None,
) -> Path:
    """Write both documents into ``directory``, with the model's files below it."""
    config = RuntimeConfig(
        service="test",
        backend="hibari",
        model=ModelConfig(source="package://hibari-tts", directory=directory / "model"),
        serving=serving,
        voice_sync=voice_sync,
    )
    (directory / CONFIG_FILE).write_text(config.to_json())
    (directory / VOICES_FILE).write_text(voices.to_json())
    return directory


@contextmanager
def serving(
    directory: Path, limits: ServingConfig, voice_sync: VoiceSyncConfig | None = None
) -> Iterator[RuntimeProcess]:
    """Fetch the model and serve, ready, while the context lasts."""
    write_documents(directory, limits, voice_sync=voice_sync)
    subprocess.run(
        [*COMMAND, "model", "fetch", "--config", directory],
        check=True,
        capture_output=True,
        timeout=START_TIMEOUT,
    )
    with start(directory) as runtime:
        runtime.wait_ready()
        yield runtime


@contextmanager
def start(directory: Path) -> Iterator[RuntimeProcess]:
    """Serve what ``directory`` holds while the context lasts; listening, perhaps not yet ready."""
    process = subprocess.Popen(
        [*COMMAND, "serve", "--config", directory, "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield RuntimeProcess(process)
    finally:
        process.terminate()
        process.wait(STOP_TIMEOUT)

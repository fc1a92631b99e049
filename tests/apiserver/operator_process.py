"""The real operator as a process, with nothing but its own role."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from tests.apiserver.api import eventually

OPERATOR = Path(sys.executable).with_name("speaker-operator")
START_TIMEOUT = 30
STOP_TIMEOUT = 15


def value_of(url: str, metric: str, **labels: str) -> float:
    """Sum of a metric's samples that have these labels."""
    return sum(
        sample.value
        for family in text_string_to_metric_families(httpx2.get(f"{url}/metrics", timeout=10).text)
        for sample in family.samples
        if sample.name == metric and labels.items() <= sample.labels.items()
    )


@dataclass
class OperatorProcess:
    """A running operator: its HTTP endpoint, its log, and its process."""

    process: subprocess.Popen[bytes]
    log_file: Path
    port: int

    def probe(self, path: str) -> tuple[int, str]:
        """Status code and text of /healthz or /readyz."""
        answer = httpx2.get(f"http://127.0.0.1:{self.port}{path}", timeout=10)
        return answer.status_code, answer.text.strip()

    def is_ready(self) -> bool:
        return self.probe("/readyz")[0] == 200

    def total(self, metric: str, **labels: str) -> float:
        """Sum of a metric's samples that have these labels."""
        return value_of(f"http://127.0.0.1:{self.port}", metric, **labels)

    def log(self) -> str:
        return self.log_file.read_text()

    def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_TIMEOUT)


@contextmanager
def run_operator(
    directory: Path,
    kubeconfig: Path,
    command: Sequence[str | Path] = (OPERATOR,),
    /,
    **settings: str,
) -> Iterator[OperatorProcess]:
    """Run the operator; it may not be ready yet."""
    log_file = directory / "operator.log"
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment |= {
        "KUBECONFIG": str(kubeconfig),
        "SPEAKER_RUNTIME_IMAGE": "speaker-tts-runtime:{engine}-test",
        "SPEAKER_HTTP_HOST": "127.0.0.1",
        "SPEAKER_HTTP_PORT": "0",
    }
    environment |= settings
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            command,
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        port = eventually(
            lambda: _port(process, log_file), within=START_TIMEOUT, what="the operator listens"
        )
        yield OperatorProcess(process, log_file, port)
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Have it give its lease up, so that the next need not wait for it; kill it if it stays."""
    process.send_signal(signal.SIGCONT)
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _port(process: subprocess.Popen[bytes], log_file: Path) -> int | None:
    assert process.poll() is None, f"the operator ended: {log_file.read_text()}"
    for line in log_file.read_text().splitlines():
        message = json.loads(line)["message"] if line.endswith("}") else ""
        if " on port " in message:
            return int(message.rpartition(" ")[2])
    return None

"""Against a peer: kokoro-onnx behind FastAPI, on the same weights and the same machine.

The peer is installed into an environment of its own below ``build/`` and run by
:mod:`bench.peer_server`. Both run with their defaults: ours with some copies of the
model that share the cores, the peer with one session that takes all of them. Both get the same
texts over the same HTTP request, 8 at a time, and answer with 16-bit PCM at 24 kHz. The sides take
turns; the other one sleeps meanwhile. Throughput counts characters of text, since
the sides leave different silences between sentences.
"""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench import load, servers, texts
from bench.goals import Name
from bench.report import Measure
from bench.spread import Spread, percentile
from bench.throughput import require_ok
from speaker_runtime.contract import ModelConfig
from tests.support.runtime import eventually, start

CLIENTS: Final = 8
ROUNDS: Final = 3
SIZES: Final = (1, 2, 4) * 4
"""Sentences of each text, in the order of asking; with 8 clients there are always some waiting."""
VOICE: Final = "af_heart"
_ENVIRONMENT: Final = Path("build/bench/peer")
_PACKAGES: Final = (
    "kokoro-onnx==0.6.1",
    "fastapi==0.165.0",
    "uvicorn[standard]==0.54.0",
)
_INSTALL_SECONDS: Final = 600.0
_START_SECONDS: Final = 120.0


@dataclass(frozen=True)
class Target:
    """Where a side listens, and the process that it is."""

    host: str
    port: int
    pid: int


@dataclass(frozen=True)
class Side:
    """One round of one side."""

    characters_per_second: float
    cpu_seconds_per_character: float
    speech_per_second: float
    first_seconds: list[float]


def run() -> list[Measure]:
    """Measure both sides in turns."""
    try:
        python = _install()
    except (OSError, subprocess.SubprocessError) as error:
        why = f"the peer cannot be installed: {error}"
        return [
            Measure(Name.PEER_THROUGHPUT, None, why),
            Measure(Name.PEER_FIRST_AUDIO, None, why),
        ]
    ours: list[Side] = []
    theirs: list[Side] = []
    model = ModelConfig(source=servers.KOKORO, directory=_ENVIRONMENT / "model")
    with TemporaryDirectory() as folder:
        directory = Path(folder)
        servers.write_documents(directory, model, backend="kokoro", copies=None)
        with _peer(python, model.directory) as its, start(directory) as process:
            process.wait_ready()
            own = Target(process.host, process.port, process.process.pid)
            for number in range(ROUNDS):
                theirs.append(_round(its, number))
                ours.append(_round(own, number))
    return [_throughput(ours, theirs), _first_audio(ours, theirs)]


def _throughput(ours: list[Side], theirs: list[Side]) -> Measure:
    pairs = zip(ours, theirs, strict=True)
    ratio = Spread.of([own.characters_per_second / its.characters_per_second for own, its in pairs])
    return Measure(
        Name.PEER_THROUGHPUT,
        ratio.median,
        f"{ratio.lowest:.2f} to {ratio.highest:.2f} in {ratio.count} pairs",
        {
            "ours, characters per second": _median(ours, lambda side: side.characters_per_second),
            "peer, characters per second": _median(theirs, lambda side: side.characters_per_second),
            "ours, CPU ms per character": 1000
            * _median(ours, lambda side: side.cpu_seconds_per_character),
            "peer, CPU ms per character": 1000
            * _median(theirs, lambda side: side.cpu_seconds_per_character),
            "ours, seconds of speech per second": _median(ours, lambda s: s.speech_per_second),
            "peer, seconds of speech per second": _median(theirs, lambda s: s.speech_per_second),
        },
    )


def _first_audio(ours: list[Side], theirs: list[Side]) -> Measure:
    def p95(side: Side) -> float:
        return percentile(side.first_seconds, 0.95)

    ratio = Spread.of([p95(own) / p95(its) for own, its in zip(ours, theirs, strict=True)])
    return Measure(
        Name.PEER_FIRST_AUDIO,
        ratio.median,
        f"{ratio.lowest:.2f} to {ratio.highest:.2f} in {ratio.count} pairs",
        {"ours, p95, s": _median(ours, p95), "peer, p95, s": _median(theirs, p95)},
    )


def _median(sides: list[Side], of: Callable[[Side], float]) -> float:
    return Spread.of([of(side) for side in sides]).median


def _round(side: Target, number: int) -> Side:
    """Ask for all texts; each round has other ones, so that nothing has been spoken before."""
    sentences = sum(SIZES)
    spoken = texts.texts(SIZES, first=number * sentences)
    fields = {"model": "tts-1", "voice": VOICE, "response_format": "pcm"}
    orders = [load.Order(load.SPEECH_PATH, {**fields, "input": text}) for text in spoken]
    began, cpu = time.perf_counter(), servers.cpu_seconds(side.pid)
    answers = require_ok(load.run(load.ask_all(side.host, side.port, orders, CLIENTS)))
    seconds = time.perf_counter() - began
    characters = sum(map(len, spoken))
    return Side(
        characters / seconds,
        (servers.cpu_seconds(side.pid) - cpu) / characters,
        sum(len(answer.body) for answer in answers) / servers.PCM_BYTES_PER_SECOND / seconds,
        [answer.first_seconds for answer in answers],
    )


def _install() -> Path:
    """The Python of an environment that has the peer, made where there is none yet."""
    python = _ENVIRONMENT / "venv" / "bin" / "python"
    done = _ENVIRONMENT / "installed"
    # The same inference library on both sides.
    packages = [*_PACKAGES, f"onnxruntime=={version('onnxruntime')}"]
    wanted = "\n".join(packages)
    if done.exists() and done.read_text(encoding="utf-8") == wanted:
        return python
    shutil.rmtree(_ENVIRONMENT / "venv", ignore_errors=True)
    for command in (
        [sys.executable, "-m", "venv", str(_ENVIRONMENT / "venv")],
        [str(python), "-m", "pip", "install", "--quiet", *packages],
    ):
        subprocess.run(command, check=True, timeout=_INSTALL_SECONDS)
    done.write_text(wanted, encoding="utf-8")
    return python


@contextmanager
def _peer(python: Path, model: Path) -> Iterator[Target]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        host, port = free.getsockname()
    script = Path(__file__).with_name("peer_server.py")
    with subprocess.Popen([python, script, model, str(port)]) as process:
        try:
            eventually(
                lambda: _listens(host, port),
                within=_START_SECONDS,
                what="the peer listens",
            )
            yield Target(host, port, process.pid)
        finally:
            process.terminate()


def _listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True

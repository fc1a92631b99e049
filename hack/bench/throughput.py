"""What the server costs: served throughput and first byte, against the bare loop.

Both sides speak the same texts with the same seeds in the same formats, and both run the model
with one thread for inference, the library's default. They take turns, so that whatever
else the machine does meets both. While one side works, the other's process sleeps.
The load generator runs on the same cores as the server; what it uses is told, not subtracted.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench import load, servers, texts
from bench.bare import Loop
from bench.goals import Name
from bench.report import Measure
from bench.spread import Spread

CLIENTS: Final = 8
REPETITIONS: Final = 7
SIZES: Final = (1, 2, 4, 8) * 3
"""Sentences of each text."""


def run() -> list[Measure]:
    """Measure pcm, mp3 and the first byte."""
    with servers.hibari() as server, _bare_loop(server.directory) as bare:
        return [
            _throughput(server, bare, Name.THROUGHPUT_PCM, "pcm"),
            _throughput(server, bare, Name.THROUGHPUT_MP3, "mp3"),
            _first_byte(server, bare),
        ]


class BareLoop:
    """The process of :mod:`bench.bare`."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def speak(self, spoken: Sequence[str], audio_format: str, seed: int) -> Loop:
        """Let it speak the texts once."""
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the bare loop has no pipes")
        asked = {"texts": spoken, "format": audio_format, "seed": seed}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return Loop(**json.loads(self._process.stdout.readline()))


@contextmanager
def _bare_loop(directory: Path) -> Iterator[BareLoop]:
    command = [sys.executable, "-m", "bench.bare", str(directory)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield BareLoop(process)


def _throughput(server: servers.Server, bare: BareLoop, name: Name, audio_format: str) -> Measure:
    spoken = texts.texts(SIZES)
    ratios, served, loops, client, both = [], [], [], [], []
    for seed in range(REPETITIONS):
        loop = bare.speak(spoken, audio_format, seed)
        orders = [servers.order(text, response_format=audio_format, seed=seed) for text in spoken]
        own, theirs = time.process_time(), servers.cpu_seconds(server.pid)
        began = time.perf_counter()
        answers = load.run(load.ask_all(*server.address, orders, CLIENTS))
        seconds = time.perf_counter() - began
        require_ok(answers)
        served.append(loop.audio_seconds / seconds)
        loops.append(loop.audio_seconds / loop.seconds)
        ratios.append(served[-1] / loops[-1])
        client.append((time.process_time() - own) / seconds)
        both.append((servers.cpu_seconds(server.pid) - theirs) / loop.cpu_seconds)
    ratio = Spread.of(ratios)
    return Measure(
        name,
        ratio.median,
        f"{ratio.lowest:.2f} to {ratio.highest:.2f} in {ratio.count} pairs",
        {
            "served, seconds of speech per second": Spread.of(served).median,
            "bare loop, seconds of speech per second": Spread.of(loops).median,
            "CPU time of the server ÷ of the bare loop": Spread.of(both).median,
            "load generator, share of one core": Spread.of(client).median,
        },
    )


def _first_byte(server: servers.Server, bare: BareLoop) -> Measure:
    spoken = texts.texts((3,) * 24)

    async def one_by_one(seed: int) -> list[load.Answer]:
        client = load.Client(*server.address)
        answers = [await client.ask(servers.order(text, seed=seed)) for text in spoken]
        client.close()
        return answers

    ratios, served, library = [], [], []
    for seed in range(REPETITIONS):
        loop = bare.speak(spoken, "pcm", seed)
        answers = require_ok(load.run(one_by_one(seed)))
        served.append(Spread.of([each.first_seconds for each in answers]).median)
        library.append(Spread.of(loop.first_seconds).median)
        ratios.append(served[-1] / library[-1])
    ratio = Spread.of(ratios)
    return Measure(
        Name.FIRST_BYTE,
        ratio.median,
        f"{ratio.lowest:.2f} to {ratio.highest:.2f} in {ratio.count} pairs",
        {
            "first byte, ms": 1000 * Spread.of(served).median,
            "library's first sentence, ms": 1000 * Spread.of(library).median,
        },
    )


def require_ok(answers: list[load.Answer]) -> list[load.Answer]:
    """Figures of failed requests are worth nothing.

    Raises:
        RuntimeError: One of the answers is an error.
    """
    for answer in answers:
        if not answer.is_ok:
            told = bytes(answer.body[:300])
            raise RuntimeError(f"a request failed with {answer.status}: {told!r}")
    return answers

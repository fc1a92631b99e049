"""How the server feels: cold start, short texts, priorities, health, cached answers."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench import load, servers, texts
from bench.goals import Name
from bench.report import Measure
from bench.spread import Spread, percentile
from bench.throughput import require_ok
from speaker_runtime.contract import LIVE_PATH, AudioCacheConfig, ModelConfig
from tests.support.runtime import start

MOST: Final = 0.95
CLIENTS: Final = 8
STARTS: Final = 5
SHORT_REQUESTS: Final = 160
FLOOD_SECONDS: Final = 10.0
ROUNDS: Final = 3
PAUSE_SECONDS: Final = 0.25
"""Between two requests of an interactive client."""
PROBE_SECONDS: Final = 0.02
HITS: Final = 200
CACHE_HEADER: Final = "x-cache"


def run() -> list[Measure]:
    """Measure everything that a user of one server notices."""
    measures = [_cold_start()]
    with servers.hibari() as server:
        measures += [_short_text(server), _interactive(server), _live(server)]
    return [*measures, _cache_hit()]


def _cold_start() -> Measure:
    """From the command to the first 200 of the readiness probe; the model is there already."""
    seconds = []
    with TemporaryDirectory() as folder:
        directory = Path(folder)
        servers.write_documents(
            directory, ModelConfig(source=servers.HIBARI, directory=directory / "model")
        )
        for _ in range(STARTS):
            began = time.perf_counter()
            with start(directory) as process:
                process.wait_ready()
                seconds.append(time.perf_counter() - began)
    spread = Spread.of(seconds)
    return Measure(
        Name.COLD_START,
        spread.highest,
        f"slowest of {spread.count} starts, from {spread.lowest:.2f}",
        {"median, s": spread.median},
    )


def _short_text(server: servers.Server) -> Measure:
    orders = [servers.order(texts.text(index, 1)) for index in range(SHORT_REQUESTS)]
    answers = require_ok(load.run(load.ask_all(*server.address, orders, CLIENTS)))
    seconds = [answer.seconds for answer in answers]
    return Measure(
        Name.SHORT_TEXT,
        percentile(seconds, MOST),
        f"{len(seconds)} requests",
        {"median, s": Spread.of(seconds).median},
    )


def _interactive(server: servers.Server) -> Measure:
    """4 interactive clients alone, then among 4 normal and 8 batch ones, in turns."""
    idle: list[float] = []
    busy: list[float] = []
    for seed in range(ROUNDS):
        idle += load.run(_talk(server, floods=(), seed=seed))
        flood = (("normal", 2), *(("batch", 6),) * 2)
        busy += load.run(_talk(server, floods=flood * 4, seed=seed + ROUNDS))
    alone, among = percentile(idle, MOST), percentile(busy, MOST)
    return Measure(
        Name.INTERACTIVE,
        among / alone,
        f"{len(idle)} and {len(busy)} interactive answers",
        {
            "idle p95, s": alone,
            "in the flood p95, s": among,
            "idle median, s": Spread.of(idle).median,
            "in the flood median, s": Spread.of(busy).median,
        },
    )


async def _talk(
    server: servers.Server, *, floods: Sequence[tuple[str, int]], seed: int
) -> list[float]:
    """Seconds of each interactive answer while others flood the server.

    Args:
        server: Who answers.
        floods: Priority and sentences per text of each flooding client.
        seed: Of the speech, so that nothing has been spoken before.
    """
    until = time.monotonic() + FLOOD_SECONDS
    seconds: list[float] = []

    async def interact(number: int) -> None:
        client = load.Client(*server.address)
        # Spread over the pause, so that the clients do not ask all at once.
        await asyncio.sleep(PAUSE_SECONDS * number / 4)
        asked = number * 60
        while time.monotonic() < until:
            order = servers.order(texts.text(asked, 1), seed=seed, priority="interactive")
            (answer,) = require_ok([await client.ask(order)])
            seconds.append(answer.seconds)
            asked += 1
            await asyncio.sleep(PAUSE_SECONDS)
        client.close()

    async def flood(number: int, priority: str, sentences: int) -> None:
        client = load.Client(*server.address)
        asked = number * 40
        while time.monotonic() < until:
            text = texts.text(asked, sentences)
            order = servers.order(text, seed=1000 + seed, priority=priority)
            require_ok([await client.ask(order)])
            asked += sentences
        client.close()

    async with asyncio.TaskGroup() as group:
        for number in range(4):
            group.create_task(interact(number))
        for number, (priority, sentences) in enumerate(floods):
            group.create_task(flood(number, priority, sentences))
    return seconds


def _live(server: servers.Server) -> Measure:
    """Probes every 20 ms while 8 clients keep the engine busy with mp3."""

    async def probe() -> list[float]:
        orders = [
            servers.order(text, seed=2000, response_format="mp3") for text in texts.texts((8,) * 40)
        ]
        flood = asyncio.create_task(load.ask_all(*server.address, orders, CLIENTS))
        client = load.Client(*server.address)
        seconds = []
        while not flood.done():
            (answer,) = require_ok([await client.ask(load.Order(LIVE_PATH))])
            seconds.append(answer.seconds)
            await asyncio.sleep(PROBE_SECONDS)
        client.close()
        require_ok(await flood)
        return seconds

    seconds = load.run(probe())
    return Measure(
        Name.LIVE,
        1000 * percentile(seconds, 0.99),
        f"{len(seconds)} probes, slowest {1000 * max(seconds):.0f} ms",
        {"median, ms": 1000 * Spread.of(seconds).median},
    )


def _cache_hit() -> Measure:
    """The same short order again and again, on one connection, after it was spoken once."""
    with TemporaryDirectory() as folder:
        cache = AudioCacheConfig(directory=Path(folder), max_bytes=64 * 2**20)
        with servers.hibari(servers.UNBOUNDED.model_copy(update={"audio_cache": cache})) as server:
            answers = load.run(_again(server))
    first, *hits = require_ok(answers)
    missed = [each for each in hits if "hit" not in each.headers.get(CACHE_HEADER, "").lower()]
    if missed:
        told = missed[0].headers.get(CACHE_HEADER, "no such header")
        return Measure(Name.CACHE_HIT, None, f"X-Cache says: {told}")
    seconds = [each.seconds for each in hits]
    return Measure(
        Name.CACHE_HIT,
        1000 * percentile(seconds, 0.5),
        f"{len(seconds)} hits, p95 {1000 * percentile(seconds, MOST):.1f} ms",
        {"the miss before them, ms": 1000 * first.seconds},
    )


async def _again(server: servers.Server) -> list[load.Answer]:
    client = load.Client(*server.address)
    answers = [await client.ask(servers.order(texts.text(0, 1))) for _ in range(HITS + 1)]
    client.close()
    return answers

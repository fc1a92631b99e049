"""Mixed traffic for minutes, against servers that are ended in the middle of it.

Every answer is looked at. One that ends as HTTP says it must has to be, byte for byte, what the
same order gave when it was asked for alone; anything else has to be an error, or visibly cut off.
"""

import asyncio
import base64
import json
import random
import signal
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench import load, memory, servers, texts
from bench.fuzz import Fuzzer
from bench.goals import Name
from bench.load import Answer, Order
from bench.report import Measure
from bench.throughput import require_ok
from speaker_runtime.audio.formats import AudioFormat
from speaker_runtime.contract import (
    AudioCacheConfig,
    ModelConfig,
    ServingConfig,
)
from tests.support.runtime import start

CLIENTS: Final = 12
ORDERS: Final = 36
UNCACHED: Final = 0.6
"""Share of the requests that the engine has to speak anew."""
LEAVING: Final = 0.15
"""Share of the requests whose client goes away in the middle."""
LIFE_SECONDS: Final = 45.0
"""How long a server lives before it is told to end."""
_UNAVAILABLE: Final = 503
_SERVER_ERRORS: Final = range(500, 600)
_EVENTS: Final = "text/event-stream"


@dataclass
class Tally:
    """What happened.

    Attributes:
        outcomes: How often what was answered.
        errors: Answers that blame the server, other than 503.
        wrong: Answers that look complete and are not what the order gives alone.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    errors: int = 0
    wrong: list[str] = field(default_factory=list)


def run(seconds: float) -> list[Measure]:
    """Soak for so many seconds, then look at memory and at what is left over."""
    tally = Tally()
    dice = random.Random(4)  # noqa: S311  the same traffic in every run
    with TemporaryDirectory() as folder:
        directory = Path(folder)
        servers.write_documents(
            directory,
            ModelConfig(source=servers.HIBARI, directory=directory / "model"),
            serving=ServingConfig(
                max_queue_seconds=servers.DAY,
                max_client_seconds=servers.DAY,
                drain_seconds=1,
                audio_cache=AudioCacheConfig(directory=directory / "audio", max_bytes=16 * 2**20),
            ),
            voices=memory.MANIFEST,
        )
        references = _references(directory)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            _one_life(
                directory, min(LIFE_SECONDS, until - time.monotonic()), references, tally, dice
            )
        kept = memory.run(directory, CLIENTS)
    told = ", ".join(f"{count} {what}" for what, count in sorted(tally.outcomes.items()))
    return [
        Measure(Name.SERVER_ERRORS, tally.errors, told),
        Measure(
            Name.WRONG_AUDIO,
            len(tally.wrong),
            "; ".join(tally.wrong[:3]) or f"{tally.outcomes['as when alone']} compared",
        ),
        *kept,
    ]


def _orders() -> list[Order]:
    """Orders of every format, size and voice, as people send them."""
    formats = list(AudioFormat)
    return [
        servers.order(
            texts.text(number * 7, 1 + number % 4),
            voice=f"voice-{number * 3 % memory.VOICES}",
            response_format=formats[number % len(formats)].value,
            stream_format="sse" if number % 5 == 0 else "audio",
            seed=number % 4,
            priority=("interactive", "normal", "batch")[number % 3],
        )
        for number in range(ORDERS)
    ]


def _references(directory: Path) -> Mapping[Order, bytes]:
    """What each order gives alone, one after the other, with no cache."""

    async def alone(address: tuple[str, int]) -> list[Answer]:
        client = load.Client(*address)
        answers = [
            await client.ask(_changed(each, {"Cache-Control": "no-store"})) for each in known
        ]
        client.close()
        return answers

    known = _orders()
    with start(directory) as process:
        process.wait_ready()
        answers = require_ok(load.run(alone((process.host, process.port))))
    return {each: audio(answer) for each, answer in zip(known, answers, strict=True)}


def _one_life(
    directory: Path,
    seconds: float,
    references: Mapping[Order, bytes],
    tally: Tally,
    dice: random.Random,
) -> None:
    """Start a server, send traffic, tell it to end while traffic goes on, and wait for its end."""
    with start(directory) as process:
        process.wait_ready()
        fuzzer = Fuzzer(process.url, dice.randrange(1_000_000))
        fuzzer.start()

        async def live() -> None:
            stopping = asyncio.Event()
            traffic = [
                asyncio.create_task(
                    _traffic((process.host, process.port), references, tally, dice, stopping)
                )
                for _ in range(CLIENTS)
            ]
            await asyncio.sleep(seconds)
            process.process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(process.process.wait, servers.END_SECONDS)
            stopping.set()
            await asyncio.gather(*traffic)

        load.run(live())
        fuzzer.stop()
    for status, count in fuzzer.statuses.items():
        tally.outcomes[f"bad input: {status}"] += count
        tally.errors += count if status in _SERVER_ERRORS and status != _UNAVAILABLE else 0
    code = process.process.returncode
    if code:
        tally.errors += 1
        tally.outcomes[f"server ended with {code}"] += 1


async def _traffic(
    address: tuple[str, int],
    references: Mapping[Order, bytes],
    tally: Tally,
    dice: random.Random,
    stopping: asyncio.Event,
) -> None:
    """One client, which asks for known orders, and sometimes goes away in the middle."""
    known = list(references)
    client = load.Client(*address)
    while not stopping.is_set():
        order = dice.choice(known)
        asked = _changed(
            order,
            {"Cache-Control": "no-store"} if dice.random() < UNCACHED else {},
            dice.randrange(40_000) if dice.random() < LEAVING else None,
        )
        try:
            answer = await client.ask(asked)
        except OSError:
            tally.outcomes["refused to connect"] += 1
            await asyncio.sleep(0.05)
            continue
        judge(answer, references[order], tally)
        if answer.status == _UNAVAILABLE:
            await asyncio.sleep(0.05)
    client.close()


def judge(answer: Answer, reference: bytes, tally: Tally) -> None:
    """Count an answer to an order that gives ``reference`` when it is asked for alone."""
    if answer.left:
        tally.outcomes["left by the client"] += 1
    elif answer.status in _SERVER_ERRORS:
        tally.outcomes[f"refused with {answer.status}"] += 1
        tally.errors += answer.status != _UNAVAILABLE
    elif not answer.complete or _says_it_failed(answer):
        tally.outcomes["visibly cut off"] += 1
    elif answer.status != 200:  # noqa: PLR2004  HTTP's OK
        tally.outcomes[f"refused with {answer.status}"] += 1
        tally.wrong.append(f"{answer.status} for a good order")
    elif audio(answer) == reference:
        tally.outcomes["as when alone"] += 1
    else:
        tally.outcomes["WRONG"] += 1
        tally.wrong.append(
            f"{len(audio(answer))} bytes, alone {len(reference)}: {answer.order.body}"
        )


def _events(answer: Answer) -> list[dict[str, object]]:
    lines = bytes(answer.body).split(b"\n\n")
    return [json.loads(line.removeprefix(b"data: ")) for line in lines if line]


def _says_it_failed(answer: Answer) -> bool:
    """Whether a stream of events ends without the event that says that all is there."""
    if not answer.headers.get("content-type", "").startswith(_EVENTS):
        return False
    events = _events(answer)
    return not events or events[-1]["type"] != "speech.audio.done"


def audio(answer: Answer) -> bytes:
    """The audio of an answer, in whichever form it came."""
    if not answer.headers.get("content-type", "").startswith(_EVENTS):
        return bytes(answer.body)
    parts = [str(event["audio"]) for event in _events(answer) if "audio" in event]
    return b"".join(map(base64.b64decode, parts))


def _changed(order: Order, headers: Mapping[str, str], leave_after: int | None = None) -> Order:
    return Order(order.path, order.body, headers, leave_after)

"""GLM-TTS: our backend against the reference, on the same random weights, each in its process.

The reference's code is nobody's dependency: GLM_TTS_REFERENCE names a checkout of it, in which
``llm``, ``flow`` and ``cosyvoice`` lie. Without it, what is compared with it is not measured.

Random weights know no end: a piece has as many codes as its text allows, on both sides. Both have
all CPUs, and take turns.
"""

import os
import statistics
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench.glm_checkpoint import FULL, QUARTER, Size, write
from bench.glm_sides import Load, Side, Spoken, ours, reference
from bench.goals import Name
from bench.report import Measure
from bench.spread import Spread

REFERENCE: Final = "GLM_TTS_REFERENCE"
STREAMS: Final = 8
SENTENCES: Final = 5
ROUNDS: Final = 3
_ABSENT: Final = f"{REFERENCE} names no checkout of the reference"


@dataclass(frozen=True)
class _Names:
    """The goals of a size."""

    alone: Name
    together: Name
    first: Name
    load: Name
    memory: Name


_GOALS: Final = (
    (
        FULL,
        _Names(Name.GLM_ALONE, Name.GLM_TOGETHER, Name.GLM_FIRST, Name.GLM_LOAD, Name.GLM_MEMORY),
    ),
    (
        QUARTER,
        _Names(
            Name.GLM_ALONE_QUARTER,
            Name.GLM_TOGETHER_QUARTER,
            Name.GLM_FIRST_QUARTER,
            Name.GLM_LOAD_QUARTER,
            Name.GLM_MEMORY_QUARTER,
        ),
    ),
)


def run() -> list[Measure]:
    """Measure both sizes."""
    return [measure for size, names in _GOALS for measure in _measured(size, names)]


def _measured(size: Size, names: _Names) -> list[Measure]:
    with TemporaryDirectory(prefix="bench-glm-") as folder:
        directory = write(Path(folder), size)
        with _sides(directory) as (mine, theirs):
            first = _first(names.first, mine)
            if theirs is None:
                others = (names.alone, names.together, names.load, names.memory)
                return [first, *(Measure(name, None, _ABSENT) for name in others)]
            return [*_speed(names, mine, theirs), first, *_loads(names, mine.load, theirs.load)]


@contextmanager
def _sides(directory: Path) -> Iterator[tuple[Side, Side | None]]:
    checkout = os.environ.get(REFERENCE)
    with ExitStack() as stack:
        theirs = None
        if checkout:
            theirs = stack.enter_context(reference(directory, Path(checkout)))
        yield stack.enter_context(ours(directory)), theirs


def _speed(names: _Names, mine: Side, theirs: Side) -> list[Measure]:
    alone, together, their = [], [], []
    for seed in range(ROUNDS):
        their.append(theirs.speak(1, 1, seed))
        alone.append(mine.speak(1, 1, seed))
        together.append(mine.speak(STREAMS, 1, seed))
    return [_ratio(names.alone, alone, their), _ratio(names.together, together, their)]


def _ratio(name: Name, mine: Sequence[Spoken], theirs: Sequence[Spoken]) -> Measure:
    ratios = [a.speed / b.speed for a, b in zip(mine, theirs, strict=True)]
    spread = Spread.of(ratios)
    speeds = [statistics.median(each.speed for each in side) for side in (mine, theirs)]
    return Measure(
        name,
        statistics.median(ratios),
        f"{spread.lowest:.2f} to {spread.highest:.2f} in {spread.count} rounds; "
        f"{speeds[0]:.3f} against {speeds[1]:.3f} s of speech per second",
        {"ours": speeds[0], "reference": speeds[1]},
    )


def _first(name: Name, mine: Side) -> Measure:
    mine.speak(1, 1, seed=0)  # nothing is run for the first time
    spoken = [mine.speak(1, SENTENCES, seed) for seed in range(ROUNDS)]
    shares = [each.first / each.seconds for each in spoken]
    spread = Spread.of(shares)
    first, whole = (
        statistics.median(getattr(each, what) for each in spoken) for what in ("first", "seconds")
    )
    return Measure(
        name,
        statistics.median(shares),
        f"{spread.lowest:.2f} to {spread.highest:.2f} in {spread.count} rounds; {first:.1f} of "
        f"{whole:.1f} s",
        {"first": first, "whole": whole},
    )


def _loads(names: _Names, mine: Load, theirs: Load) -> list[Measure]:
    return [
        Measure(
            names.load,
            mine.seconds / theirs.seconds,
            f"{mine.seconds:.1f} against {theirs.seconds:.1f} s",
            {"ours": mine.seconds, "reference": theirs.seconds},
        ),
        Measure(
            names.memory,
            mine.peak / theirs.peak,
            f"{mine.peak / 1e9:.1f} against {theirs.peak / 1e9:.1f} GB",
            {"ours": mine.peak, "reference": theirs.peak},
        ),
    ]

"""What a benchmark says: a table for people, JSON for the documentation, an exit code for make."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.goals import GOALS, Name
from bench.machine import Machine

FOLDER: Final = Path("build/bench")


@dataclass(frozen=True)
class Measure:
    """One measured value of a goal.

    Attributes:
        name: The goal.
        value: In the goal's unit; None where it could not be measured.
        spread: How far the repetitions lie apart, or why there is no value.
        details: Further figures that the value was made of, by what they are.
    """

    name: Name
    value: float | None
    spread: str = ""
    details: Mapping[str, float] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether the goal is reached; what was not measured does not hold."""
        return self.value is not None and GOALS[self.name].holds(self.value)

    def row(self) -> tuple[str, str, str, str, str]:
        """What, how much, goal, whether it holds, spread."""
        goal = GOALS[self.name]
        unit = f" {goal.unit}" if goal.unit else ""
        value = "not measured" if self.value is None else f"{self.value:.3g}{unit}"
        return goal.measure, value, str(goal), "yes" if self.holds else "NO", self.spread


def show(measures: Sequence[Measure], console: Console) -> None:
    """Print the table."""
    table = Table(title="Benchmark")
    for heading in ("measure", "value", "goal", "holds", "spread"):
        table.add_column(heading)
    for measure in measures:
        table.add_row(*measure.row(), style=None if measure.holds else "bold red")
    console.print(table)


def write(name: str, machine: Machine, measures: Sequence[Measure], folder: Path = FOLDER) -> Path:
    """Write the JSON of one benchmark; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "benchmark": name,
        "machine": asdict(machine),
        "measures": [
            {
                "name": measure.name.value,
                "measure": GOALS[measure.name].measure,
                "value": measure.value,
                "unit": GOALS[measure.name].unit,
                "goal": str(GOALS[measure.name]),
                "holds": measure.holds,
                "spread": measure.spread,
                "details": dict(measure.details),
            }
            for measure in measures
        ],
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def exit_code(measures: Sequence[Measure]) -> int:
    """0 where every goal holds, else 1."""
    return 0 if all(measure.holds for measure in measures) else 1

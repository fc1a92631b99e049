"""Measured values that a test run reports."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Figure:
    """A measured value with the goal that it had to reach."""

    test: str
    name: str
    value: float
    unit: str
    goal: str


class RecordFigure(Protocol):
    """Signature of the ``record_figure`` fixture."""

    def __call__(self, name: str, value: float, unit: str, *, goal: str = "") -> None: ...

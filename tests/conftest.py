"""What every test may ask for: figures that end in a report, and honest skips."""

import json
import os
from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.support.figures import Figure, RecordFigure

ROOT = Path(__file__).parent.parent
FIGURES_FILE = ROOT / "build" / "figures.json"

_figures: pytest.StashKey[list[Figure]] = pytest.StashKey()


@pytest.fixture
def record_figure(request: pytest.FixtureRequest) -> RecordFigure:
    """Note a measured value; the run prints all of them and writes build/figures.json."""

    def record(name: str, value: float, unit: str, *, goal: str = "") -> None:
        figure = Figure(request.node.nodeid, name, round(value, 4), unit, goal)
        request.config.stash.setdefault(_figures, []).append(figure)

    return record


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return ROOT


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With CI=true nothing may be skipped: what is missing there is a failure."""
    report = yield
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"Nothing may be skipped with CI=true, but: {reason}"
    return report


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the measured figures and write them where other tools can read them."""
    figures = config.stash.get(_figures, [])
    if not figures:
        return
    terminalreporter.section("figures")
    for figure in figures:
        goal = f"   (goal: {figure.goal})" if figure.goal else ""
        terminalreporter.write_line(f"{figure.name:<58} {figure.value:>10g} {figure.unit}{goal}")
    FIGURES_FILE.parent.mkdir(exist_ok=True)
    FIGURES_FILE.write_text(json.dumps([asdict(f) for f in figures], indent=2) + "\n")

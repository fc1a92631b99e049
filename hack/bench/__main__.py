"""``python -m bench NAME…`` measures, prints a table, writes JSON; ``docs`` writes the page."""

import argparse
import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from rich.console import Console

from bench import gateway, page, peer, report, serving, soak, throughput
from bench.control import everything
from bench.machine import Machine
from bench.report import Measure


def _xtts() -> list[Measure]:
    from bench import xtts  # noqa: PLC0415  seconds

    return xtts.run()


def _glm() -> list[Measure]:
    from bench import glm  # noqa: PLC0415  seconds

    return glm.run()


BENCHMARKS: Final[Mapping[str, Callable[[], list[Measure]]]] = MappingProxyType(
    {
        "throughput": throughput.run,
        "serving": serving.run,
        "gateway": gateway.run,
        "peer": peer.run,
        "xtts": _xtts,
        "glm": _glm,
    }
)
OF_THE_RUNTIME: Final = ("throughput", "serving", "gateway", "peer")

_WIDTH: Final = 140


def main() -> int:
    """Run what is named; 1 where a goal does not hold."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run", help="measure")
    running.add_argument(
        "names", nargs="*", metavar="NAME", help=f"default: {', '.join(OF_THE_RUNTIME)}"
    )
    controlling = commands.add_parser("operator", help="measure the operator, or parts of that")
    controlling.add_argument("parts", nargs="*", metavar="PART", help=", ".join(everything.PARTS))
    soaking = commands.add_parser("soak", help="mixed traffic for a while")
    soaking.add_argument("--minutes", type=float, default=10.0)
    commands.add_parser("docs", help="write docs/benchmarks.md from the JSON")
    asked = parser.parse_args()
    for named, there_are in (("names", BENCHMARKS), ("parts", everything.PARTS)):
        unknown = set(getattr(asked, named, ())).difference(there_are)
        if unknown:
            parser.error(f"no {', '.join(sorted(unknown))}; there are: {', '.join(there_are)}")
    if asked.command == "docs":
        page.write()
        return 0
    if asked.command == "soak":
        return _finish("soak", soak.run(asked.minutes * 60))
    if asked.command == "operator":  # the page shows whole runs alone
        name = "-".join(("operator", *asked.parts))
        return _finish(name, everything.run(asked.parts or everything.PARTS))
    return max(_finish(name, BENCHMARKS[name]()) for name in asked.names or OF_THE_RUNTIME)


def _finish(name: str, measures: list[Measure]) -> int:
    report.show(measures, Console(width=_WIDTH))
    sys.stdout.write(f"written to {report.write(name, Machine.here(), measures)}\n")
    return report.exit_code(measures)


if __name__ == "__main__":
    sys.exit(main())

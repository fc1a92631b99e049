import io
import json
from pathlib import Path

from rich.console import Console

from bench import page, report
from bench.goals import Name
from bench.machine import Machine
from bench.report import Measure

MACHINE = Machine("a CPU", 2, 8.0, "a kernel", "3.11", {"numpy": "2"}, "abc")
GOOD = Measure(Name.CACHE_HIT, 4.0, "some hits", {"p95, ms": 4.5})
BAD = Measure(Name.CACHE_HIT, 5.0)
MISSING = Measure(Name.COLD_START, None, "nothing to start")


def table(*measures: Measure) -> str:
    console = Console(file=io.StringIO(), width=200)
    report.show(measures, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]  # it is the StringIO from above
    return str(text)


def test_the_exit_code_is_0_when_every_goal_holds() -> None:
    assert report.exit_code([GOOD, GOOD]) == 0


def test_the_exit_code_is_1_when_one_goal_does_not_hold() -> None:
    assert report.exit_code([GOOD, BAD]) == 1


def test_what_was_not_measured_does_not_hold() -> None:
    assert report.exit_code([GOOD, MISSING]) == 1


def test_the_table_tells_measure_value_goal_and_whether_it_holds() -> None:
    row = next(line for line in table(GOOD).splitlines() if "cache hit" in line)
    assert [cell.strip() for cell in row.split("│")[1:5]] == [
        "cache hit, p50",
        "4 ms",
        "< 5 ms",
        "yes",
    ]


def test_the_table_tells_what_was_not_measured_and_why() -> None:
    assert "not measured" in table(MISSING)
    assert "nothing to start" in table(MISSING)


def test_the_json_has_the_machine_and_the_verdict(tmp_path: Path) -> None:
    written = json.loads(report.write("serving", MACHINE, [BAD], tmp_path).read_text())
    assert written["machine"]["cpu"] == "a CPU"
    assert written["measures"][0]["goal"] == "< 5 ms"
    assert written["measures"][0]["holds"] is False


def test_the_page_is_written_from_the_json(tmp_path: Path) -> None:
    report.write("serving", MACHINE, [GOOD, MISSING], tmp_path)
    page.write(tmp_path, tmp_path / "page.md")
    text = (tmp_path / "page.md").read_text()
    assert "| cache hit, p50 | 4 ms | < 5 ms | yes | some hits |" in text
    assert "| cold start to ready | not measured | < 5 s | **no** | nothing to start |" in text
    assert "On a CPU, 2 cores, 8.0 GiB, a kernel" in text


def test_the_page_leaves_out_what_was_never_run(tmp_path: Path) -> None:
    page.write(tmp_path, tmp_path / "page.md")
    assert "##" not in (tmp_path / "page.md").read_text()


def test_the_page_keeps_what_was_run_before(tmp_path: Path) -> None:
    earlier, later, together = (tmp_path / name for name in ("earlier", "later", "together"))
    for folder, name, measure in ((earlier, "soak", BAD), (later, "serving", GOOD)):
        for each in (folder, together):
            report.write(name, MACHINE, [measure], each)
    report.write("serving", MACHINE, [MISSING], earlier)
    for folder in (earlier, later):
        page.write(folder, tmp_path / "page.md")
    page.write(together, tmp_path / "at-once.md")
    assert (tmp_path / "page.md").read_text() == (tmp_path / "at-once.md").read_text()

"""Which Go is new enough, and what a build runs."""

from pathlib import Path

import pytest

from cluster.binaries import build_command, build_key
from cluster.config import Module, Tool
from cluster.toolchain import Go, parse_version


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("1.26.0", (1, 26, 0)),
        ("go version go1.27 linux/arm64", (1, 27)),
        ("not a version", ()),
    ],
)
def test_a_version_is_read_as_numbers(text: str, numbers: tuple[int, ...]) -> None:
    assert parse_version(text) == numbers


def test_a_later_minor_version_is_newer_than_any_patch() -> None:
    assert parse_version("go1.27") > parse_version("1.26.12")


def test_no_version_is_older_than_any() -> None:
    assert parse_version("") < parse_version("1.0")


def test_the_caches_of_go_stay_in_the_work_folder(tmp_path: Path) -> None:
    environment = Go(Path("/go/bin/go")).environment(tmp_path)
    for name in ("GOCACHE", "GOMODCACHE", "GOTMPDIR"):
        assert Path(environment[name]).is_relative_to(tmp_path)


def module(*ldflags: str) -> Module:
    return Module("etcd", "v1", "example.org/etcd", ldflags, (), {"etcd": Tool("a/etcd", ())})


def test_a_build_leaves_out_paths_and_symbols() -> None:
    command = build_command(Path("go"), module("-X v=1"), "etcd", Path("/out"))
    assert command == [
        *("go", "build", "-trimpath", "-gcflags=all=-dwarf=false"),
        *("-ldflags", "-s -w -X v=1", "-o", "/out", "a/etcd"),
    ]


def test_other_linker_flags_are_another_build() -> None:
    assert build_key(module("-X v=1")) != build_key(module("-X v=2"))


def test_another_program_is_another_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Module, "directory", tmp_path)
    (tmp_path / "go.mod").write_text("module own")
    (tmp_path / "go.sum").touch()
    without = build_key(module())
    (tmp_path / "main.go").write_text("package main")
    assert build_key(module()) != without

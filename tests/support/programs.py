"""Programs that the documentation shows, run as a reader would run them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
NODE_MODULES: Final = ROOT / "tests" / "contract" / "js" / "node_modules"
RUN_TIMEOUT: Final = 120
PATH: Final = f"{Path(sys.executable).parent}:/usr/local/go/bin:{os.environ['PATH']}"
_MP3_STARTS: Final = (b"\xff", b"ID3")


def run_program(
    directory: Path, command: list[str], environment: Mapping[str, str] | None = None
) -> str:
    """Run a program in ``directory``, which must end well; return what it printed.

    It is skipped where the machine cannot run it.
    """
    if shutil.which(command[0], path=PATH) is None:
        pytest.skip(f"{command[0]} is not installed")
    ended: subprocess.CompletedProcess[str] = subprocess.run(
        command,
        cwd=directory,
        env={**os.environ, "PATH": PATH, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT,
        check=False,
    )
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    return ended.stdout


def use_node_modules(directory: Path) -> None:
    """Let JavaScript in ``directory`` import the clients that `make setup` installs."""
    if not NODE_MODULES.is_dir():
        pytest.skip("the JavaScript clients are not installed: make setup, with npm")
    (directory / "node_modules").symlink_to(NODE_MODULES)


def is_mp3(path: Path) -> bool:
    """Whether the file is MP3 audio of some length."""
    data = path.read_bytes()
    return len(data) > 1000 and data.startswith(_MP3_STARTS)

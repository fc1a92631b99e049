"""The images carry what runs and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.client_pod import run
from tests.support.figures import RecordFigure
from tests.support.kubernetes import Kubectl

pytestmark = pytest.mark.e2e

OPERATOR_LIMIT_MB = 250
SIZE_TIMEOUT = 300
LEFTOVERS = """
import pathlib, shutil
tools = [tool for tool in ("gcc", "cc", "make", "uv") if shutil.which(tool)]
pips = [str(path) for path in pathlib.Path("/opt").rglob("*") if path.name in {"pip", ".cache"}]
print("found:", tools + pips)
"""


def test_the_operator_image_is_small(
    deployed: Kubectl, repository: Path, record_figure: RecordFigure
) -> None:
    size = subprocess.run(
        [sys.executable, "-m", "cluster", "image-size", "operator"],
        cwd=repository / "hack",
        capture_output=True,
        text=True,
        timeout=SIZE_TIMEOUT,
        check=True,
    )
    megabytes = int(size.stdout.split()[0]) / 1e6
    record_figure("operator image on top of its base", megabytes, "MB", goal="<= 250")
    assert megabytes <= OPERATOR_LIMIT_MB


def test_no_compiler_and_no_package_cache_is_in_the_image(kubectl: Kubectl) -> None:
    log = run(kubectl, "leftovers", ["/opt/venv/bin/python", "-c", LEFTOVERS])
    assert log.strip() == "found: []"

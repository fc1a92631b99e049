"""The installation can be tried by its own test."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.kubernetes import Kubectl

pytestmark = pytest.mark.e2e

TEST_TIMEOUT = 400
"""A little more than the chart's own."""


def test_helm_test_has_the_installation_speak(deployed: Kubectl, repository: Path) -> None:
    where = ["--namespace", "speaker-tts-system", "--timeout", f"{TEST_TIMEOUT}s"]
    ended = subprocess.run(
        [sys.executable, "-m", "cluster", "helm", "test", "speaker-tts", *where],
        cwd=repository,
        env=os.environ | {"PYTHONPATH": "hack"},
        capture_output=True,
        text=True,
        timeout=2 * TEST_TIMEOUT,
        check=False,
    )
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    assert "Succeeded" in ended.stdout

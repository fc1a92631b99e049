"""Run the pinned helm on the chart."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

HELM_TIMEOUT = 900
"""Seconds for one helm command; the first on a machine compiles helm."""

Helm = Callable[..., subprocess.CompletedProcess[str]]
Manifest = dict[str, Any]


@pytest.fixture(scope="session")
def helm(repository: Path) -> Helm:
    """`helm template` with these arguments."""

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "cluster", "helm", "template", "release"]
        return subprocess.run(
            [*command, "charts/speaker-tts", "--namespace", "system", *args],
            cwd=repository,
            env={"PYTHONPATH": "hack", "PATH": "/usr/local/go/bin:/usr/local/bin:/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=HELM_TIMEOUT,
            check=False,
        )

    return run


def rendered(helm: Helm, *args: str) -> list[Manifest]:
    """The objects that the chart makes with these arguments."""
    ended = helm(*args)
    assert ended.returncode == 0, ended.stderr
    return [document for document in yaml.safe_load_all(ended.stdout) if document]


def of_kind(manifests: list[Manifest], kind: str) -> list[Manifest]:
    return [m for m in manifests if m["kind"] == kind]

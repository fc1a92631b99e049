"""The runtime's image serves YAML by itself, without the operator."""

from pathlib import Path

import pytest

from tests.e2e.client_pod import run
from tests.support.kubernetes import Kubectl

pytestmark = pytest.mark.e2e


def test_the_image_serves_the_quickstart_on_a_read_only_file_system(
    kubectl: Kubectl, repository: Path
) -> None:
    quickstart = repository / "examples" / "quickstart.yaml"
    kubectl("create", "configmap", "examples", f"--from-file={quickstart}")
    command = "up -f /config/quickstart.yaml --host 0.0.0.0 --say Hello. -o /tmp/hello.wav --once"
    log = run(kubectl, "container", ["/opt/venv/bin/speaker-tts", *command.split()], "examples")
    assert "hello is ready" in log

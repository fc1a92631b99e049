"""What the tests of the engines' images share."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from speaker_runtime.contract import (
    CONFIG_FILE,
    VOICES_FILE,
    Document,
    ModelConfig,
    RuntimeConfig,
    VoiceManifest,
)
from tests.support.kubernetes import Kubectl, is_ready

BUILD_TIMEOUT: Final = 45 * 60
"""Seconds to build an image of five gigabytes and to put it on the node."""
GIGABYTES: Final = 5.0
OF_THE_NODE: Final = {"libcuda.so.1", "libibverbs.so.1", "libmlx5.so.1", "librdmacm.so.1"}
"""The driver's, which the container runtime adds, and those of network cards that read storage."""
SYSTEM: Final = "speaker-tts-system"
OPERATOR: Final = "speaker-tts-operator"


def cluster(repository: Path, *verb: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "cluster", *verb],
        cwd=repository / "hack",
        capture_output=True,
        text=True,
        timeout=BUILD_TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-6000:]
    return done.stdout


def gigabytes_of(repository: Path, image: str) -> float:
    """Of a built image, unpacked, its base included."""
    _, whole = cluster(repository, "image-size", image).split()
    return int(whole) / 1e9


def documents(directory: Path, backend: str, model: ModelConfig, **more: Document) -> None:
    """What the operator would write, for a directory that the runtime sees as /mnt."""
    inside = model.model_copy(update={"directory": Path("/mnt") / model.directory.name})
    config = RuntimeConfig(service=backend, backend=backend, model=inside).model_copy(update=more)
    (directory / CONFIG_FILE).write_text(config.to_json())
    (directory / VOICES_FILE).write_text(VoiceManifest().to_json())


def allow(kubectl: Kubectl, secret: str) -> None:
    """Let the operator read one Secret, as docs/voices.md says."""
    name = f"read-{secret}"
    kubectl("create", "role", name, "--verb=get", "--resource=secrets", f"--resource-name={secret}")
    account = f"--serviceaccount={SYSTEM}:{OPERATOR}"
    kubectl("create", "rolebinding", name, f"--role={name}", account)


def ready(kubectl: Kubectl, kind: str, name: str) -> bool:
    return is_ready(kubectl.get(kind, name))

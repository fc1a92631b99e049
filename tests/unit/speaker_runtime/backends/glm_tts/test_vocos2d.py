"""Vocos2D: what it is called with, and that it is run only where it is trusted."""

import hashlib
from pathlib import Path

import pytest
import torch

from speaker_runtime.backends.glm_tts.vocos2d import Vocos2d
from speaker_runtime.contract import ExitCode
from speaker_runtime.models.errors import ModelError
from tests.support.glm_models import write_vocos

CPU = torch.device("cpu")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_vocos(tmp_path)


def digest(path: Path) -> str:
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def test_it_is_called_with_frames_that_are_shifted(path: Path) -> None:
    vocos = Vocos2d.load(path, digest(path), CPU)
    mel = torch.randn(80, 5)

    wave = vocos(mel)

    expected = (mel.t() - 7.847762537473608).repeat_interleave(8, dim=1).flatten()
    assert torch.equal(wave, expected)
    assert len(wave) == 5 * 640


def test_a_single_frame_is_said_twice(path: Path) -> None:
    vocos = Vocos2d.load(path, digest(path), CPU)
    mel = torch.randn(80, 1)
    assert torch.equal(vocos(mel), vocos(mel.repeat(1, 2)))


@pytest.mark.parametrize("trusted", [None, f"sha256:{'0' * 64}"])
def test_a_file_that_nobody_trusts_is_not_opened(path: Path, trusted: str | None) -> None:
    with pytest.raises(
        ModelError, match=f"{path}.*{digest(path)}.*Nothing of it was run"
    ) as failed:
        Vocos2d.load(path, trusted, CPU)
    assert failed.value.exit_code is ExitCode.INVALID_CONFIG


def test_what_is_no_program_is_named(tmp_path: Path) -> None:
    path = tmp_path / "generator_jit.ckpt"
    with pytest.raises(ModelError, match=str(path)):
        Vocos2d.load(path, None, CPU)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ModelError, match=str(path)) as failed:
        Vocos2d.load(path, digest(path), CPU)
    assert failed.value.exit_code is ExitCode.MODEL_CORRUPT

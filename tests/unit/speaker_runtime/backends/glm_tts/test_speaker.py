"""The speaker's vector against the graph's own formula, and graphs that are none."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from speaker_runtime.audio.clips import UnfitReferenceError
from speaker_runtime.backends.glm_tts.features import filterbank, resampled
from speaker_runtime.backends.glm_tts.speaker import SpeakerEncoder
from speaker_runtime.contract import ExitCode
from speaker_runtime.models.errors import ModelError
from tests.support.glm_front import speaker_matrix, write_speaker
from tests.unit.speaker_runtime.backends.glm_tts.test_features import wave


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> SpeakerEncoder:
    return SpeakerEncoder(write_speaker(tmp_path_factory.mktemp("speaker") / "campplus.onnx"), 1)


def test_the_graph_hears_the_filterbank(encoder: SpeakerEncoder) -> None:
    sound = wave(16_000)
    frames = filterbank(sound).numpy()
    both = np.concatenate([np.square(frames).mean(axis=0), frames.max(axis=0)])
    made = encoder(sound, 16_000)
    assert made.shape == (192,)
    np.testing.assert_allclose(made.numpy(), both @ speaker_matrix(), rtol=1e-3, atol=1e-3)


def test_channels_are_mixed_before_they_are_resampled(encoder: SpeakerEncoder) -> None:
    both = torch.stack([wave(9000, 24_000, seed=1), wave(9000, 24_000, seed=2)])
    mixed = resampled((both[0] + both[1]) / 2, 24_000, 16_000)
    torch.testing.assert_close(encoder(both, 24_000), encoder(mixed, 16_000))


def test_loudness_is_heard(encoder: SpeakerEncoder) -> None:
    # The means over time are taken away, so that only what is at the floor differs.
    sound = wave(16_000)
    assert not torch.allclose(encoder(sound, 16_000), encoder(sound / 8, 16_000), atol=1e-2)


def test_a_recording_of_less_than_a_frame_is_too_short(encoder: SpeakerEncoder) -> None:
    assert encoder(wave(400), 16_000).isfinite().all()
    with pytest.raises(UnfitReferenceError, match="record"):
        encoder(wave(399), 16_000)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.write_bytes(b""), "campplus.onnx"),
        (lambda path: path.write_bytes(path.read_bytes()[:-100]), "campplus.onnx"),
        (lambda path: path.write_bytes(b"nothing of the kind"), "campplus.onnx"),
        (lambda path: write_speaker(path, outputs=100), "100 numbers of a recording, not 192"),
    ],
)
def test_damage_is_told_with_the_files_name(
    tmp_path: Path, damage: Callable[[Path], object], said: str
) -> None:
    path = write_speaker(tmp_path / "campplus.onnx")
    damage(path)
    with pytest.raises(ModelError, match=said) as failed:
        SpeakerEncoder(path, 1)
    assert failed.value.exit_code is ExitCode.MODEL_CORRUPT


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no .*campplus\.onnx") as failed:
        SpeakerEncoder(tmp_path / "campplus.onnx", 1)
    assert failed.value.exit_code is ExitCode.MODEL_UNAVAILABLE

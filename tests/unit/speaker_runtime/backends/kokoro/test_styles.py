"""Styles of voices, read from files and mixed."""

from pathlib import Path

import numpy as np
import pytest

from speaker_runtime.backends.kokoro.styles import LENGTHS, WIDTH, read_styles
from speaker_runtime.contract import ExitCode
from speaker_runtime.models import manifest as manifests
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.manifest import FileEntry
from speaker_runtime.models.store import StoredModel

ACCENTS = frozenset("ab")


def stored(
    directory: Path, values: dict[str, float], numbers: int = LENGTHS * WIDTH
) -> StoredModel:
    (directory / "voices").mkdir()
    entries = []
    for name, value in values.items():
        content = np.full(numbers, value, dtype="<f4").tobytes()
        (directory / "voices" / f"{name}.bin").write_bytes(content)
        entries.append(FileEntry(name=f"voices/{name}.bin", size=len(content), sha256="0" * 64))
    return StoredModel(directory, manifests.build("x://y", entries))


def test_the_best_voice_comes_first(tmp_path: Path) -> None:
    model = stored(tmp_path, {"af_alloy": 0, "bm_lewis": 0, "af_heart": 0})
    assert read_styles(model, ACCENTS).presets == ("af_heart", "af_alloy", "bm_lewis")


def test_voices_of_other_accents_are_left_out(tmp_path: Path) -> None:
    model = stored(tmp_path, {"af_heart": 0, "jf_alpha": 0})
    assert read_styles(model, ACCENTS).presets == ("af_heart",)


def test_a_mix_is_the_weighted_mean(tmp_path: Path) -> None:
    styles = read_styles(stored(tmp_path, {"af_heart": 1.0, "am_adam": 2.0}), ACCENTS)
    mixed = styles.style("af_heart*0.25+am_adam*0.75")
    assert mixed.shape == (LENGTHS, WIDTH)
    np.testing.assert_allclose(mixed, 1.75)


def test_a_mix_is_made_once(tmp_path: Path) -> None:
    styles = read_styles(stored(tmp_path, {"af_heart": 1.0, "am_adam": 2.0}), ACCENTS)
    assert styles.style("af_heart") is styles.style("af_heart")
    assert styles.mixed_bytes == 0
    mixed = styles.style("af_heart*0.5+am_adam*0.5")
    assert styles.style("af_heart*0.5+am_adam*0.5") is mixed
    assert styles.mixed_bytes == mixed.nbytes


def test_a_style_of_another_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not 510") as failed:
        read_styles(stored(tmp_path, {"af_heart": 0}, numbers=7), ACCENTS)
    assert failed.value.exit_code is ExitCode.MODEL_CORRUPT


def test_a_model_without_voices_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no voice") as failed:
        read_styles(stored(tmp_path, {}), ACCENTS)
    assert failed.value.exit_code is ExitCode.MODEL_UNAVAILABLE

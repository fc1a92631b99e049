"""What the control plane says of each backend is what the runtime has."""

from pathlib import Path, PurePosixPath

import pytest

from speaker_operator.api.v1alpha1.backends import BACKENDS
from speaker_runtime.backends.registry import available
from speaker_runtime.models.sources import resolve
from speaker_runtime.models.sources.base import Workspace
from speaker_runtime.models.web import Web


@pytest.mark.parametrize("name", BACKENDS)
def test_every_backend_is_installed_in_the_runtime(name: str) -> None:
    assert name in available()


@pytest.mark.parametrize("name", BACKENDS)
def test_every_default_model_can_be_resolved(name: str, tmp_path: Path) -> None:
    assert resolve(BACKENDS[name].model_source, Workspace(tmp_path, Web, lambda _: None)).list()


def test_kokoros_presets_are_the_voices_of_its_model(tmp_path: Path) -> None:
    kokoro = BACKENDS["kokoro"]
    files = resolve(kokoro.model_source, Workspace(tmp_path, Web, lambda _: None)).list()
    paths = [PurePosixPath(entry.name) for entry in files]
    voices = {path.stem for path in paths if path.parent.name == "voices"}
    assert len(kokoro.presets) == len(voices)
    assert set(kokoro.presets) == voices

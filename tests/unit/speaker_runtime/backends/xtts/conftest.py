"""One tiny checkpoint, as coqui-tts loads it and as the backend does."""

from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from safetensors.torch import save_file
from TTS.tts.configs.xtts_config import XttsConfig
from TTS.tts.models.xtts import Xtts

from speaker_runtime.backends.xtts import checkpoint, recipe
from speaker_runtime.backends.xtts.checkpoint import Checkpoint
from speaker_runtime.models.manifest import FileEntry, ModelManifest
from speaker_runtime.models.store import StoredModel
from tests.support.xtts import tiny_checkpoint, tiny_speakers, tiny_weights

SLOTS = 16


class Pair(NamedTuple):
    """The same model twice."""

    coqui: Xtts
    ours: Checkpoint


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="session")
def stored(published: Path, tmp_path_factory: pytest.TempPathFactory) -> StoredModel:
    """As a fetch leaves it."""
    directory = tmp_path_factory.mktemp("stored")
    for name in (recipe.CONFIG_FILE, recipe.VOCABULARY_FILE):
        (directory / name).write_bytes((published / name).read_bytes())
    save_file(
        {k: v.contiguous() for k, v in tiny_weights().items()}, directory / recipe.WEIGHTS_FILE
    )
    speakers = {
        f"{name}/{part}": tensor
        for name, parts in tiny_speakers().items()
        for part, tensor in parts.items()
    }
    save_file(speakers, directory / recipe.SPEAKERS_FILE)
    return stored_at(directory)


@pytest.fixture(scope="session")
def pair(published: Path, stored: StoredModel) -> Pair:
    config = XttsConfig()
    config.load_json(str(published / recipe.CONFIG_FILE))
    coqui = Xtts(config)
    coqui.load_checkpoint(config, checkpoint_dir=str(published), eval=True)
    with torch.inference_mode():
        ours = checkpoint.load(
            stored,
            device=torch.device("cpu"),
            precision=torch.float32,
            slots=SLOTS,
            progress=lambda _: None,
        )
    return Pair(coqui, ours)


def stored_at(directory: Path) -> StoredModel:
    """A model of all files in a directory."""
    files = tuple(
        FileEntry(name=path.name, size=path.stat().st_size, sha256="0" * 64)
        for path in sorted(directory.iterdir())
    )
    manifest = ModelManifest(source="file:///x", digest=f"sha256:{'0' * 64}", files=files)
    return StoredModel(directory, manifest)

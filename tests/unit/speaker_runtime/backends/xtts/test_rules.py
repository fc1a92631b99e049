"""By which rules tokens are drawn: the request's, or those of the checkpoint."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from speaker_runtime.audio.guard import Bounds
from speaker_runtime.backends.protocol import Placement, SpeechRequest
from speaker_runtime.backends.xtts import recipe
from speaker_runtime.backends.xtts.model import Model
from speaker_runtime.backends.xtts.sampling import Rules
from speaker_runtime.contract import ExitCode, Sampling
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.store import StoredModel
from tests.support.xtts import SPEAKERS
from tests.unit.speaker_runtime.backends.xtts.conftest import stored_at

REQUEST = SpeechRequest("Hello.", preset=SPEAKERS[0], language="en", speed=1.0, seed=0)
CPU = Placement("cpu", threads=1)
BOUNDS = Bounds(usual=17.0, slowest=5.0, fastest=40.0)


def loaded(stored: StoredModel) -> Model:
    return Model(stored, CPU, 2, BOUNDS, lambda _: None)


def described(stored: StoredModel, directory: Path, **config: object) -> StoredModel:
    """The same model with another configuration."""
    shutil.copytree(stored.directory, directory)
    path = directory / recipe.CONFIG_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | config))
    return stored_at(directory)


def test_a_request_goes_before_the_checkpoint(stored: StoredModel, tmp_path: Path) -> None:
    own = {"temperature": 0.65, "top_k": 40, "top_p": 0.8, "repetition_penalty": 5.0}
    model = loaded(described(stored, tmp_path / "model", **own))

    assert model.sampling.model_dump() == own
    assert model.open(REQUEST).rules == Rules(0.65, 40, 0.8, 5.0)
    asked = replace(REQUEST, sampling=Sampling(top_k=1, repetition_penalty=1.0))
    assert model.open(asked).rules == Rules(0.65, 1, 0.8, 1.0)


@pytest.mark.parametrize("wrong", [{"temperature": 0.0}, {"top_p": 1.5}])
def test_a_checkpoint_with_rules_that_are_none_is_damaged(
    stored: StoredModel, tmp_path: Path, wrong: dict[str, float]
) -> None:
    with pytest.raises(ModelError, match=next(iter(wrong))) as failed:
        loaded(described(stored, tmp_path / "model", **wrong))
    assert failed.value.exit_code is ExitCode.MODEL_CORRUPT

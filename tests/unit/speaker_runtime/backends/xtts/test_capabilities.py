"""What the loaded backend says that it can do, and what becomes of texts by that."""

import json
import os
import shutil
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from speaker_runtime.audio.formats import AudioFormat
from speaker_runtime.backends.protocol import (
    Capabilities,
    Placement,
    Reference,
    Slice,
    SpeechRequest,
)
from speaker_runtime.backends.xtts import XttsBackend
from speaker_runtime.backends.xtts.recipe import (
    CONFIG_FILE,
    SPEAKERS_FILE,
    VOCABULARY_FILE,
    WEIGHTS_FILE,
)
from speaker_runtime.contract import ExitCode, ModelConfig, VoiceManifest
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.manifest import MANIFEST_FILE
from speaker_runtime.models.store import StoredModel
from speaker_runtime.services.planning import SpeechOrder, plan
from speaker_runtime.text.languages import primary
from speaker_runtime.text.lexicon import Lexicon
from speaker_runtime.voices.catalogue import Catalogue
from tests.support.clips import voiced
from tests.support.xtts import SPEAKERS
from tests.unit.speaker_runtime.backends.xtts.conftest import stored_at

JAPANESE = "吾輩は猫である、名前はまだ無い、どこで生れたかとんと見当がつかぬ、" * 12
FRENCH = "longtemps, je me suis couché de bonne heure, à peine ma bougie éteinte, mes yeux " * 12
WITHOUT_CLAUSES = "長" * 500


def installed(stored: StoredModel, directory: Path, *without: str) -> XttsBackend:
    """A backend of the model in a directory of its own, where some of its files are missing."""
    shutil.copytree(
        stored.directory, directory, copy_function=os.link, ignore=lambda *_: set(without)
    )
    there = stored_at(directory).manifest
    (directory / MANIFEST_FILE).write_text(there.to_json())
    model = ModelConfig(source=there.source, directory=directory)
    return XttsBackend(model, Placement("cpu", threads=1))


@pytest.fixture(scope="module")
def can(stored: StoredModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Capabilities]:
    backend = installed(stored, tmp_path_factory.mktemp("installed") / "model")
    yield backend.load(lambda _: None)
    backend.close()


def test_every_language_has_a_limit(can: Capabilities) -> None:
    assert len(can.languages) == 17
    assert {primary(each) for each in can.languages} == set(can.limits)


@pytest.mark.parametrize(
    ("text", "language", "limit"),
    [(JAPANESE, "ja", 71), (WITHOUT_CLAUSES, "zh", 82), (FRENCH, "fr", 273)],
)
def test_a_long_text_is_cut_within_its_languages_limit_and_nothing_is_lost(
    can: Capabilities, text: str, language: str, limit: int
) -> None:
    order = SpeechOrder(text, SPEAKERS[0], AudioFormat.PCM, language=language, normalize=False)
    catalogue = Catalogue(VoiceManifest(), can.presets)

    made = [each.text for each in plan(order, catalogue, can, Lexicon({})).requests]

    assert limit / 2 < max(map(len, made)) <= limit
    plain = unicodedata.normalize("NFKC", text)
    assert "".join(made).replace(" ", "") == plain.replace(" ", "")


def test_chance_is_that_of_the_checkpoint_and_all_of_it_can_be_told(can: Capabilities) -> None:
    assert can.sampling.model_dump() == {
        "temperature": 0.85,
        "top_k": 50,
        "top_p": 0.85,
        "repetition_penalty": 2.0,
    }


def test_a_checkpoint_without_speakers_speaks_with_clones(
    stored: StoredModel, tmp_path: Path
) -> None:
    backend = installed(stored, tmp_path / "model", SPEAKERS_FILE)
    can = backend.load(lambda _: None)
    assert can.cloning is not None
    clip = voiced(120.0, rate=can.cloning.sample_rate)
    clone = backend.embed(Reference((clip,), "en"))
    asked = SpeechRequest("Hello.", preset="mia", language="en", speed=1.0, seed=0, clone=clone)

    stream = backend.open(asked)
    heard, finished = 0, False
    while not finished:
        (result,) = backend.step([stream])
        assert isinstance(result, Slice)
        heard, finished = heard + len(result.samples), result.finished

    assert (can.presets, len(can.languages)) == ((), 17)
    assert heard > 0


@pytest.mark.parametrize("name", [WEIGHTS_FILE, SPEAKERS_FILE, VOCABULARY_FILE, CONFIG_FILE])
def test_a_damaged_file_is_named(stored: StoredModel, tmp_path: Path, name: str) -> None:
    backend = installed(stored, tmp_path / "model")
    path = tmp_path / "model" / name
    size = path.stat().st_size
    path.unlink()
    path.write_bytes(b"x" * size)

    with pytest.raises(ModelError, match=name) as failed:
        backend.load(lambda _: None)
    assert failed.value.exit_code is ExitCode.MODEL_CORRUPT


def test_weights_of_another_size_are_told(stored: StoredModel, tmp_path: Path) -> None:
    backend = installed(stored, tmp_path / "model", CONFIG_FILE)
    described = json.loads((stored.directory / CONFIG_FILE).read_text())
    described["model_args"]["gpt_n_model_channels"] = 128
    (tmp_path / "model" / CONFIG_FILE).write_text(json.dumps(described))
    (tmp_path / "model" / MANIFEST_FILE).unlink()
    there = stored_at(tmp_path / "model").manifest
    (tmp_path / "model" / MANIFEST_FILE).write_text(there.to_json())

    with pytest.raises(ModelError, match="size mismatch"):
        backend.load(lambda _: None)

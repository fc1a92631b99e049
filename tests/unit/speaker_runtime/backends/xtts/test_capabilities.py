"""What the loaded backend says that it can do, and what becomes of texts by that."""

import os
import shutil
import unicodedata
from collections.abc import Iterator

import pytest

from speaker_runtime.audio.formats import AudioFormat
from speaker_runtime.backends.protocol import Capabilities, Placement
from speaker_runtime.backends.xtts import XttsBackend
from speaker_runtime.contract import ModelConfig, VoiceManifest
from speaker_runtime.models.manifest import MANIFEST_FILE
from speaker_runtime.models.store import StoredModel
from speaker_runtime.services.planning import SpeechOrder, plan
from speaker_runtime.text.languages import primary
from speaker_runtime.text.lexicon import Lexicon
from speaker_runtime.voices.catalogue import Catalogue
from tests.support.xtts import SPEAKERS

JAPANESE = "吾輩は猫である、名前はまだ無い、どこで生れたかとんと見当がつかぬ、" * 12
FRENCH = "longtemps, je me suis couché de bonne heure, à peine ma bougie éteinte, mes yeux " * 12
WITHOUT_CLAUSES = "長" * 500


@pytest.fixture(scope="module")
def can(stored: StoredModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Capabilities]:
    directory = tmp_path_factory.mktemp("installed") / "model"
    shutil.copytree(stored.directory, directory, copy_function=os.link)
    (directory / MANIFEST_FILE).write_text(stored.manifest.to_json())
    model = ModelConfig(source=stored.manifest.source, directory=directory)
    backend = XttsBackend(model, Placement("cpu", threads=1))
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

"""Images of the release before read what this operator writes, unless it asks for what is new.

The other way round, images of this release read what the operator of that one wrote.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.render.children import render
from speaker_runtime import contract
from tests.support.before import contract_before
from tests.unit.speaker_operator.factories import SETTINGS, service, voice

GOLDEN = Path(__file__).parent / "golden"
NEW = {"cloned-voice.yaml", "gateway.yaml", "glm-tts.yaml", "xtts.yaml"}
"""Examples that no release before could serve."""
CONFIGS = [
    pytest.param(each["data"], id=f"{file.stem}-{each['metadata']['name']}")
    for file in sorted(GOLDEN.glob("*.yaml"))
    if file.name not in NEW
    for each in yaml.safe_load_all(file.read_text())
    if each["kind"] == "ConfigMap"
]
OLD_VOICE = {
    "displayName": "Ana",
    "description": "Warm.",
    "languages": ["en", "es"],
    "gender": "female",
    "aliases": ["nova"],
    "defaults": {"speed": 0.9},
}


@pytest.mark.parametrize("documents", CONFIGS)
def test_an_image_of_the_release_before_reads_the_examples(documents: dict[str, str]) -> None:
    before = contract_before()
    before.RuntimeConfig.model_validate_json(documents[contract.CONFIG_FILE])
    before.VoiceManifest.model_validate_json(documents[contract.VOICES_FILE])


def documents(of: TTSService, **said: Any) -> dict[str, str]:
    (config,) = (
        each for each in render(of, [voice("ana", **said)], SETTINGS) if each["kind"] == "ConfigMap"
    )
    found: dict[str, str] = config["data"]
    return found


def test_an_image_that_somebody_pinned_reads_everything_that_it_knows() -> None:
    before = contract_before()
    written = documents(service(image="registry.test/pinned:0.1.0"), **OLD_VOICE)
    before.RuntimeConfig.model_validate_json(written[contract.CONFIG_FILE])
    (told,) = before.VoiceManifest.model_validate_json(written[contract.VOICES_FILE]).voices
    assert (told.display_name, told.gender, told.aliases) == ("Ana", "female", ("nova",))
    with pytest.raises(ValueError, match="tags"):
        before.VoiceManifest.model_validate_json(
            documents(service(), tags=["warm"])[contract.VOICES_FILE]
        )


@pytest.mark.parametrize("documents", CONFIGS)
def test_what_the_operator_before_wrote_is_read_alike(documents: dict[str, str]) -> None:
    before = contract_before()
    old = before.RuntimeConfig.model_validate_json(documents[contract.CONFIG_FILE]).to_json()
    assert contract.RuntimeConfig.model_validate_json(old).to_json() == old
    old = before.VoiceManifest.model_validate_json(documents[contract.VOICES_FILE]).to_json()
    assert contract.VoiceManifest.model_validate_json(old).to_json() == old


def test_what_a_pod_before_answers_is_understood() -> None:
    before = contract_before()
    digest = contract.digest_of(b"voices")
    voices = [
        before.SyncedVoice(name="ana", state="ready"),
        before.SyncedVoice(name="ben", state="failed", message="there is no preset ben"),
    ]
    told = before.SyncReport(digest=digest, voices=voices).to_json()
    assert contract.SyncReport.model_validate_json(told) == contract.SyncReport(
        digest=digest,
        voices=(
            contract.SyncedVoice(name="ana", state="ready"),
            contract.SyncedVoice(name="ben", state="failed", message="there is no preset ben"),
        ),
    )

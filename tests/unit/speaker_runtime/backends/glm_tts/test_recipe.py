"""What is fetched of GLM-TTS, and what is made of it."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from speaker_runtime.backends.glm_tts import checkpoint
from speaker_runtime.backends.glm_tts.recipe import (
    FLOW_FILE,
    HIFT_FILE,
    SPEAKER_FILE,
    GlmTtsRecipe,
)
from speaker_runtime.contract import ExitCode, ModelConfig
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.fetching import fetch
from speaker_runtime.models.manifest import MANIFEST_FILE
from speaker_runtime.models.recipe import Elsewhere
from speaker_runtime.models.store import verify
from tests.support.glm_models import flow_weights, hift_weights, write_flow, write_hift, write_llm
from tests.support.models import ignore, offer

AS_PUBLISHED = (
    "vq32k-phoneme-tokenizer/tokenizer.model",
    "vq32k-phoneme-tokenizer/tokenizer_config.json",
    "speech_tokenizer/config.json",
    "speech_tokenizer/preprocessor_config.json",
    SPEAKER_FILE,
    "configs/custom_replace.jsonl",
)
LEFT_BEHIND = (
    "vq32k-phoneme-tokenizer/tokenization_chatglm.py",
    "vocos2d/generator_jit.ckpt",
    "frontend/spk2info.pt",
    "README.md",
)


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """The published layout; the front stages' files, which are installed as they are, are small."""
    directory = tmp_path / "published"
    write_llm(directory / "llm")
    write_flow(directory / "flow")
    write_hift(directory / "hift")
    for name in (*AS_PUBLISHED, *LEFT_BEHIND):
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(name)
    save_file({"x": torch.zeros(1)}, directory / "speech_tokenizer/model.safetensors")
    return directory


def offered(directory: Path) -> ModelConfig:
    return ModelConfig(
        source=offer(directory), directory=directory.with_name(f"{directory.name}-installed")
    )


def installed(directory: Path) -> Path:
    config = offered(directory)
    fetch(config, ignore, recipe=GlmTtsRecipe())
    verify(config)
    return config.directory


def failure(directory: Path) -> ModelError:
    with pytest.raises(ModelError) as failed:
        fetch(offered(directory), ignore, recipe=GlmTtsRecipe())
    assert failed.value.remedy
    return failed.value


def test_pickles_become_arrays_and_all_else_that_is_needed_stays_as_it_is(published: Path) -> None:
    made = installed(published)

    for name, expected in ((FLOW_FILE, flow_weights()), (HIFT_FILE, hift_weights())):
        found = load_file(made / name)
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[each], expected[each]) for each in expected)
    for name in AS_PUBLISHED:
        assert (made / name).read_text() == name
    there = {str(path.relative_to(made)) for path in made.rglob("*") if path.is_file()}
    shards = {f"llm/model-0000{at}-of-00002.safetensors" for at in (1, 2)}
    assert there == {
        *AS_PUBLISHED,
        *shards,
        *(MANIFEST_FILE, FLOW_FILE, HIFT_FILE, "flow/config.yaml"),
        *("llm/config.json", "llm/model.safetensors.index.json"),
        "speech_tokenizer/model.safetensors",
    }


def test_what_was_made_is_loaded_like_what_was_published(published: Path) -> None:
    made, cpu = installed(published), torch.device("cpu")
    mel = torch.randn(80, 3)
    assert torch.equal(checkpoint.hift(made, cpu)(mel), checkpoint.hift(published, cpu)(mel))
    assert checkpoint.flow(made, cpu).codes == checkpoint.flow(published, cpu).codes


def test_what_was_made_is_a_source_of_its_own(published: Path) -> None:
    made = installed(published)
    again = installed(made)
    for name in (FLOW_FILE, HIFT_FILE, SPEAKER_FILE):
        assert (again / name).read_bytes() == (made / name).read_bytes()


class Attack:
    """Runs a command wherever it is loaded by those who trust it."""

    def __init__(self, command: str) -> None:
        self._command = command

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (self._command,)


@pytest.mark.parametrize("name", ["flow/flow.pt", "hift/hift.pt"])
def test_a_file_that_would_run_a_command_is_refused_and_runs_nothing(
    published: Path, tmp_path: Path, name: str
) -> None:
    marker = tmp_path / "marker"
    torch.save({"model": {"a": Attack(f"touch {marker}")}}, published / name)
    error = failure(published)
    assert error.exit_code is ExitCode.MODEL_CORRUPT
    assert f"{Path(name).name} is not only tensors" in error.message
    with pytest.raises(ModelError, match="Nothing of it was run"):
        (checkpoint.flow if "flow" in name else checkpoint.hift)(published, torch.device("cpu"))
    assert not marker.exists()
    torch.load(published / name, weights_only=False)  # it would have
    assert marker.exists()


@pytest.mark.parametrize(
    "name",
    [
        "flow/flow.pt",
        "llm/config.json",
        "vq32k-phoneme-tokenizer/tokenizer.model",
        "speech_tokenizer/model.safetensors",
    ],
)
def test_what_is_missing_is_named(published: Path, name: str) -> None:
    (published / name).unlink()
    error = failure(published)
    assert error.exit_code is ExitCode.MODEL_UNAVAILABLE
    assert name.replace("model.safetensors", "*.safetensors") in error.message


@pytest.fixture
def other(published: Path) -> Elsewhere:
    """The speaker encoder in another model, from which it is missing here."""
    directory = published.with_name("other")
    directory.mkdir()
    (published / SPEAKER_FILE).rename(directory / "campplus.onnx")
    (directory / "huge.pt").write_bytes(b"x")
    return Elsewhere(offer(directory), "campplus.onnx")


def test_a_speaker_encoder_that_is_missing_comes_from_elsewhere(
    published: Path, other: Elsewhere
) -> None:
    config = offered(published)

    fetch(config, ignore, recipe=GlmTtsRecipe(other))

    assert (config.directory / SPEAKER_FILE).read_text() == SPEAKER_FILE
    assert not list(config.directory.rglob("*huge*"))
    # It is whole now, wherever it is taken from.
    assert (installed(config.directory) / SPEAKER_FILE).exists()


def test_the_licence_of_the_other_model_has_to_be_accepted_too(
    published: Path, other: Elsewhere
) -> None:
    path = Path(other.source.removeprefix("file://")) / MANIFEST_FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), "acceptLicense": "NC"}))
    config = offered(published)
    with pytest.raises(ModelError) as failed:
        fetch(config, ignore, recipe=GlmTtsRecipe(other))
    assert failed.value.exit_code is ExitCode.LICENSE_NOT_ACCEPTED
    accepted = config.model_copy(update={"accept_license": "NC"})
    fetch(accepted, ignore, recipe=GlmTtsRecipe(other))
    assert verify(accepted).manifest.accept_license == "NC"


def test_two_licences_are_not_accepted_in_one_word(published: Path, other: Elsewhere) -> None:
    offered(published)
    for directory, license_name in ((published, "CC"), (published.with_name("other"), "NC")):
        path = directory / MANIFEST_FILE
        path.write_text(json.dumps({**json.loads(path.read_text()), "acceptLicense": license_name}))
    config = ModelConfig(
        source=f"file://{published}",
        directory=published.with_name("installed"),
        accept_license="CC",
    )
    with pytest.raises(ModelError, match=r"CC, a part comes .* NC") as failed:
        fetch(config, ignore, recipe=GlmTtsRecipe(other))
    assert failed.value.exit_code is ExitCode.LICENSE_NOT_ACCEPTED
    assert SPEAKER_FILE in failed.value.remedy


def test_where_nobody_has_a_speaker_encoder_it_is_told_who_was_asked(
    published: Path, other: Elsewhere
) -> None:
    asked = Elsewhere(other.source, "other.onnx")
    with pytest.raises(ModelError) as failed:
        fetch(offered(published), ignore, recipe=GlmTtsRecipe(asked))
    assert failed.value.exit_code is ExitCode.MODEL_UNAVAILABLE
    assert f"{other.source} has no other.onnx" in failed.value.message
    assert SPEAKER_FILE in failed.value.remedy


def test_what_was_made_and_lost_its_speaker_encoder_is_not_whole(published: Path) -> None:
    made = installed(published)
    (made / SPEAKER_FILE).unlink()
    assert f"no {SPEAKER_FILE}" in failure(made).message


def test_another_model_is_told_before_anything_large_is_fetched(published: Path) -> None:
    path = published / "llm/config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "model_type": "gpt2"}))
    assert "model_type is 'gpt2'" in failure(published).message
    assert not list(published.with_name("published-installed").rglob("*.safetensors"))


DAMAGE: dict[str, Callable[[Path], object]] = {
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "without weights": lambda path: torch.save([], path),
    "not of tensors": lambda path: torch.save({"model": {"a": 1}}, path),
    "of odd numbers": lambda path: torch.save({"model": {"a": torch.ones(1) + 1j}}, path),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_told(published: Path, damage: str) -> None:
    DAMAGE[damage](published / "hift/hift.pt")
    error = failure(published)
    assert error.exit_code is ExitCode.MODEL_CORRUPT
    assert "hift.pt" in error.message

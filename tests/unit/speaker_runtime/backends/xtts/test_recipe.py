"""What is fetched of XTTS-v2, and what is made of it."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from speaker_runtime.backends import registry
from speaker_runtime.backends.xtts.recipe import (
    CONFIG_FILE,
    SPEAKERS_FILE,
    VOCABULARY_FILE,
    WEIGHTS_FILE,
    XttsRecipe,
)
from speaker_runtime.contract import ExitCode, ModelConfig
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.fetching import fetch
from speaker_runtime.models.manifest import MANIFEST_FILE
from speaker_runtime.models.store import verify
from tests.support.checkpoints import small_checkpoint
from tests.support.models import ignore, offer


def offered(directory: Path) -> ModelConfig:
    return ModelConfig(
        source=offer(directory),
        directory=directory.with_name(f"{directory.name}-installed"),
        accept_license="CPML",
    )


def installed(directory: Path) -> Path:
    config = offered(directory)
    fetch(config, ignore, recipe=XttsRecipe())
    assert verify(config).manifest.accept_license == "CPML"
    return config.directory


def failure(directory: Path) -> ModelError:
    with pytest.raises(ModelError) as failed:
        fetch(offered(directory), ignore, recipe=XttsRecipe())
    assert failed.value.remedy
    return failed.value


def test_the_published_files_become_arrays_whatever_they_were_saved_by(tmp_path: Path) -> None:
    from tests.support.xtts import (  # noqa: PLC0415  takes seconds
        Variant,
        tiny_checkpoint,
        tiny_speakers,
        tiny_weights,
    )

    variants: tuple[Variant, ...] = ("plain", "pickled", "trained")
    made = [installed(tiny_checkpoint(tmp_path / variant, variant)) for variant in variants]
    weights, expected = load_file(made[0] / WEIGHTS_FILE), tiny_weights()
    assert weights.keys() == expected.keys()
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    speakers = load_file(made[0] / SPEAKERS_FILE)
    for speaker, latents in tiny_speakers().items():
        for what, tensor in latents.items():
            assert torch.equal(speakers.pop(f"{speaker}/{what}"), tensor)
    assert not speakers
    for name in (WEIGHTS_FILE, SPEAKERS_FILE, CONFIG_FILE, VOCABULARY_FILE):
        assert len({(directory / name).read_bytes() for directory in made}) == 1
    assert {path.name for path in made[0].iterdir()} == {
        *(MANIFEST_FILE, CONFIG_FILE, VOCABULARY_FILE, WEIGHTS_FILE, SPEAKERS_FILE)
    }


def test_equal_files_give_equal_bytes_in_every_later_version(tmp_path: Path) -> None:
    made = installed(small_checkpoint(tmp_path / "model"))
    weights = load_file(made / WEIGHTS_FILE)
    assert weights["gpt.text_head.weight"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert weights["gpt.steps"].item() == 7
    assert weights["hifigan_decoder.bias"].dtype is torch.bfloat16
    # Models that were fetched long ago are repaired by making them once more.
    digest = hashlib.sha256((made / WEIGHTS_FILE).read_bytes()).hexdigest()
    assert digest == "9b52ead9f88210ee73418312d77233d561143ac5f7c60ffc71bcd0855e8963b3"


def test_a_model_without_speakers_of_its_own_is_one(tmp_path: Path) -> None:
    model = small_checkpoint(tmp_path / "model")
    (model / "speakers_xtts.pth").unlink()
    assert not (installed(model) / SPEAKERS_FILE).exists()


def test_what_was_made_is_a_source_of_its_own(tmp_path: Path) -> None:
    made = installed(small_checkpoint(tmp_path / "model"))
    again = installed(made)
    assert (again / WEIGHTS_FILE).read_bytes() == (made / WEIGHTS_FILE).read_bytes()
    assert (again / SPEAKERS_FILE).exists()


class Attack:
    """Runs a command wherever it is loaded by those who trust it."""

    def __init__(self, command: str) -> None:
        self._command = command

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (self._command,)


@pytest.mark.parametrize("name", ["model.pth", "speakers_xtts.pth"])
def test_a_file_that_would_run_a_command_is_refused_and_runs_nothing(
    tmp_path: Path, name: str
) -> None:
    marker = tmp_path / "marker"
    model = small_checkpoint(tmp_path / "model")
    attack = {"model": {"gpt.a": Attack(f"touch {marker}")}, "config": {}}
    torch.save(attack, model / name)
    error = failure(model)
    assert error.exit_code is ExitCode.MODEL_CORRUPT
    assert f"{name} is not only tensors" in error.message
    assert f"{os.name}.system" in error.message
    assert not marker.exists()
    torch.load(model / name, weights_only=False)  # it would have
    assert marker.exists()


class Settings:
    """Somebody's own class."""


def test_what_is_not_coquis_is_named(tmp_path: Path) -> None:
    model = small_checkpoint(tmp_path / "model")
    torch.save({"model": {}, "config": Settings()}, model / "model.pth")
    assert f"{Settings.__module__}.Settings" in failure(model).message


def test_classes_that_only_look_like_coquis_do_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = small_checkpoint(tmp_path / "model", **{"gpt.a": torch.zeros(1)})
    content = (model / "model.pth").read_bytes()
    monkeypatch.setattr(Settings, "__module__", "TTS.settings")
    fake = type(sys)("TTS.settings")
    monkeypatch.setitem(sys.modules, "TTS.settings", fake)
    fake.Settings = Settings  # type: ignore[attr-defined]
    settings = Settings()
    settings.secret = "unread"  # type: ignore[attr-defined]
    saved = torch.load(model / "model.pth")
    torch.save(saved | {"config": settings}, model / "model.pth")
    assert (model / "model.pth").read_bytes() != content
    assert (installed(model) / WEIGHTS_FILE).exists()


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"model": "xtts", "model_args": {}}, "gpt_use_perceiver_resampler is None"),
        ({"model": "vits", "model_args": {}}, "its model is 'vits'"),
        ([], "is no JSON object"),
    ],
)
def test_other_versions_are_refused_by_their_configuration(
    tmp_path: Path, config: object, said: str
) -> None:
    model = small_checkpoint(tmp_path / "model")
    (model / "config.json").write_text(json.dumps(config))
    assert said in failure(model).message


@pytest.mark.parametrize("missing", ["config.json", "vocab.json", "model.pth"])
def test_what_is_missing_is_named(tmp_path: Path, missing: str) -> None:
    model = small_checkpoint(tmp_path / "model")
    (model / missing).unlink()
    error = failure(model)
    assert error.exit_code is ExitCode.MODEL_UNAVAILABLE
    assert f"no {missing}" in error.message


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _legacy(path: Path) -> None:
    torch.save({"model": {}}, path, _use_new_zipfile_serialization=False)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "cut short": _cut,
    "not a checkpoint": lambda path: path.write_bytes(b"PK\3\4 not quite"),
    "empty": lambda path: path.write_bytes(b""),
    "of before 2020": _legacy,
    "without weights": lambda path: torch.save([], path),
    "of another model": lambda path: torch.save({"model": {"gpt.a": torch.ones(1)}}, path),
    "not of tensors": lambda path: torch.save({"model": {"gpt.a": 1}}, path),
    "of odd numbers": lambda path: torch.save({"model": {"gpt.a": torch.ones(1) + 1j}}, path),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_told(tmp_path: Path, damage: str) -> None:
    model = small_checkpoint(tmp_path / "model")
    DAMAGE[damage](model / "model.pth")
    error = failure(model)
    assert error.exit_code is ExitCode.MODEL_CORRUPT
    assert "model.pth" in error.message


@pytest.mark.parametrize("speakers", [[], {"Ana": 1}, {"Ana": {"gpt_cond_latent": torch.ones(1)}}])
def test_speakers_that_lack_something_are_told(tmp_path: Path, speakers: object) -> None:
    model = small_checkpoint(tmp_path / "model")
    torch.save(speakers, model / "speakers_xtts.pth")
    assert "speakers_xtts.pth has no" in failure(model).message


def test_where_pytorch_is_missing_nothing_large_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = small_checkpoint(tmp_path / "model")
    monkeypatch.setitem(sys.modules, "torch", None)
    error = failure(model)
    assert error.exit_code is ExitCode.INVALID_CONFIG
    assert "runtime image of xtts" in error.remedy
    assert not list(tmp_path.rglob("published/model.pth"))


def test_who_only_looks_whether_the_model_is_there_does_not_load_pytorch() -> None:
    program = (
        "import sys; from speaker_runtime.backends import registry;"
        "print(registry.recipe('xtts').license, 'torch' in sys.modules)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ended.stdout.split() == ["CPML", "False"]


def test_only_backends_that_need_one_have_a_recipe() -> None:
    assert isinstance(registry.recipe("xtts"), XttsRecipe)
    assert registry.recipe("hibari") is None
    with pytest.raises(registry.UnknownBackendError):
        registry.recipe("nobody")

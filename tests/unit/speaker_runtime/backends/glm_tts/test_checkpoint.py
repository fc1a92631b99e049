"""Files of the published layout into networks, and what is said of files that are not right."""

import shutil
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from speaker_runtime.backends.glm_tts import checkpoint
from speaker_runtime.backends.glm_tts.flow_requests import FlowConfig
from speaker_runtime.backends.glm_tts.llama import Place
from speaker_runtime.contract import ExitCode
from speaker_runtime.models.errors import ModelError
from tests.support.glm_models import write_flow, write_hift, write_llm

CPU = torch.device("cpu")
PLACE = Place(CPU, slots=2, positions=64)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("published")
    write_llm(directory / "llm")
    write_flow(directory / "flow")
    write_hift(directory / "hift")
    return directory


@pytest.fixture
def model(published: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(published, tmp_path / "model"))


def load(directory: Path) -> None:
    checkpoint.llama(directory, PLACE)
    checkpoint.flow(directory, CPU)
    checkpoint.hift(directory, CPU)


def test_everything_is_loaded_from_any_working_directory(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with torch.inference_mode():
        llama = checkpoint.llama(published, PLACE)
        assert llama.logits(llama.read(0, 0, torch.arange(9))).isfinite().all()
    assert checkpoint.flow(published, CPU).codes == 513
    assert checkpoint.hift(published, CPU)(torch.zeros(80, 2)).shape == (960,)


def test_shards_without_an_index_and_a_single_file_are_as_good(model: Path) -> None:
    expected = checkpoint.llama(model, PLACE)
    (model / "llm/model.safetensors.index.json").unlink()
    found = checkpoint.llama(model, PLACE)
    prompt = torch.arange(9)
    assert torch.equal(found.read(0, 0, prompt), expected.read(0, 0, prompt))


@pytest.mark.parametrize("bare", [True, False])
def test_a_flow_is_found_bare_or_under_model(model: Path, *, bare: bool) -> None:
    state = torch.load(model / "flow/flow.pt")["model"]
    torch.save(OrderedDict(state) if bare else {"model": state, "step": 1}, model / "flow/flow.pt")
    assert checkpoint.flow(model, CPU).network.width == 64


def test_a_configuration_is_read_without_its_tags(model: Path) -> None:
    assert checkpoint.flow_config(model) == FlowConfig()
    (model / "flow/config.yaml").write_text(
        "flow: !new:os.system\n  mel_dim: !ref <mels>\n  names: !tuple [a, b]\nmels: 80\n"
    )
    with pytest.raises(ModelError, match="mel_dim is '<mels>', not 80"):
        checkpoint.flow_config(model)
    (model / "flow/config.yaml").write_text("flow: !new:os.system {}\n")
    assert checkpoint.flow_config(model) == FlowConfig(
        input_frame_rate=12.5,
        mel_framerate=86,
        speaker_modulates=False,
        speaker_is_condition=True,
        codes_are_guided=True,
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("flow: {t_scheduler: linear}", "t_scheduler is 'linear'"),
        ("flow: {input_frame_rate: 0}", "input_frame_rate is 0"),
        ("flow: {spkr_emb_adaLN: maybe}", "spkr_emb_adaLN is 'maybe'"),
        ("hift: {}", "nothing under 'flow'"),
        ("flow: [", "while parsing"),
        ("flow: !!python/object/apply:os.system [ls]", "could not determine a constructor"),
    ],
)
def test_a_configuration_that_is_none_is_told(model: Path, text: str, said: str) -> None:
    path = model / "flow/config.yaml"
    path.write_text(text)
    with pytest.raises(ModelError, match=f"{path} .*{said}") as failed:
        checkpoint.flow_config(model)
    assert failed.value.exit_code is ExitCode.MODEL_CORRUPT


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def _garbage(path: Path) -> None:
    path.write_bytes(b"\x80\x04nothing")


@pytest.mark.parametrize("damage", [_cut, _garbage, Path.unlink])
@pytest.mark.parametrize(
    "name",
    [
        "llm/config.json",
        "llm/model-00001-of-00002.safetensors",
        "flow/config.yaml",
        "flow/flow.pt",
        "hift/hift.pt",
    ],
)
def test_a_damaged_or_missing_file_is_named(
    model: Path, name: str, damage: Callable[[Path], None]
) -> None:
    damage(model / name)
    with pytest.raises(ModelError, match=Path(name).stem) as failed:
        load(model)
    assert failed.value.remedy


def test_a_model_without_weights_of_its_language_is_told(model: Path) -> None:
    for path in (model / "llm").glob("model*"):
        path.unlink()
    with pytest.raises(ModelError, match=rf"{model / 'llm'} .*no \*\.safetensors"):
        load(model)

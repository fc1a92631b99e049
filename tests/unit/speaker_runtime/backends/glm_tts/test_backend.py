"""The whole backend on a tiny checkpoint: from a recording and a text to samples."""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import save_file

from speaker_runtime.backends.glm_tts import GlmTtsBackend, recipe
from speaker_runtime.backends.protocol import (
    Capabilities,
    ClonedVoice,
    Placement,
    Slice,
    SpeechRequest,
)
from speaker_runtime.contract import ExitCode, ModelConfig, Sampling
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.manifest import MANIFEST_FILE, ModelManifest
from tests.support.glm_models import flow_weights
from tests.support.glm_tts import recording, tiny_model

CPU = Placement("cpu", threads=1)
ZH = "昨晚读完《山海拾遗》，里面的妖怪画得真好！"
EN = "Read chapter 12 before lesson 30."
MIXED = "我用Python写了代码，然后去吃饭。"


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> ModelConfig:
    return tiny_model(tmp_path_factory.mktemp("glm"))


@pytest.fixture(scope="module")
def backend(config: ModelConfig) -> Iterator[GlmTtsBackend]:
    made = GlmTtsBackend(config, CPU)
    made.load(lambda _: None)
    yield made
    made.close()


@pytest.fixture(scope="module")
def can(config: ModelConfig) -> Capabilities:
    return GlmTtsBackend(config, CPU).load(lambda _: None)


@pytest.fixture(scope="module")
def clone(backend: GlmTtsBackend) -> ClonedVoice:
    return backend.embed(recording())


def asked(
    clone: ClonedVoice | None, text: str = ZH, seed: int = 0, **sampling: float
) -> SpeechRequest:
    return SpeechRequest(
        text,
        preset="mia",
        language="zh",
        speed=1.0,
        seed=seed,
        clone=clone,
        sampling=Sampling.model_validate(sampling),
    )


def spoken(backend: GlmTtsBackend, requests: Sequence[SpeechRequest]) -> list[np.ndarray]:
    """Speak them together."""
    streams = [backend.open(each) for each in requests]
    parts: list[list[np.ndarray]] = [[] for _ in streams]
    going = list(range(len(streams)))
    while going:
        for each, result in zip(
            list(going), backend.step([streams[at] for at in going]), strict=True
        ):
            assert isinstance(result, Slice)
            parts[each].append(result.samples)
            if result.finished:
                going.remove(each)
    return [np.concatenate(each) for each in parts]


def test_it_says_what_it_can_do(can: Capabilities) -> None:
    assert (can.sample_rate, can.presets, can.languages) == (24_000, (), ("zh", "en"))
    assert can.cloning is not None
    assert can.cloning.needs_transcript
    assert can.sampling == Sampling(temperature=1.0, top_k=25, top_p=0.8)
    assert can.precision == "float32"


@pytest.mark.parametrize("text", [ZH, EN, MIXED])
def test_chinese_english_and_both_are_spoken(
    backend: GlmTtsBackend, clone: ClonedVoice, text: str
) -> None:
    backend.check(asked(clone, text))
    (samples,) = spoken(backend, [asked(clone, text)])
    assert samples.dtype == np.float32
    # At least two codes for each token, 960 samples each.
    assert len(samples) > 960 * 10
    assert 0 < np.abs(samples).max() <= 0.99


def test_equal_requests_give_equal_samples_in_any_company(
    backend: GlmTtsBackend, clone: ClonedVoice
) -> None:
    other = backend.embed(recording(200.0))
    (alone,) = spoken(backend, [asked(clone, seed=5)])
    company = [asked(other, EN), asked(clone, MIXED, top_k=1), asked(clone, seed=5)]
    np.testing.assert_array_equal(spoken(backend, company)[2], alone)
    (different,) = spoken(backend, [replace(asked(other, seed=5), preset="tom")])
    assert len(different) != len(alone) or not np.array_equal(different, alone)


def test_a_long_text_is_heard_piece_by_piece(backend: GlmTtsBackend, clone: ClonedVoice) -> None:
    stream = backend.open(asked(clone, "你好，世界。" * 15))
    sounds = 0
    finished = False
    while not finished:
        (result,) = backend.step([stream])
        assert isinstance(result, Slice)
        sounds += bool(len(result.samples))
        finished = result.finished
    assert sounds >= 3


def test_what_cannot_be_said_is_refused(backend: GlmTtsBackend, clone: ClonedVoice) -> None:
    for text in ("Привет", "……"):
        with pytest.raises(SpeechError) as failed:
            backend.check(asked(clone, text))
        assert failed.value.code is ErrorCode.TEXT_NOT_SPEAKABLE
    with pytest.raises(SpeechError, match="'mia' is no voice of a recording"):
        backend.open(asked(None))


def copied(config: ModelConfig, directory: Path) -> GlmTtsBackend:
    """The same model, whose files may be changed."""
    shutil.copytree(config.directory, directory, copy_function=os.link)
    return GlmTtsBackend(config.model_copy(update={"directory": directory}), CPU)


def rewritten(directory: Path, name: str, content: bytes) -> None:
    """Change a file, and what the manifest says of its size."""
    (directory / name).unlink()
    (directory / name).write_bytes(content)
    path = directory / MANIFEST_FILE
    manifest = ModelManifest.model_validate_json(path.read_bytes())
    files = tuple(
        each.model_copy(update={"size": len(content)}) if each.name == name else each
        for each in manifest.files
    )
    path.unlink()
    path.write_text(manifest.model_copy(update={"files": files}).to_json())


@pytest.mark.parametrize(
    "name",
    [
        recipe.LLM_CONFIG_FILE,
        recipe.FLOW_CONFIG_FILE,
        recipe.FLOW_FILE,
        recipe.HIFT_FILE,
        recipe.SPEAKER_FILE,
        "llm/model-00001-of-00002.safetensors",
        "speech_tokenizer/model.safetensors",
        "vq32k-phoneme-tokenizer/tokenizer.model",
    ],
)
def test_a_damaged_file_is_named(config: ModelConfig, tmp_path: Path, name: str) -> None:
    backend = copied(config, tmp_path / "model")
    rewritten(tmp_path / "model", name, b"x" * 1000)
    with pytest.raises(ModelError, match=Path(name).name) as failed:
        backend.load(lambda _: None)
    assert failed.value.exit_code is ExitCode.MODEL_CORRUPT
    assert failed.value.remedy


def test_a_file_cut_short_is_named(config: ModelConfig, tmp_path: Path) -> None:
    backend = copied(config, tmp_path / "model")
    path = tmp_path / "model" / recipe.FLOW_FILE
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:-1])
    with pytest.raises(ModelError, match=recipe.FLOW_FILE):
        backend.load(lambda _: None)


def test_parts_of_two_models_are_told(config: ModelConfig, tmp_path: Path) -> None:
    backend = copied(config, tmp_path / "model")
    name = "vq32k-phoneme-tokenizer/tokenizer_config.json"
    told = json.loads((tmp_path / "model" / name).read_bytes())
    last = max(map(int, told["added_tokens_decoder"]))
    more = {**told["added_tokens_decoder"][str(last)], "content": "<|one_too_many|>"}
    told["added_tokens_decoder"][str(last + 100)] = more
    rewritten(tmp_path / "model", name, json.dumps(told).encode())
    with pytest.raises(ModelError, match=r"llm/config\.json .*and its tokenizer"):
        backend.load(lambda _: None)


def test_a_language_model_without_codes_is_told(config: ModelConfig, tmp_path: Path) -> None:
    backend = copied(config, tmp_path / "model")
    told = json.loads((tmp_path / "model" / recipe.LLM_CONFIG_FILE).read_bytes())
    content = json.dumps({**told, "vocab_size": 300}).encode()
    rewritten(tmp_path / "model", recipe.LLM_CONFIG_FILE, content)
    with pytest.raises(ModelError, match=r"llm/config\.json .*it has 300 tokens"):
        backend.load(lambda _: None)


def test_a_flow_that_knows_too_few_codes_is_told(config: ModelConfig, tmp_path: Path) -> None:
    backend = copied(config, tmp_path / "model")
    save_file(flow_weights(codes=40), tmp_path / "flow.safetensors")
    content = (tmp_path / "flow.safetensors").read_bytes()
    rewritten(tmp_path / "model", recipe.FLOW_FILE, content)
    with pytest.raises(ModelError, match=r"flow\.safetensors .*knows 41 speech codes of 48"):
        backend.load(lambda _: None)

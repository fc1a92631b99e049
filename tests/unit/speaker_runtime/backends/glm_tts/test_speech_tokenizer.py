"""Speech codes against their formulas, for every way that a configuration can ask for."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from speaker_runtime.backends.glm_tts.features import resampled
from speaker_runtime.backends.glm_tts.speech_tokenizer import SpeechTokenizer
from speaker_runtime.contract import ExitCode
from speaker_runtime.models.errors import ModelError
from tests.support.glm_front import CODES, SPEECH_CONFIG, speech_weights, write_speech_tokenizer
from tests.unit.speaker_runtime.backends.glm_tts.test_features import wave
from tests.unit.speaker_runtime.backends.glm_tts.whisper_formulas import WhisperFormulas

WEIGHTS = speech_weights()


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> SpeechTokenizer:
    return SpeechTokenizer(write_speech_tokenizer(tmp_path_factory.mktemp("speech"), shards=3))


def require_formula(tokenizer: SpeechTokenizer, config: dict[str, Any], samples: int) -> None:
    sound = wave(samples)
    formulas = WhisperFormulas(config, WEIGHTS)
    expected = formulas.hidden(sound.double().numpy())
    hidden = tokenizer.hidden(sound, 16_000)
    np.testing.assert_allclose(hidden.numpy(), expected, atol=1e-3)
    distances = formulas.distances(expected)
    nearest, second = np.sort(distances, axis=1)[:, :2].T
    clear = second - nearest > 1e-3
    assert clear.mean() > 0.9
    codes = tokenizer.codes(sound, 16_000)
    assert codes.dtype is torch.int64
    assert (codes.numpy() == distances.argmin(axis=1))[clear].all()


@pytest.mark.parametrize("samples", [1, 160, 321, 639, 640, 641, 16_000, 20_003])
def test_codes_are_those_of_the_formulas(published: SpeechTokenizer, samples: int) -> None:
    require_formula(published, dict(SPEECH_CONFIG), samples)
    assert len(published.codes(wave(samples), 16_000)) == -(-samples // 640)


@pytest.mark.parametrize(
    "changed",
    [
        {"pooling_type": "max"},
        {"pooling_kernel_size": 4},
        {"pooling_kernel_size": 3, "pooling_position": 1, "pooling_type": "max"},
        {"pooling_position": 1, "quantize_causal_block_size": 5},
        {"pooling_position": 3},
        {"pooling_kernel_size": None},
        {"quantize_position": 1, "pooling_position": 1},
        {"quantize_position": 4, "pooling_position": 3, "quantize_causal_block_size": 7},
        {"quantize_causal_block_size": None},
        {"quantize_causal_block_size": None, "encoder_causal_convolution": False},
        {"quantize_causal_block_size": 6, "encoder_causal_convolution": None},
        {"encoder_causal_attention": True},
        {"quantize_causal_encoder": True, "encoder_causal_convolution": False},
        {"encoder_attention_heads": 4, "scale_embedding": False, "quantize_ema_decay": 0.99},
    ],
    ids=str,
)
def test_every_way_to_listen_is_followed(tmp_path: Path, changed: dict[str, Any]) -> None:
    tokenizer = SpeechTokenizer(write_speech_tokenizer(tmp_path, changed))
    require_formula(tokenizer, {**SPEECH_CONFIG, **changed}, 9000)


def test_25_codes_are_a_second(published: SpeechTokenizer) -> None:
    assert published.size == CODES
    assert published.samples == 640
    assert len(published.codes(wave(24_000 * 2, 24_000), 24_000)) == 50
    # Real recordings of 5.469 s have this many.
    assert len(published.codes(torch.zeros(int(5.469 * 24_000)), 24_000)) == 137
    assert published.codes(torch.zeros(0), 16_000).tolist() == []


def test_the_first_channel_is_listened_to(published: SpeechTokenizer) -> None:
    left, right = wave(24_000, 24_000, seed=1), wave(24_000, 24_000, seed=2)
    codes = published.codes(torch.stack([left, right]), 24_000)
    assert len(set(codes.tolist())) > 5
    assert torch.equal(codes, published.codes(left, 24_000))
    assert torch.equal(codes, published.codes(resampled(left, 24_000, 16_000), 16_000))
    assert not torch.equal(codes, published.codes(right, 24_000))


@pytest.mark.parametrize("samples", [480_000, 480_000 + 700, 3 * 480_000 + 320])
def test_every_half_minute_begins_anew(published: SpeechTokenizer, samples: int) -> None:
    sound = wave(samples)
    whole = published.hidden(sound, 16_000)
    assert len(whole) == samples // 480_000 * 750 + -(-(samples % 480_000) // 640)
    parts = [published.hidden(part, 16_000) for part in torch.split(sound, 480_000)]
    # By itself, a rest is filled up with zeros to 640 samples and not to half a minute: its end is
    # mirrored at another place, which its last codes hear.
    sure = len(whole) if samples == 480_000 else samples // 480_000 * 750
    torch.testing.assert_close(whole[:sure], torch.cat(parts)[:sure], atol=1e-4, rtol=1e-4)


def test_half_precision_is_computed_with_in_single(tmp_path: Path) -> None:
    path = write_speech_tokenizer(tmp_path) / "model.safetensors"
    halves = {name: tensor.bfloat16() for name, tensor in WEIGHTS.items()}
    save_file(halves, path)
    made = SpeechTokenizer(tmp_path).hidden(wave(2000), 16_000)
    save_file({name: tensor.float() for name, tensor in halves.items()}, path)
    assert made.dtype is torch.float32
    assert torch.equal(made, SpeechTokenizer(tmp_path).hidden(wave(2000), 16_000))


def change_config(**changed: object) -> Callable[[Path], None]:
    def change(directory: Path) -> None:
        path = directory / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changed}), "utf-8")

    return change


def change_weights(name: str, tensor: torch.Tensor | None) -> Callable[[Path], None]:
    def change(directory: Path) -> None:
        tensors = load_file(directory / "model.safetensors")
        del tensors[f"model.encoder.{name}"]
        if tensor is not None:
            tensors[f"model.encoder.{name}"] = tensor
        save_file(tensors, directory / "model.safetensors")

    return change


def cut(name: str) -> Callable[[Path], object]:
    return lambda directory: (directory / name).write_bytes((directory / name).read_bytes()[:-9])


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (change_config(pooling_type="min"), r"config.json .*pooling_type 'min'"),
        (change_config(activation_function="mish"), r"config.json .*activation_function 'mish'"),
        (change_config(quantize_position=0), r"config.json .*quantize_position 0"),
        (change_config(quantize_position=9), r"safetensors .*layers\.4"),
        (change_config(pooling_kernel_size="two"), r"config.json .*'two'"),
        (change_config(encoder_attention_heads=3), r"config.json .*3 encoder_attention_heads"),
        (change_config(encoder_attention_heads=0), r"config.json .*encoder_attention_heads 0"),
        (lambda path: (path / "config.json").write_text("{}"), "no encoder_attention_heads"),
        (lambda path: (path / "config.json").write_text("[]"), "config.json .*no JSON object"),
        (cut("config.json"), "config.json .*no JSON"),
        (cut("preprocessor_config.json"), "preprocessor_config.json .*no JSON"),
        (
            lambda path: (path / "preprocessor_config.json").write_text('{"n_fft": 512}'),
            "preprocessor_config.json .*n_fft is 512",
        ),
        (
            lambda path: (path / "preprocessor_config.json").write_text('{"chunk_length": 60}'),
            "1500 positions, too few for 60 s",
        ),
        (cut("model.safetensors"), "model.safetensors is no part"),
        (change_weights("codebook.weight", None), r"no model\.encoder\.codebook\.weight"),
        (change_weights("codebook.weight", torch.ones(4, 5)), "no 16 columns"),
        (change_weights("conv1.weight", None), r"no model\.encoder\.conv1\.weight"),
        (change_weights("conv1.weight", torch.ones(3, 3)), "safetensors is no part"),
        (change_weights("layers.1.fc2.bias", None), r"layers\.1\.fc2\.bias"),
        (change_weights("layers.0.fc1.bias", torch.ones(3)), r"layers\.0\.fc1\.bias"),
    ],
)
def test_damage_is_told_with_the_files_name(
    tmp_path: Path, damage: Callable[[Path], object], said: str
) -> None:
    damage(write_speech_tokenizer(tmp_path))
    with pytest.raises(ModelError, match=said) as failed:
        SpeechTokenizer(tmp_path)
    assert failed.value.exit_code is ExitCode.MODEL_CORRUPT


@pytest.mark.parametrize(
    "name", ["config.json", "preprocessor_config.json", "model-00002-of-00003.safetensors"]
)
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    (write_speech_tokenizer(tmp_path, shards=3) / name).unlink()
    with pytest.raises(ModelError, match=name) as failed:
        SpeechTokenizer(tmp_path)
    assert failed.value.exit_code is ExitCode.MODEL_UNAVAILABLE


def test_weights_that_are_not_there_at_all_are_named(tmp_path: Path) -> None:
    (write_speech_tokenizer(tmp_path) / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        SpeechTokenizer(tmp_path)

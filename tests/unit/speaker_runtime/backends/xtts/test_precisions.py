"""What the GPT computes with: who may choose it, and that every choice keeps streams apart."""

import logging
from pathlib import Path

import numpy as np
import pytest
import torch

from speaker_runtime.audio.guard import Bounds
from speaker_runtime.backends import registry
from speaker_runtime.backends.protocol import Placement, Slice, SpeechRequest
from speaker_runtime.backends.pytorch import devices
from speaker_runtime.backends.pytorch.kernels import EightBitLinear, Linear
from speaker_runtime.backends.xtts.model import Model
from speaker_runtime.contract import ExitCode, ModelConfig, Precision
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.store import StoredModel
from tests.support.xtts import SPEAKERS

CPU = torch.device("cpu")
GPU = torch.device("cuda:0")
SHORT = Bounds(usual=17.0, slowest=1e6, fastest=1e7, margin=0.6)
"""A dozen tokens are enough."""
SLOTS = 4


def spoken(model: Model, seeds: list[int]) -> list[np.ndarray]:
    """What is heard of a stream for each seed, all of them together."""
    requests = [
        SpeechRequest(f"Number {seed}.", SPEAKERS[0], "en", speed=1.0, seed=seed) for seed in seeds
    ]
    streams = [model.open(each) for each in requests]
    heard: list[list[np.ndarray]] = [[] for _ in streams]
    going = list(range(len(streams)))
    while going:
        for at, made in zip(list(going), model.step([streams[at] for at in going]), strict=True):
            assert isinstance(made, Slice)
            heard[at].append(made.samples)
            if made.finished:
                going.remove(at)
    return [np.concatenate(each) for each in heard]


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16", "int8"])
def test_a_stream_is_the_same_in_any_company(stored: StoredModel, precision: Precision) -> None:
    placement = Placement("cpu", threads=1)
    model = Model(stored, placement, SLOTS, SHORT, lambda _: None, precision=precision)
    assert model.precision == precision

    (alone,) = spoken(model, [2])
    _, among_others, _ = spoken(model, [1, 2, 3])

    assert np.abs(alone).max() > 0
    np.testing.assert_array_equal(alone, among_others)


def test_a_cpu_takes_floats_unless_told_otherwise() -> None:
    own = devices.precision_of(CPU, "auto")
    assert own == devices.precision_of(CPU, "float32")
    assert own == devices.Precision("float32", torch.float32, Linear)
    assert devices.precision_of(CPU, "int8") == devices.Precision(
        "int8", torch.float32, EightBitLinear
    )


@pytest.mark.parametrize(
    ("precision", "dtype"), [("bfloat16", torch.bfloat16), ("float16", torch.float16)]
)
def test_half_as_many_bits_are_slow_on_a_cpu_and_it_says_so(
    precision: Precision, dtype: torch.dtype, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert devices.precision_of(CPU, precision).dtype is dtype
    assert f"a CPU computes {precision} several times slower" in caplog.text


def test_eight_bits_are_refused_on_a_gpu() -> None:
    with pytest.raises(
        ModelError, match="Int8 is for CPUs, and the model runs on cuda:0"
    ) as failed:
        devices.precision_of(GPU, "int8")
    assert failed.value.exit_code is ExitCode.INVALID_CONFIG
    assert "model.precision" in failed.value.remedy


@pytest.mark.parametrize("name", ["hibari", "kokoro"])
def test_a_backend_without_a_choice_refuses_one(name: str, tmp_path: Path) -> None:
    backend = registry.load(name)
    model = ModelConfig(source="package://x", directory=tmp_path, precision="float32")
    with pytest.raises(ModelError, match=f"backend {name} have one precision each") as failed:
        backend(model, Placement("cpu", threads=1)).load(lambda _: None)
    assert failed.value.exit_code is ExitCode.INVALID_CONFIG

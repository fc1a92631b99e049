"""HiFT against its formulas in float64, part by part."""

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pytest
import torch

from speaker_runtime.backends.glm_tts.hift import HOP, Hift
from speaker_runtime.backends.glm_tts.tensors import Tensors
from speaker_runtime.models.errors import ModelError
from tests.support.glm_models import hift_weights

Array = npt.NDArray[np.float64]

FRAMES = 6


@pytest.fixture(scope="module")
def hift() -> Hift:
    return Hift(Tensors("hift.pt", hift_weights()))


@pytest.fixture(scope="module")
def weights() -> dict[str, Array]:
    return {name: each.double().numpy() for name, each in hift_weights().items()}


@pytest.fixture(scope="module")
def mel() -> torch.Tensor:
    return torch.randn(80, FRAMES, generator=torch.Generator().manual_seed(3))


def folded(weights: Mapping[str, Array], name: str) -> Array:
    g = weights[f"{name}.parametrizations.weight.original0"]
    v = weights[f"{name}.parametrizations.weight.original1"]
    made: Array = v * g / np.sqrt((v**2).sum(axis=(1, 2), keepdims=True))
    return made


def conv(
    x: Array, weight: Array, bias: Array, *, padding: int, stride: int = 1, dilation: int = 1
) -> Array:
    """Of ``(channels, time)``, by correlation of each pair of channels."""
    kernel = np.zeros((*weight.shape[:2], (weight.shape[2] - 1) * dilation + 1))
    kernel[:, :, ::dilation] = weight
    padded = np.pad(x, ((0, 0), (padding, padding)))
    made = [
        np.sum([np.correlate(row, taps) for row, taps in zip(padded, own, strict=True)], axis=0)
        for own in kernel
    ]
    return np.stack(made)[:, ::stride] + bias[:, None]


def transposed(x: Array, weight: Array, bias: Array, *, stride: int, padding: int) -> Array:
    """Every sample becomes a kernel; the kernels are added where they overlap."""
    length = (x.shape[1] - 1) * stride + weight.shape[2]
    made = np.zeros((weight.shape[1], length))
    for at in range(x.shape[1]):
        made[:, at * stride : at * stride + weight.shape[2]] += np.tensordot(x[:, at], weight, 1)
    return made[:, padding : length - padding] + bias[:, None]


def leaky(x: Array, slope: float) -> Array:
    return np.where(x < 0, slope * x, x)


def block(weights: Mapping[str, Array], name: str, x: Array) -> Array:
    for at, dilation in enumerate((1, 3, 5)):
        y = x
        for part, step in (("1", dilation), ("2", 1)):
            a = weights[f"{name}.activations{part}.{at}.alpha"][:, None]
            y = y + np.sin(a * y) ** 2 / (a + 1e-9)
            weight = folded(weights, f"{name}.convs{part}.{at}")
            padding = (weight.shape[2] - 1) * step // 2
            bias = weights[f"{name}.convs{part}.{at}.bias"]
            y = conv(y, weight, bias, padding=padding, dilation=step)
        x = x + y
    return x


def decoded(weights: Mapping[str, Array], mel: Array, source: Array) -> Array:
    window = np.sin(np.pi * np.arange(16) / 16) ** 2
    around = np.pad(source, 8, mode="reflect")
    frames = np.stack([around[at : at + 16] * window for at in range(0, len(source) + 1, 4)], 1)
    spectrum = np.fft.rfft(frames, axis=0)
    shaped = np.concatenate([spectrum.real, spectrum.imag])
    x = conv(mel, folded(weights, "conv_pre"), weights["conv_pre.bias"], padding=3)
    for i, (stride, kernel) in enumerate(((8, 16), (5, 11), (3, 7))):
        up, bias = folded(weights, f"ups.{i}"), weights[f"ups.{i}.bias"]
        padding = (kernel - stride) // 2
        x = transposed(leaky(x, 0.1), up, bias, stride=stride, padding=padding)
        if i == 2:
            x = np.concatenate([x[:, 1:2], x], axis=1)
        step, padding = ((15, 7), (3, 1), (1, 0))[i]
        down = weights[f"source_downs.{i}.weight"], weights[f"source_downs.{i}.bias"]
        branch = conv(shaped, *down, padding=padding, stride=step)
        x = x + block(weights, f"source_resblocks.{i}", branch)
        x = np.mean([block(weights, f"resblocks.{3 * i + m}", x) for m in range(3)], axis=0)
    x = conv(leaky(x, 0.01), folded(weights, "conv_post"), weights["conv_post.bias"], padding=3)
    bins = np.minimum(np.exp(x[:9]), 100) * np.exp(1j * np.sin(x[9:]))
    pieces = np.fft.irfft(bins, 16, axis=0) * window[:, None]
    total, power = np.zeros(4 * pieces.shape[1] + 12), np.zeros(4 * pieces.shape[1] + 12)
    for at in range(pieces.shape[1]):
        total[4 * at : 4 * at + 16] += pieces[:, at]
        power[4 * at : 4 * at + 16] += window**2
    end = 8 + 4 * (pieces.shape[1] - 1)
    return np.clip(total[8:end] / power[8:end], -0.99, 0.99)


def test_the_pitch_is_that_of_the_formula(
    hift: Hift, weights: dict[str, Array], mel: torch.Tensor
) -> None:
    x = mel.double().numpy()
    for layer in (0, 2, 4, 6, 8):
        name = f"f0_predictor.condnet.{layer}"
        x = conv(x, folded(weights, name), weights[f"{name}.bias"], padding=1)
        x = np.where(x > 0, x, np.expm1(x))
    out = "f0_predictor.classifier"
    expected = np.abs(weights[f"{out}.weight"][0] @ x + weights[f"{out}.bias"])

    np.testing.assert_allclose(hift.pitch(mel).numpy(), expected, atol=1e-2)


def test_the_source_is_that_of_the_formula(hift: Hift, weights: dict[str, Array]) -> None:
    pitch = np.array([90.0, 95.5, 3.0, 0.0, 118.25, 61.0])
    noise = np.random.default_rng(1).normal(size=(HOP * FRAMES, 9))
    expected = np.zeros(HOP * FRAMES)
    sums = np.cumsum([[h * f0 / 24000 % 1 for h in range(1, 10)] for f0 in pitch], axis=0)
    for n in range(HOP * FRAMES):
        # Between the middles of frames; before the first and behind the last it stands still.
        place = min(max((n + 0.5) / HOP - 0.5, 0), FRAMES - 1)
        low = min(int(place), FRAMES - 2)
        mixed = sums[low] + (place - low) * (sums[low + 1] - sums[low])
        u = pitch[n // HOP] > 10
        sines = u * 0.1 * np.sin(480 * 2 * math.pi * mixed)
        sines += (0.003 * u + (1 - u) * 0.1 / 3) * noise[n]
        linear = weights["m_source.l_linear.weight"][0] @ sines
        expected[n] = math.tanh(linear + weights["m_source.l_linear.bias"][0])

    found = hift.source(torch.from_numpy(pitch).float(), torch.from_numpy(noise).float())

    np.testing.assert_allclose(found.numpy(), expected, atol=1e-4)


def test_a_mel_over_a_source_is_that_of_the_formula(
    hift: Hift, weights: dict[str, Array], mel: torch.Tensor
) -> None:
    source = torch.rand(HOP * FRAMES, generator=torch.Generator().manual_seed(5)) - 0.5
    expected = decoded(weights, mel.double().numpy(), source.double().numpy())

    found = hift.decode(mel, source)

    assert found.shape == (HOP * FRAMES,)
    assert 0 < np.mean(np.abs(expected) == 0.99) < 0.01  # little hides behind the clipping
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-4)


def test_a_wave_without_noise_is_that_of_the_formula(
    hift: Hift, weights: dict[str, Array], mel: torch.Tensor
) -> None:
    pitch = hift.pitch(mel)
    assert (pitch > 10).any()
    expected = decoded(weights, mel.double().numpy(), hift.source(pitch).double().numpy())
    np.testing.assert_allclose(hift(mel).numpy(), expected, atol=1e-3)


@pytest.mark.parametrize("frames", [1, 2, 7])
def test_every_frame_is_480_samples(hift: Hift, frames: int) -> None:
    wave = hift(torch.randn(80, frames), torch.randn(HOP * frames, 9))
    assert wave.shape == (HOP * frames,)
    assert wave.abs().max() <= 0.99


def test_old_names_and_folded_weights_give_the_same(hift: Hift, mel: torch.Tensor) -> None:
    new, old, plain = hift_weights(), {}, {}
    for name, each in new.items():
        layer, _, part = name.rpartition(".parametrizations.weight.")
        if part == "original0":
            old[f"{layer}.weight_g"] = each
        elif part == "original1":
            old[f"{layer}.weight_v"] = each
            plain[f"{layer}.weight"] = Tensors("x", new).normed(layer)
        else:
            old[name] = plain[name] = each

    for weights in (old, plain):
        again = Hift(Tensors("hift.pt", weights))
        torch.testing.assert_close(again(mel), hift(mel), rtol=0, atol=0)


def test_a_file_that_lacks_a_layer_is_named() -> None:
    weights = hift_weights()
    del weights["ups.1.bias"]
    with pytest.raises(ModelError, match=r"hift\.pt .*it has no ups\.1\.bias"):
        Hift(Tensors("hift.pt", weights))

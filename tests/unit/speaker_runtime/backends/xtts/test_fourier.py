"""Convolutions by short Fourier transforms: what the direct sum says."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from speaker_runtime.backends.xtts.fourier import FourierConvolution

CHANNELS = 16


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("dilation", [1, 3, 5])
@pytest.mark.parametrize("taps", [3, 7, 11])
@pytest.mark.parametrize("positions", [51, 133, 836, 2 * 128 * 22 + 10])
def test_it_is_the_convolution(positions: int, taps: int, dilation: int) -> None:
    weight, bias = drawn(CHANNELS + 1, CHANNELS, taps), drawn(CHANNELS + 1, seed=1)
    x = drawn(positions, CHANNELS, seed=2)

    made = FourierConvolution(weight, bias, dilation)(x)

    exact, rows = weight.double(), x.double().t()[None]
    expected = functional.conv1d(rows, exact, bias.double(), dilation=dilation)[0].t()
    assert made.shape == expected.shape
    assert (made - expected).abs().max() < 2e-6 * expected.abs().max()


def test_what_it_makes_is_the_same_bit_by_bit_every_time() -> None:
    convolution = FourierConvolution(drawn(256, 256, 7), drawn(256), 3)
    inputs = [drawn(866, 256, seed=seed) for seed in range(3)]
    first = [convolution(x) for x in inputs]

    for x, made in zip(reversed(inputs), reversed(first), strict=True):
        torch.testing.assert_close(convolution(x.clone()), made, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("channels", "taps", "gains"), [(256, 7, True), (128, 11, True), (128, 7, False)]
)
def test_only_wide_layers_of_many_taps_gain(channels: int, taps: int, gains: bool) -> None:
    assert FourierConvolution.suits(drawn(channels, channels, taps)) is gains


def test_it_does_not_pay_for_a_few_positions() -> None:
    convolution = FourierConvolution(drawn(4, 4, 11), drawn(4), 1)

    assert not convolution.pays(200)
    assert convolution.pays(836)

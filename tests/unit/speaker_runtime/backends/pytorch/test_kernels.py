"""Products of many rows: right, and each row by itself."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from speaker_runtime.backends.pytorch.kernels import (
    EightBitLinear,
    Linear,
    MakeProduct,
    is_row_by_row,
)

SHAPES = [(1024, 4096), (4096, 1024), (64, 192), (2, 1)]
"""Inputs and outputs."""


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def with_a_few_large(rows: Tensor) -> Tensor:
    """What a transformer's activations look like: a few inputs are far larger than the others."""
    rows = rows.clone()
    rows[:, ::331] *= 30
    return rows


def mostly_positive(rows: Tensor) -> Tensor:
    """What comes out of the activation."""
    return functional.gelu(rows)


ROWS: dict[str, Callable[[Tensor], Tensor]] = {
    "even": lambda rows: rows,
    "with a few large numbers": with_a_few_large,
    "mostly positive": mostly_positive,
    "of all sizes": lambda rows: rows * torch.logspace(-6, 6, len(rows))[:, None],
}


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize(("inputs", "outputs"), SHAPES[:3])
def test_eight_bits_are_right_within_a_hundredth(inputs: int, outputs: int, kind: str) -> None:
    weight, bias = drawn(outputs, inputs) * 0.02, torch.zeros(outputs)
    rows = ROWS[kind](drawn(16, inputs, seed=1))
    expected = functional.linear(rows.double(), weight.double())

    error = EightBitLinear(weight, bias)(rows) - expected

    assert (error.norm(dim=1) / expected.norm(dim=1)).max() < 0.01


@pytest.mark.parametrize(("inputs", "outputs"), SHAPES)
@pytest.mark.parametrize("product", [Linear, EightBitLinear])
@pytest.mark.parametrize("activation", ["none", "gelu"])
def test_a_row_is_the_same_bit_by_bit_in_any_company(
    product: MakeProduct, inputs: int, outputs: int, activation: str
) -> None:
    made = product(drawn(outputs, inputs), drawn(outputs), activation)  # type: ignore[arg-type]

    assert is_row_by_row(made, torch.zeros(1))
    rows = with_a_few_large(drawn(16, inputs, seed=1)) * torch.logspace(-6, 6, 16)[:, None]
    together = made(rows)
    for at in range(16):
        torch.testing.assert_close(made(rows[at : at + 1])[0], together[at], rtol=0, atol=0)


@pytest.mark.parametrize("odd", [0.0, torch.nan, torch.inf])
def test_a_row_of_nothing_spoils_no_other(odd: float) -> None:
    made = EightBitLinear(drawn(8, 64), drawn(8))
    rows = drawn(3, 64, seed=1)
    expected = made(rows)
    rows[1] = odd

    heard = made(rows)

    assert torch.equal(heard[[0, 2]], expected[[0, 2]])
    if odd == 0:
        torch.testing.assert_close(heard[1], drawn(8), rtol=0, atol=1e-6)
    else:
        assert not heard[1].isfinite().any()


def test_weights_of_nothing_give_the_bias() -> None:
    bias = drawn(8)
    assert torch.equal(EightBitLinear(torch.zeros(8, 64), bias)(drawn(2, 64)), bias.expand(2, 8))


def test_the_activation_is_gpt_2s() -> None:
    weight, bias, rows = drawn(8, 64), drawn(8), drawn(3, 64, seed=1)
    expected = functional.gelu(functional.linear(rows, weight, bias), approximate="tanh")
    torch.testing.assert_close(Linear(weight, bias, "gelu")(rows), expected)
    torch.testing.assert_close(
        EightBitLinear(weight, bias, "gelu")(rows), expected, rtol=0.05, atol=0.2
    )

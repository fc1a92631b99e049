"""Matrix products over weights that are laid out once for the device.

A row's numbers must not depend on how many other rows there are. PyTorch's default product on CPUs
chooses another order of additions for each number of rows; oneDNN's, over weights in its own
layout, does not, and is faster. :func:`is_row_by_row` looks whether that holds on this machine.
"""

from typing import Final, Literal

import torch
from torch import Tensor
from torch.nn import functional

Activation = Literal["none", "gelu"]

_ROWS: Final = 16
"""For how many the layout is chosen; others are as right, perhaps not as fast."""
_SIZES: Final = (1, 2, 3, 5, 8, 13)
"""Numbers of rows that are compared with the most."""


class Linear:
    """``y = activation(x W + b)`` of rows ``x``.

    Args:
        weight: Shape ``(outputs, inputs)``.
        bias: Shape ``(outputs,)``.
        activation: ``none``, or ``gelu`` as GPT-2 approximates it.
    """

    def __init__(self, weight: Tensor, bias: Tensor, activation: Activation = "none") -> None:
        self.inputs = weight.shape[1]
        self._bias = bias.contiguous()
        self._activation = activation
        self._is_packed = _can_be_packed(weight)
        weight = weight.contiguous()
        if self._is_packed:
            weight = torch.ops.mkldnn._reorder_linear_weight(weight, _ROWS)  # noqa: SLF001  as torch.compile does
        self._weight: Tensor = weight

    def __call__(self, rows: Tensor) -> Tensor:
        """Outputs, shape ``(rows, outputs)``."""
        if self._is_packed:
            algorithm = "tanh" if self._activation == "gelu" else ""
            packed: Tensor = torch.ops.mkldnn._linear_pointwise(  # noqa: SLF001  as torch.compile does
                rows, self._weight, self._bias, self._activation, [], algorithm
            )
            return packed
        outputs = functional.linear(rows, self._weight, self._bias)
        if self._activation == "gelu":
            return functional.gelu(outputs, approximate="tanh")
        return outputs


def is_row_by_row(linear: Linear, like: Tensor) -> bool:
    """Whether each row of a product is the same, whatever the number of rows.

    Args:
        linear: Tried out.
        like: A tensor on its device, of its type.
    """
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(_ROWS, linear.inputs, generator=generator).to(like.device, like.dtype)
    whole = linear(rows)
    return all(
        torch.equal(linear(rows[at : at + size]), whole[at : at + size])
        for size in _SIZES
        for at in (0, _ROWS - size)
    )


def _can_be_packed(weight: Tensor) -> bool:
    return (
        weight.device.type == "cpu"
        and weight.dtype == torch.float32
        and torch.backends.mkldnn.is_available()
    )

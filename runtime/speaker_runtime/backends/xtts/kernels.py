"""Matrix products and convolutions over weights that are laid out once for the device.

On CPUs oneDNN's own layout is used. Besides being faster it adds up each output in an order that
does not depend on the number of rows, which PyTorch's default product does; where that should not
hold (:func:`is_row_by_row`), and on GPUs, products are of the same number of rows each time.
"""

from typing import Final, Literal

import torch
from torch import Tensor
from torch.nn import functional

Activation = Literal["none", "gelu", "leaky_relu"]

MOST_ROWS: Final = 16
"""Rows that a product is laid out for."""
_SLOPE: Final = 0.1
"""Of HiFi-GAN's leaky ReLU."""


class Linear:
    """``y = activation(x W + b)`` for rows ``x``.

    Args:
        weight: Shape ``(outputs, inputs)``.
        bias: Shape ``(outputs,)``.
        activation: ``none`` or ``gelu``, GPT-2's approximation of it.
    """

    def __init__(self, weight: Tensor, bias: Tensor, activation: Activation = "none") -> None:
        self._bias = bias.contiguous()
        self._activation = activation
        self._packed = _can_pack(weight)
        self._weight = weight.contiguous()
        if self._packed:
            self._weight = torch.ops.mkldnn._reorder_linear_weight(self._weight, MOST_ROWS)

    def __call__(self, rows: Tensor) -> Tensor:
        """Outputs, shape ``(rows, outputs)``."""
        if self._packed:
            algorithm = "tanh" if self._activation == "gelu" else ""
            return torch.ops.mkldnn._linear_pointwise(
                rows, self._weight, self._bias, self._activation, [], algorithm
            )
        outputs = functional.linear(rows, self._weight, self._bias)
        if self._activation == "gelu":
            return functional.gelu(outputs, approximate="tanh")
        return outputs


def _can_pack(weight: Tensor) -> bool:
    return (
        weight.device.type == "cpu"
        and weight.dtype == torch.float32
        and torch.backends.mkldnn.is_available()
    )

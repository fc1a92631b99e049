"""Matrix products over weights that are laid out once for the device.

A row's numbers must not depend on how many other rows there are. PyTorch's default product on CPUs
chooses another order of additions for each number of rows; oneDNN's, over weights in its own
layout, does not, and is faster. :func:`is_row_by_row` looks whether that holds on this machine.
"""

import warnings
from collections.abc import Callable
from typing import Final, Literal, Protocol, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

Activation = Literal["none", "gelu"]

ROWS: Final = 16
"""For how many the layout is chosen; others are as right, perhaps not as fast. With so many rows a
kernel is tried out."""
_SIZES: Final = (1, 2, 3, 5, 8, 13)
"""Numbers of rows that are compared with the most."""
_WEIGHT_STEPS: Final = 127
_STEP: Final = 1 / 64
"""Between two numbers of 7 bits, from -1 to the greatest."""
_GREATEST: Final = 1 - _STEP
_FINER: Final = 2 * _GREATEST / _STEP
"""What rounding leaves is at most half a step: so much larger, it fills the same range."""
_LEAST: Final = 1e-30
"""So that nothing is divided by 0."""


class Product(Protocol):
    """``y = activation(x W + b)`` of rows ``x``."""

    inputs: int
    """Numbers in a row of ``x``."""

    def __call__(self, rows: Tensor) -> Tensor:
        """Outputs, shape ``(rows, outputs)``."""


MakeProduct: TypeAlias = Callable[[Tensor, Tensor, Activation], Product]
"""Of a weight ``(outputs, inputs)``, a bias and an activation."""


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
            weight = torch.ops.mkldnn._reorder_linear_weight(weight, ROWS)  # noqa: SLF001  as torch.compile does
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


class EightBitLinear:
    """The same over weights of 8 bits, on CPUs with FBGEMM: a quarter of the memory to read.

    Each output has a scale of its own. The kernel multiplies whole numbers and adds them up
    exactly, so that no row depends on another one, but it has one scale and only 7 bits for all
    rows' numbers; a row with a few large ones would be left with nothing else. So each row is
    brought to the kernel's scale by itself, and goes in twice: rounded, and what that left. That
    takes little more time, as the weights are read once, and makes the rows' rounding vanish beside
    that of the weights.

    Args:
        weight: Shape ``(outputs, inputs)``.
        bias: Shape ``(outputs,)``.
        activation: ``none``, or ``gelu`` as GPT-2 approximates it.
    """

    def __init__(self, weight: Tensor, bias: Tensor, activation: Activation = "none") -> None:
        self.inputs = weight.shape[1]
        self._bias = bias.contiguous()
        self._activation = activation
        scales = weight.abs().amax(dim=1).clamp(min=_LEAST) / _WEIGHT_STEPS
        whole = torch.round(weight / scales[:, None]).to(torch.int8)
        with warnings.catch_warnings():
            # PyTorch is to lose tensors that know their scale. Nothing else in 2.14 makes weights
            # for this kernel, and its other 8-bit products are slower than those of floats.
            warnings.filterwarnings("ignore", "torch.quantize_per_tensor", UserWarning)
            known = torch._make_per_channel_quantized_tensor(  # noqa: SLF001  as PyTorch's own layers do
                whole, scales.double(), torch.zeros(len(scales), dtype=torch.int64), 0
            )
        self._weight = torch.ops.quantized.linear_prepack(known, None)
        # The kernel takes its scale from the least and the greatest number of all rows: so they
        # are always the same, and the scale is _STEP.
        self._edges = torch.zeros(1, self.inputs)
        self._edges[0, 0], self._edges[0, 1] = -1.0, _GREATEST

    def __call__(self, rows: Tensor) -> Tensor:
        """Outputs, shape ``(rows, outputs)``."""
        count = len(rows)
        sizes = rows.abs().amax(dim=1, keepdim=True).clamp(min=_LEAST) / _GREATEST
        # What is no number stays in its own row: its size is none either.
        level = torch.nan_to_num(rows / sizes)
        rounded = torch.round(level / _STEP) * _STEP
        left = (level - rounded) * _FINER
        outputs: Tensor = torch.ops.quantized.linear_dynamic(
            torch.cat([rounded, left, self._edges]), self._weight, True
        )
        level = torch.add(outputs[:count], outputs[count : 2 * count], alpha=1 / _FINER)
        outputs = torch.addcmul(self._bias, level, sizes)
        if self._activation == "gelu":
            return functional.gelu(outputs, approximate="tanh")
        return outputs


def is_row_by_row(linear: Product, like: Tensor) -> bool:
    """Whether each row of a product is the same, whatever the number of rows.

    Args:
        linear: Tried out.
        like: A tensor on its device, of its type.
    """
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(ROWS, linear.inputs, generator=generator).to(like.device, like.dtype)
    return are_apart(lambda begin, end: linear(rows[begin:end]), along=0)


def are_apart(of_some: Callable[[int, int], Tensor], along: int) -> bool:
    """Whether some of :data:`ROWS` rows come out as they do among all of them, bit by bit.

    Args:
        of_some: What a kernel makes of the rows from one to another.
        along: The dimension of that in which they lie.
    """
    whole = of_some(0, ROWS)
    return all(
        torch.equal(of_some(at, at + size), whole.narrow(along, at, size))
        for size in _SIZES
        for at in (0, ROWS - size)
    )


def _can_be_packed(weight: Tensor) -> bool:
    return (
        weight.device.type == "cpu"
        and weight.dtype == torch.float32
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    )

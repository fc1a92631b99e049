"""Convolutions of wide layers by short Fourier transforms: fewer products than taps would take.

A block of ``size`` positions is transformed, multiplied with the kernel's transform and brought
back, which makes ``size - taps + 1`` outputs at once. Real transforms as small matrices, and three
real products for a complex one (Karatsuba), leave ``3 * size / 2 - 1`` products of whole layers
for each block where the taps themselves take ``taps`` of them for each position: with 32 positions
and 11 taps a fifth. The transforms cost as much for a narrow layer as for a wide one, relative to
what they save, so that only wide layers gain.

The result differs from the direct sum by about one rounding (1e-6 of the greatest output).
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

_LEAST_PRODUCTS: Final = 1280
"""Inputs of an output from which a layer gains; below, the transforms cost more than they save."""
_LEAST_ROWS: Final = 24
"""Rows of a product below which its weights are read for too little."""
_MOST_ROWS: Final = 128
"""Rows at once whose transforms stay in the processor's cache."""


@dataclass(frozen=True)
class _Transform:
    """How ``y[m] = sum over k of w[k] x[m + k]`` is computed as ``back @ (kernel w * there x)``.

    Attributes:
        there: Of a block's inputs, shape ``(products, size)``.
        kernel: Of the taps, shape ``(products, taps)``.
        back: To a block's outputs, shape ``(size - taps + 1, products)``.
    """

    there: Tensor
    kernel: Tensor
    back: Tensor


class FourierConvolution:
    """A convolution without padding, in float32 on a CPU.

    Args:
        weight: Shape ``(outputs, inputs, taps)``.
        bias: Shape ``(outputs,)``.
        dilation: Positions from one tap to the next.
    """

    def __init__(self, weight: Tensor, bias: Tensor, dilation: int) -> None:
        taps = weight.shape[2]
        self._size = 1 << (2 * taps - 1).bit_length()  # at least half of a block's positions count
        transform = _transform(self._size, taps)
        self._there, self._back = transform.there.float(), transform.back.float()
        self._weight = torch.einsum("pk,oik->pio", transform.kernel, weight.double()).float()
        self._bias = bias
        self._dilation = dilation
        self._reach = (taps - 1) * dilation
        self._made = self._size - taps + 1

    @staticmethod
    def suits(weight: Tensor) -> bool:
        """Whether a layer of such a weight is faster so."""
        _, inputs, taps = weight.shape
        on_cpu = weight.device.type == "cpu" and weight.dtype == torch.float32
        return on_cpu and inputs * taps >= _LEAST_PRODUCTS

    def pays(self, positions: int) -> bool:
        """Whether it does for so many inputs."""
        return self._blocks(positions) * self._dilation >= _LEAST_ROWS

    def __call__(self, x: Tensor) -> Tensor:
        """Outputs.

        Args:
            x: Inputs, shape ``(positions, inputs)``, contiguous.

        Returns:
            Shape ``(positions - (taps - 1) * dilation, outputs)``.
        """
        count, step = self._blocks(len(x)), self._made * self._dilation
        y = x.new_empty(count, self._made, self._dilation, self._weight.shape[2])
        for begin in range(0, count, most := max(1, _MOST_ROWS // self._dilation)):
            end = min(begin + most, count)
            made = self._of_blocks(x[begin * step : end * step + self._reach], end - begin)
            torch.add(made.transpose(0, 1), self._bias, out=y[begin:end])
        return y.view(-1, y.shape[3])[: len(x) - self._reach]

    def _blocks(self, positions: int) -> int:
        return -(-(positions - self._reach) // (self._made * self._dilation))

    def _of_blocks(self, x: Tensor, count: int) -> Tensor:
        """Of so many blocks, shape ``(outputs of each, blocks, dilation, channels)``."""
        dilation, channels = self._dilation, x.shape[1]
        step = self._made * dilation
        missing = count * step + self._reach - len(x)
        if missing:
            x = functional.pad(x, (0, 0, 0, missing))
        row = dilation * channels
        blocks = x.as_strided((self._size, count, row), (row, step * channels, 1))
        there = (self._there @ blocks.reshape(self._size, -1)).view(len(self._there), -1, channels)
        multiplied = torch.bmm(there, self._weight).view(len(self._there), -1)
        return (self._back @ multiplied).view(self._made, count, dilation, -1)


@cache
def _transform(size: int, taps: int) -> _Transform:
    """The real Fourier transform of even ``size`` as products; in float64."""
    inputs = torch.arange(size, dtype=torch.float64)
    outputs = inputs[: size - taps + 1]
    there, kernel, back = [], [], []
    for frequency in range(size // 2 + 1):
        angle = 2 * torch.pi * frequency / size
        real, imaginary = torch.cos(angle * inputs), -torch.sin(angle * inputs)
        tap, imaginary_tap = real[:taps], -imaginary[:taps]
        cosine = torch.cos(angle * outputs) / size
        if frequency in (0, size // 2):
            there.append(real)
            kernel.append(tap)
            back.append(cosine)
            continue
        cosine, sine = 2 * cosine, 2 * torch.sin(angle * outputs) / size
        there += [real + imaginary, real, imaginary]
        kernel += [tap, imaginary_tap - tap, tap + imaginary_tap]
        back += [cosine - sine, -sine, -cosine]
    return _Transform(torch.stack(there), torch.stack(kernel), torch.stack(back, dim=1))

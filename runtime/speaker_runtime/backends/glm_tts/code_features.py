"""What the flow makes of speech codes: features of every mel frame, the same at all its steps."""

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from speaker_runtime.backends.glm_tts.tensors import Tensors

_BLOCKS: Final = 4
_KERNEL: Final = 7
_EPSILON: Final = 1e-6
_POSITIONS: Final = 4096
"""Frames behind the last of these have its position."""


class CodeFeatures:
    """Embeddings with positions, through four blocks of ConvNeXt V2.

    Args:
        tensors: Those below ``text_emb_layer``.
    """

    def __init__(self, tensors: Tensors) -> None:
        self._table = tensors.take("text_embed.weight", None, None)
        self.width = self._table.shape[1]
        self._positions = _positions(self.width).to(self._table.device)
        self._blocks = [
            _Block(tensors.below(f"text_blocks.{number}"), self.width) for number in range(_BLOCKS)
        ]

    @property
    def size(self) -> int:
        """How many codes it knows."""
        return len(self._table)

    def __call__(self, codes: Tensor, real: Tensor | None = None) -> Tensor:
        """Features of frames.

        Args:
            codes: One for each frame (:func:`stretched`), int64, shape ``(rows, frames)``.
            real: Which frames belong to each row, bool, of the same shape; None where all do.

        Returns:
            Float32, shape ``(rows, frames, width)``; 0 in frames that belong to no row.
        """
        places = torch.arange(codes.shape[1], device=codes.device).clamp(max=_POSITIONS - 1)
        x = self._table[codes] + self._positions[places]
        here = None if real is None else real[:, :, None]
        for block in self._blocks:
            x = block(x if here is None else x * here, here)
        return x if here is None else x * here


class _Block:
    def __init__(self, tensors: Tensors, width: int) -> None:
        self._depthwise = (
            tensors.take("dwconv.weight", width, 1, _KERNEL),
            tensors.take("dwconv.bias", width),
        )
        self._norm = (tensors.take("norm.weight", width), tensors.take("norm.bias", width))
        self._wide = tensors.pair("pwconv1", None, width)
        inner = len(self._wide[0])
        self._gamma = tensors.take("grn.gamma", 1, 1, inner)
        self._beta = tensors.take("grn.beta", 1, 1, inner)
        self._narrow = tensors.pair("pwconv2", width, inner)

    def __call__(self, x: Tensor, here: Tensor | None) -> Tensor:
        weight, bias = self._depthwise
        y = functional.conv1d(
            x.transpose(1, 2), weight, bias, padding=_KERNEL // 2, groups=len(weight)
        ).transpose(1, 2)
        y = functional.layer_norm(y, y.shape[-1:], *self._norm, eps=_EPSILON)
        y = functional.gelu(functional.linear(y, *self._wide))
        # How strong each channel is over all of the row's time, beside the others.
        strength = (y if here is None else y * here).norm(dim=1, keepdim=True)
        relative = strength / (strength.mean(dim=2, keepdim=True) + _EPSILON)
        y = self._gamma * (y * relative) + self._beta + y
        return x + functional.linear(y, *self._narrow)


def stretched(codes: Tensor, frames: int) -> Tensor:
    """The code of every frame: the nearest one, as ids are not to be mixed.

    Args:
        codes: Int64, shape ``(codes,)``.
        frames: How many.

    Returns:
        Int64, shape ``(frames,)``.
    """
    ratio = torch.tensor(len(codes) / frames, dtype=torch.float32)
    source = (torch.arange(frames, dtype=torch.float32) * ratio).floor().long()
    return codes[source.clamp(max=len(codes) - 1).to(codes.device)]


def _positions(width: int) -> Tensor:
    """A table to add: cosines in the first half, sines in the second."""
    rates = 1.0 / 10000.0 ** (torch.arange(0, width, 2, dtype=torch.float32) / width)
    angles = torch.arange(_POSITIONS, dtype=torch.float32)[:, None] * rates[None]
    return torch.cat([angles.cos(), angles.sin()], dim=1)

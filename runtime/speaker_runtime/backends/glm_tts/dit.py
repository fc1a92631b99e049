"""The network of the flow stage: a diffusion transformer over mel frames.

What does not change during the ten steps is computed once: the features of the codes, and what
speaker and time do to every layer (:class:`Modulation`). Rows of several requests go through
together; whatever looks beyond a frame (convolutions, the norm over time, attention) is held to
each row's own frames, so that a row's numbers are those that it has alone.
"""

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from speaker_runtime.backends.glm_tts.code_features import CodeFeatures
from speaker_runtime.backends.glm_tts.tensors import Tensors

MELS: Final = 80
SPEAKER: Final = 192
"""Numbers of a speaker vector."""
_HEAD: Final = 64
_TIMES: Final = 256
"""Sines and cosines of a time."""
_EPSILON: Final = 1e-6
_CONV_GROUPS: Final = 16
_CONV_KERNEL: Final = 31


@dataclass(frozen=True)
class Modulation:
    """What speaker and times do to the layers; the times are the same in every request.

    Attributes:
        blocks: Shift, 1 + scale and gate before attention and before the feed-forward part, of each
            block at each time: shape ``(times, blocks, 6, width)``.
        last: 1 + scale and shift before the last projection, shape ``(times, 2, width)``.
    """

    blocks: Tensor
    last: Tensor

    @property
    def nbytes(self) -> int:
        """Of memory."""
        return self.blocks.nbytes + self.last.nbytes


@dataclass(frozen=True)
class Rows:
    """What the rows of a batch have in common at every step.

    Attributes:
        given: The share of condition and codes in the input projection, ``(rows, frames, width)``.
        real: Which frames belong to each row, bool, ``(rows, frames)``; None where all do.
        mask: Which frames each frame attends to, bool, ``(rows, 1, frames, frames)``; None for all.
        angles: Cosines and sines of the positions, ``(2, frames, 32)``.
    """

    given: Tensor
    real: Tensor | None
    mask: Tensor | None
    angles: Tensor


class Dit:
    """The network; every size but the head's is that of the tensors.

    Args:
        tensors: Those of the flow, below ``estimator.``.
        condition: Channels of the condition.
    """

    def __init__(self, tensors: Tensors, condition: int) -> None:
        self._time = (
            tensors.pair("time_embed.time_mlp.0", None, _TIMES),
            tensors.pair("time_embed.time_mlp.2", None, None),
        )
        width = len(self._time[0][0])
        self.codes = CodeFeatures(tensors.below("text_emb_layer"))
        weight, self._input_bias = tensors.pair(
            "emb_concator.proj", width, MELS + condition + self.codes.width
        )
        self._from_x = weight[:, :MELS].contiguous()
        self._from_given = weight[:, MELS:].contiguous()
        convs = tensors.below("emb_concator.conv_pos_embed.conv1d")
        self._convs = [
            (
                convs.take(f"{at}.weight", width, width // _CONV_GROUPS, _CONV_KERNEL),
                convs.take(f"{at}.bias", width),
            )
            for at in (0, 2)
        ]
        self._blocks: list[_Block] = []
        while tensors.has(f"transformer_blocks.{len(self._blocks)}.attn.to_q.weight"):
            block = tensors.below(f"transformer_blocks.{len(self._blocks)}")
            self._blocks.append(_Block(block, width))
        if not self._blocks:
            raise tensors.damaged("it has no transformer_blocks.0")
        self._last_modulation = tensors.pair("norm_out.linear", 2 * width, None)
        self._output = tensors.pair("proj_out", MELS, width)
        self.width = width
        self.speaker = self._last_modulation[0].shape[1] - width
        """Numbers that a speaker adds to the time: 192, or 0."""
        if self.speaker not in (0, SPEAKER):
            raise tensors.damaged(f"norm_out.linear takes {self.speaker} numbers of a speaker")
        self._angles = torch.zeros(2, 0, _HEAD // 2)

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self._from_x.device

    def modulation(self, times: Tensor, speaker: Tensor) -> Modulation:
        """What a speaker does to the layers at some times.

        Args:
            times: From 0 to 1, float32, shape ``(times,)``.
            speaker: Of length 1, or zeros, float32, shape ``(192,)``.
        """
        both = self.time_vectors(times)
        if self.speaker:
            both = torch.cat([both, speaker[None].expand(len(times), -1)], dim=1)
        both = functional.silu(both)
        blocks = torch.stack(
            [functional.linear(both, *block.modulation) for block in self._blocks], dim=1
        ).view(len(times), len(self._blocks), 6, self.width)
        blocks[:, :, [1, 4]] += 1
        last = functional.linear(both, *self._last_modulation).view(-1, 2, self.width)
        last[:, 0] += 1
        return Modulation(blocks, last)

    def time_vectors(self, times: Tensor) -> Tensor:
        """What times are to the layers, shape ``(times, width)``."""
        half = _TIMES // 2
        steps = torch.arange(half, device=times.device, dtype=torch.float32)
        rates = torch.exp(steps * -(math.log(10000.0) / (half - 1)))
        angles = 1000.0 * times[:, None] * rates[None]
        waves = torch.cat([angles.sin(), angles.cos()], dim=1)
        (first, bias), (second, second_bias) = self._time
        hidden = functional.silu(functional.linear(waves, first, bias))
        return functional.linear(hidden, second, second_bias)

    def rows(
        self,
        condition: Tensor,
        features: Tensor,
        real: Tensor | None = None,
        reach: Tensor | None = None,
    ) -> Rows:
        """What stays the same at every step.

        Args:
            condition: Float32, shape ``(rows, frames, condition)``.
            features: Of the codes, float32, shape ``(rows, frames, features)``.
            real: Which frames belong to each row, bool, shape ``(rows, frames)``; None for all.
            reach: How many of the first frames each frame attends to, int64, shape
                ``(rows, frames)``; None for all.
        """
        given = torch.cat([condition, features], dim=2)
        given = functional.linear(given, self._from_given, self._input_bias)
        frames = given.shape[1]
        mask = None if real is None else real[:, None, None, :].expand(-1, 1, frames, -1)
        if reach is not None:
            seen = torch.arange(frames, device=given.device) < reach[:, :, None]
            mask = seen[:, None] if mask is None else mask & seen[:, None]
        return Rows(given, real, mask, self._angles_of(frames))

    def velocity(self, x: Tensor, rows: Rows, blocks: Tensor, last: Tensor) -> Tensor:
        """Where ``x`` moves to at one time.

        Args:
            x: Float32, shape ``(rows, frames, 80)``.
            rows: Of :meth:`rows`.
            blocks: :attr:`Modulation.blocks` of each row, ``(rows, blocks, 6, width)``.
            last: :attr:`Modulation.last` of each row, ``(rows, 2, width)``.

        Returns:
            Of the shape of ``x``; frames that belong to no row have any values.
        """
        x = functional.linear(x, self._from_x) + rows.given
        y = x
        for weight, bias in self._convs:
            if rows.real is not None:
                y = y * rows.real[:, :, None]
            y = functional.conv1d(
                y.transpose(1, 2), weight, bias, padding=_CONV_KERNEL // 2, groups=_CONV_GROUPS
            )
            y = functional.mish(y).transpose(1, 2)
        x = x + y
        for number, block in enumerate(self._blocks):
            x = block(x, rows, blocks[:, number, :, None])
        scale, shift = last[:, :, None].unbind(1)
        return functional.linear(torch.addcmul(shift, _normed(x), scale), *self._output)

    def _angles_of(self, frames: int) -> Tensor:
        """Cosines and sines for so many frames, of a table that grows in steps."""
        if self._angles.shape[1] < frames or self._angles.device != self.device:
            positions = torch.arange((frames // 1024 + 1) * 1024, dtype=torch.float32)
            pairs = torch.arange(0, _HEAD, 2, dtype=torch.float32)
            angles = positions[:, None] * (1.0 / 10000.0 ** (pairs / _HEAD))[None]
            self._angles = torch.stack([angles.cos(), angles.sin()]).to(self.device)
        return self._angles[:, :frames]


class _Block:
    """Attention and a feed-forward part, each modulated and gated."""

    def __init__(self, tensors: Tensors, width: int) -> None:
        self.modulation = tensors.pair("attn_norm.linear", 6 * width, None)
        parts = [tensors.pair(f"attn.to_{name}", None, width) for name in "qkv"]
        inner = len(parts[0][0])
        if inner % _HEAD or any(len(weight) != inner for weight, _ in parts):
            raise tensors.damaged(f"its queries have {inner} channels, not {_HEAD} for each head")
        self._heads = inner // _HEAD
        self._weight = torch.cat([weight for weight, _ in parts])
        self._bias = torch.cat([bias for _, bias in parts])
        self._out = tensors.pair("attn.to_out.0", width, inner)
        self._wide = tensors.pair("ff.ff.0.0", None, width)
        self._narrow = tensors.pair("ff.ff.2", width, len(self._wide[0]))

    def __call__(self, x: Tensor, rows: Rows, modulation: Tensor) -> Tensor:
        shift, scale, gate, later_shift, later_scale, later_gate = modulation.unbind(1)
        y = torch.addcmul(shift, _normed(x), scale)
        x = torch.addcmul(x, gate, self._attended(y, rows))
        y = torch.addcmul(later_shift, _normed(x), later_scale)
        y = functional.gelu(functional.linear(y, *self._wide), approximate="tanh")
        return torch.addcmul(x, later_gate, functional.linear(y, *self._narrow))

    def _attended(self, y: Tensor, rows: Rows) -> Tensor:
        count, frames, _ = y.shape
        mixed = functional.linear(y, self._weight, self._bias)
        mixed = mixed.view(count, frames, 3, self._heads, _HEAD)
        # Only the first head knows positions: channels 2k and 2k + 1 are turned together.
        _turn(mixed[:, :, :2, 0], rows.angles)
        queries, keys, values = mixed.permute(2, 0, 3, 1, 4)
        heard = functional.scaled_dot_product_attention(queries, keys, values, rows.mask)
        return functional.linear(heard.transpose(1, 2).reshape(count, frames, -1), *self._out)


def _turn(heads: Tensor, angles: Tensor) -> None:
    """Turn pairs of channels of ``(rows, frames, 2, 64)`` by their positions' angles, in place."""
    cosines, sines = angles[:, None, :, None]
    even, odd = heads[..., 0::2].clone(), heads[..., 1::2].clone()
    heads[..., 0::2] = even * cosines - odd * sines
    heads[..., 1::2] = odd * cosines + even * sines


def _normed(x: Tensor) -> Tensor:
    return functional.layer_norm(x, x.shape[-1:], eps=_EPSILON)

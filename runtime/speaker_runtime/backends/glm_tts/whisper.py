"""The encoder that listens for speech codes: Whisper's, cut off where the codes are taken."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Final, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

ACTIVATIONS: Final[Mapping[str, Callable[[Tensor], Tensor]]] = MappingProxyType(
    {
        "gelu": functional.gelu,
        "gelu_new": partial(functional.gelu, approximate="tanh"),
        "relu": functional.relu,
        "silu": functional.silu,
    }
)
"""Of the layers, by the names that configurations have for them."""
_STRIDE: Final = 2
"""Feature frames of a position."""
_KERNEL: Final = 3


@dataclass(frozen=True)
class EncoderConfig:
    """What decides how the encoder listens, apart from sizes, which are those of its weights.

    Attributes:
        heads: Of attention.
        layers: How many there are before codes are taken.
        activation: One of :data:`ACTIVATIONS`.
        pooling: How many positions become one; 1 for none.
        pooling_type: Whether they become their mean or their maximum.
        pooling_position: Behind how many layers they do.
        block: How many positions see one another although some are later; None for all.
        causal: Whether every position sees only earlier ones, padding included.
        causal_convolution: Whether the convolutions do.
    """

    heads: int
    layers: int
    activation: str = "gelu"
    pooling: int = 1
    pooling_type: Literal["avg", "max"] = "avg"
    pooling_position: int = 0
    block: int | None = None
    causal: bool = False
    causal_convolution: bool = False

    @property
    def frames(self) -> int:
        """Feature frames of what a code is taken from."""
        return _STRIDE * (self.pooling if self.pools else 1)

    @property
    def pools(self) -> bool:
        """Whether positions become one before codes are taken."""
        return self.pooling > 1 and 1 <= self.pooling_position <= self.layers


class Encoder(nn.Module):
    """The encoder, with the parameters' names as they are published.

    Args:
        config: How it listens.
        bins: Of the features.
        width: Of the layers.
        inner: Of what lies between the two products of a layer.
        positions: How many it knows, at two feature frames each.
    """

    def __init__(
        self, config: EncoderConfig, *, bins: int, width: int, inner: int, positions: int
    ) -> None:
        super().__init__()
        self.config = config
        self.conv1 = nn.Conv1d(bins, width, _KERNEL)
        self.conv2 = nn.Conv1d(width, width, _KERNEL, stride=_STRIDE)
        self.embed_positions = nn.Embedding(positions, width)
        self.layers = nn.ModuleList(_Layer(config, width, inner) for _ in range(config.layers))

    def forward(self, features: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """What codes are taken from.

        Args:
            features: Log-mel, shape ``(waves, bins, frames)``.
            real: Which frames are no padding, shape ``(waves, frames)``.

        Returns:
            Hidden states of shape ``(waves, positions, width)``, and which of these positions are
            no padding, of shape ``(waves, positions)``.
        """
        config = self.config
        around = (_KERNEL - 1, 0) if config.causal_convolution else (1, 1)
        hidden = functional.gelu(self.conv1(functional.pad(features, around)))
        hidden = functional.gelu(self.conv2(functional.pad(hidden, around)))
        hidden = hidden.transpose(1, 2)
        hidden = hidden + self.embed_positions.weight[: hidden.shape[1]]
        real = real[:, ::_STRIDE]
        visible = self._visible(real, config.block)
        for number, layer in enumerate(self.layers, start=1):
            hidden = layer(hidden, visible)
            if config.pools and number == config.pooling_position:
                hidden, real = self._pooled(hidden), real[:, :: config.pooling]
                block = None if config.block is None else max(1, config.block // config.pooling)
                visible = self._visible(real, block)
        return hidden, real

    def _pooled(self, hidden: Tensor) -> Tensor:
        """Each run of positions as one; the last is filled up with zeros."""
        size = self.config.pooling
        hidden = functional.pad(hidden, (0, 0, 0, -hidden.shape[1] % size))
        runs = hidden.reshape(len(hidden), -1, size, hidden.shape[2])
        return runs.mean(dim=2) if self.config.pooling_type == "avg" else runs.amax(dim=2)

    def _visible(self, real: Tensor, block: int | None) -> Tensor:
        """Which positions (last axis) each position (the one before) looks at."""
        numbers = torch.arange(real.shape[1], device=real.device)
        earlier = numbers <= numbers[:, None]
        if self.config.causal:
            return earlier[None, None]
        if block is None:
            return real[:, None, None]
        together = numbers // block == numbers[:, None] // block
        return (earlier | together) & real[:, None, None]


class _Layer(nn.Module):
    """Attention and two products, each behind a normalisation and added to what came in."""

    def __init__(self, config: EncoderConfig, width: int, inner: int) -> None:
        super().__init__()
        self.self_attn = _Attention(config.heads, width)
        self.self_attn_layer_norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, inner)
        self.fc2 = nn.Linear(inner, width)
        self.final_layer_norm = nn.LayerNorm(width)
        self._activation = ACTIVATIONS[config.activation]

    def forward(self, hidden: Tensor, visible: Tensor) -> Tensor:
        hidden = hidden + self.self_attn(self.self_attn_layer_norm(hidden), visible)
        inner = self._activation(self.fc1(self.final_layer_norm(hidden)))
        added: Tensor = hidden + self.fc2(inner)
        return added


class _Attention(nn.Module):
    def __init__(self, heads: int, width: int) -> None:
        super().__init__()
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)
        self._heads = heads

    def forward(self, hidden: Tensor, visible: Tensor) -> Tensor:
        q, k, v = (
            made(hidden).unflatten(2, (self._heads, -1)).transpose(1, 2)
            for made in (self.q_proj, self.k_proj, self.v_proj)
        )
        heard = functional.scaled_dot_product_attention(q, k, v, attn_mask=visible)
        together: Tensor = self.out_proj(heard.transpose(1, 2).flatten(2))
        return together


def sizes(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """The sizes that :class:`Encoder` asks for, of its weights by name.

    Raises:
        KeyError: A weight is missing.
        ValueError: One has too few or too many dimensions.
    """
    width, bins, _ = tensors["conv1.weight"].shape
    positions, _ = tensors["embed_positions.weight"].shape
    inner, _ = tensors["layers.0.fc1.weight"].shape
    return {"bins": bins, "width": width, "inner": inner, "positions": positions}

"""The language model, decoded for many streams at once over caches that stay where they are.

It is a Llama: text and speech codes in one vocabulary. Streams join and leave between steps. A step
reads every weight once for all its rows; everything else is done row by row, so that a stream's
numbers are the same whoever else is in the batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from speaker_runtime.backends.glm_tts.llama_config import LlamaConfig
from speaker_runtime.backends.glm_tts.tensors import Tensors
from speaker_runtime.backends.pytorch.attention import Caches, Shape
from speaker_runtime.backends.pytorch.kernels import Linear, MakeProduct, Product, is_row_by_row


@dataclass(frozen=True)
class Place:
    """Where a Llama runs, and with what.

    Attributes:
        device: Where.
        precision: Of activations, caches and of the weights that ``product`` is given.
        product: Makes its products.
        slots: How many streams it has room for.
        positions: How many tokens a stream may have, its prompt included.
    """

    device: torch.device
    slots: int
    positions: int
    precision: torch.dtype = torch.float32
    product: MakeProduct = Linear


@dataclass(frozen=True)
class _Layer:
    """One block; queries, keys and values are one product, gate and up another."""

    before_attention: Tensor
    attention_in: Product
    attention_out: Product
    before_mlp: Tensor
    mlp_in: Product
    mlp_out: Product


class Llama:
    """The model, and the keys and values of its streams.

    Args:
        tensors: All of its files.
        config: Its sizes.
        place: Where it runs.
        outputs: Which tokens it is asked for, int64, shape ``(outputs,)``; None for all. What is
            left out costs nothing and is as if it were masked.
        together: Whether a step's streams attend together; by default where that leaves each row
            as it is, or where products do not anyway.

    Raises:
        ModelError: The tensors do not fit the configuration.
    """

    def __init__(
        self,
        tensors: Tensors,
        config: LlamaConfig,
        place: Place,
        *,
        outputs: Tensor | None = None,
        together: bool | None = None,
    ) -> None:
        self.config = config
        self._place = place
        table = tensors.raw("model.embed_tokens.weight", config.vocabulary, config.width)
        self._table = table.to(place.device)
        head = "lm_head.weight"
        weight = table
        if tensors.has(head):
            weight = tensors.raw(head, config.vocabulary, config.width)
        self._head = self._product(weight if outputs is None else weight[outputs.to(weight.device)])
        self._layers = [
            self._layer(tensors.below(f"model.layers.{number}")) for number in range(config.layers)
        ]
        self._norm = self._moved(tensors.take("model.norm.weight", config.width))
        self._angles = _angles(config, place)
        if together is None:
            together = not is_row_by_row(self._layers[0].mlp_in, self._norm)
        shape = Shape(
            layers=len(self._layers),
            slots=place.slots,
            heads=config.kv_heads,
            positions=place.positions,
            width=config.head,
            groups=config.heads // config.kv_heads,
        )
        self._caches = Caches(shape, self._norm, together=together)

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self._place.device

    @property
    def positions(self) -> int:
        """How many tokens a stream may have, its prompt included."""
        return self._place.positions

    def read(self, slot: int, position: int, tokens: Tensor) -> Tensor:
        """Read a part of a prompt, all before it having been read.

        Args:
            slot: Whose.
            position: Of its first token.
            tokens: Int64, shape ``(tokens,)``.

        Returns:
            What is known behind the last of them, shape ``(1, width)``.
        """
        x, reading = self._embedded(tokens), self._caches.reading(slot, position, len(tokens))
        places = torch.arange(position, position + len(tokens), device=self.device)
        for number, layer in enumerate(self._layers):
            x = self._through(layer, x, reading.attend(number, *self._projected(layer, x, places)))
        return x[-1:]

    def step(self, slots: Sequence[int], positions: Sequence[int], tokens: Tensor) -> Tensor:
        """Read one token of each of some streams.

        Args:
            slots: Whose.
            positions: Of each token in its stream.
            tokens: Int64, shape ``(streams,)``.

        Returns:
            What is known behind them, shape ``(streams, width)``.
        """
        step = self._caches.step(slots, positions)
        x = step.rows(self._embedded(tokens))
        for number, layer in enumerate(self._layers):
            projected = self._projected(layer, x, step.positions)
            x = self._through(layer, x, step.attend(number, *projected))
        return step.of_streams(x)

    def logits(self, known: Tensor) -> Tensor:
        """Scores of the tokens that it is asked for, float32, shape ``(rows, outputs)``."""
        return self._head(self._normed(known, self._norm)).float()

    def _embedded(self, tokens: Tensor) -> Tensor:
        return self._table[tokens.to(self.device)].to(self._place.precision)

    def _projected(self, layer: _Layer, x: Tensor, places: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values at some places, each of shape ``(rows, heads, head)``."""
        heads, kv_heads = self.config.heads, self.config.kv_heads
        mixed = layer.attention_in(self._normed(x, layer.before_attention))
        mixed = mixed.view(len(x), heads + 2 * kv_heads, self.config.head)
        cosines, sines = self._angles[:, places, None]
        turning = mixed[:, : heads + kv_heads]
        first, second = turning.chunk(2, dim=2)
        turned = turning * cosines + torch.cat([-second, first], dim=2) * sines
        return turned[:, :heads], turned[:, heads:], mixed[:, heads + kv_heads :]

    def _through(self, layer: _Layer, x: Tensor, heard: Tensor) -> Tensor:
        x = x + layer.attention_out(heard.reshape(len(x), -1))
        gate, up = layer.mlp_in(self._normed(x, layer.before_mlp)).chunk(2, dim=1)
        return x + layer.mlp_out(functional.silu(gate) * up)

    def _normed(self, x: Tensor, weight: Tensor) -> Tensor:
        return functional.rms_norm(x, (self.config.width,), weight, self.config.epsilon)

    def _layer(self, tensors: Tensors) -> _Layer:
        config = self.config
        queries, shared = config.heads * config.head, config.kv_heads * config.head
        attention, mlp = tensors.below("self_attn"), tensors.below("mlp")
        parts = [
            attention.raw("q_proj.weight", queries, config.width),
            attention.raw("k_proj.weight", shared, config.width),
            attention.raw("v_proj.weight", shared, config.width),
        ]
        wide = [mlp.raw(f"{name}.weight", config.inner, config.width) for name in _WIDE]
        return _Layer(
            self._moved(tensors.take("input_layernorm.weight", config.width)),
            self._product(torch.cat(parts)),
            self._product(attention.raw("o_proj.weight", config.width, queries)),
            self._moved(tensors.take("post_attention_layernorm.weight", config.width)),
            self._product(torch.cat(wide)),
            self._product(mlp.raw("down_proj.weight", config.width, config.inner)),
        )

    def _product(self, weight: Tensor) -> Product:
        """None of its products has a bias."""
        weight = self._moved(weight)
        return self._place.product(weight, weight.new_zeros(len(weight)), "none")

    def _moved(self, tensor: Tensor) -> Tensor:
        return tensor.to(self._place.device, self._place.precision)


_WIDE: Final = ("gate_proj", "up_proj")


def _angles(config: LlamaConfig, place: Place) -> Tensor:
    """Cosines and sines of each position, ``(2, positions, head)``; the halves are the same."""
    rates = 1.0 / config.theta ** (torch.arange(0, config.head, 2).float() / config.head)
    angles = torch.arange(place.positions + 1).float()[:, None] * rates[None]
    both = torch.cat([angles, angles], dim=1)
    return torch.stack([both.cos(), both.sin()]).to(place.device, place.precision)

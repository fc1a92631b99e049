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
from speaker_runtime.backends.pytorch.kernels import Linear, MakeProduct, Product, is_row_by_row

PIECE: Final = 64
"""Positions of a prompt that are read at once: others get their turn in between."""
_BLOCK: Final = 256
"""Where rows attend together, they look at a multiple of so many positions."""


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
        self._positions = place.positions
        """Behind the last of these comes a position that nobody looks at."""
        if together is None:
            together = not is_row_by_row(self._layers[0].mlp_in, self._norm)
        self._together = together
        # Memory that is not written to is not there yet: unused slots cost nothing on a CPU. Where
        # rows attend together they look at all of it, and what is masked has to be a number.
        allocate = torch.zeros if together else torch.empty
        self._cache = allocate(
            (len(self._layers), 2, place.slots, config.kv_heads, place.positions + 1, config.head),
            dtype=place.precision,
            device=place.device,
        )

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self._place.device

    @property
    def positions(self) -> int:
        """How many tokens a stream may have, its prompt included."""
        return self._positions

    def read(self, slot: int, position: int, tokens: Tensor) -> Tensor:
        """Read a part of a prompt, all before it having been read.

        Args:
            slot: Whose.
            position: Of its first token.
            tokens: Int64, shape ``(tokens,)``.

        Returns:
            What is known behind the last of them, shape ``(1, width)``.
        """
        x, end = self._embedded(tokens), position + len(tokens)
        places = torch.arange(position, end, device=self.device)
        groups = self.config.heads // self.config.kv_heads
        mask = (torch.arange(end, device=self.device)[None] <= places[:, None]).repeat(groups, 1)
        for number, layer in enumerate(self._layers):
            keys, values = self._cache[number, :, slot, :, :end]
            queries, new_keys, new_values = self._projected(layer, x, places)
            keys[:, position:] = new_keys.transpose(0, 1)
            values[:, position:] = new_values.transpose(0, 1)
            # The heads that share keys and values are further rows beside them.
            shared = queries.view(len(x), self.config.kv_heads, groups, -1).permute(1, 2, 0, 3)
            heard = functional.scaled_dot_product_attention(
                shared.flatten(1, 2)[None], keys[None], values[None], mask
            )
            heard = heard[0].view(self.config.kv_heads, groups, len(x), -1).permute(2, 0, 1, 3)
            x = self._through(layer, x, heard)
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
        x = self._embedded(tokens)
        if self._together:
            return self._step_together(slots, positions, x)
        places = torch.tensor(positions, device=self.device)
        for number, layer in enumerate(self._layers):
            queries, keys, values = self._projected(layer, x, places)
            heard = torch.empty_like(queries)
            for row, (slot, position) in enumerate(zip(slots, positions, strict=True)):
                kept_keys, kept_values = self._cache[number, :, slot, :, : position + 1]
                kept_keys[:, position] = keys[row]
                kept_values[:, position] = values[row]
                shared = queries[row].view(1, self.config.kv_heads, -1, self.config.head)
                heard[row] = functional.scaled_dot_product_attention(
                    shared, kept_keys[None], kept_values[None]
                ).view(self.config.heads, -1)
            x = self._through(layer, x, heard)
        return x

    def logits(self, known: Tensor) -> Tensor:
        """Scores of the tokens that it is asked for, float32, shape ``(rows, outputs)``."""
        return self._head(self._normed(known, self._norm)).float()

    def _step_together(self, slots: Sequence[int], positions: Sequence[int], x: Tensor) -> Tensor:
        """A step with a row for each slot; those of no stream are computed and thrown away."""
        rows = torch.tensor(slots, device=self.device)
        count = self._place.slots
        every = torch.arange(count, device=self.device)
        place = torch.full((count,), self._positions, device=self.device)
        place[rows] = torch.tensor(positions, device=self.device)
        reach = min(self._positions, (max(positions) // _BLOCK + 1) * _BLOCK)
        mask = (torch.arange(reach, device=self.device)[None] <= place[:, None])[:, None, None]
        full = x.new_zeros(count, x.shape[1])
        full[rows] = x
        x = full
        for number, layer in enumerate(self._layers):
            queries, keys, values = self._projected(layer, x, place)
            kept_keys, kept_values = self._cache[number]
            kept_keys[every, :, place] = keys
            kept_values[every, :, place] = values
            heard = functional.scaled_dot_product_attention(
                queries.view(count, self.config.kv_heads, -1, self.config.head),
                kept_keys[:, :, :reach],
                kept_values[:, :, :reach],
                mask,
            )
            x = self._through(layer, x, heard)
        return x[rows]

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

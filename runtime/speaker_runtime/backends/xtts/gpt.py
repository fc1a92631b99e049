"""XTTS's GPT-2, decoded for many streams at once over key-value caches that stay where they are.

Streams join and leave between steps. A step reads every weight once for all its rows: that is what
a step costs, and what batching shares. Everything else is done row by row, so that a stream's
numbers are the same whoever else is in the batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from speaker_runtime.backends.pytorch.attention import Caches, Shape
from speaker_runtime.backends.pytorch.kernels import (
    Activation,
    Linear,
    MakeProduct,
    Product,
    is_row_by_row,
)

if TYPE_CHECKING:
    from transformers.models.gpt2.modeling_gpt2 import GPT2Block
    from transformers.pytorch_utils import Conv1D
    from TTS.tts.layers.xtts.gpt import GPT


@dataclass(frozen=True)
class Norm:
    """A layer normalisation."""

    weight: Tensor
    bias: Tensor
    epsilon: float

    @classmethod
    def of(cls, module: torch.nn.LayerNorm) -> "Norm":
        """The same as ``module``."""
        return cls(module.weight, module.bias, module.eps)

    def __call__(self, rows: Tensor) -> Tensor:
        """Rows with mean 0 and deviation 1, scaled."""
        return functional.layer_norm(rows, rows.shape[-1:], self.weight, self.bias, self.epsilon)


@dataclass(frozen=True)
class Layer:
    """One block of the transformer."""

    before_attention: Norm
    attention_in: Product
    attention_out: Product
    before_mlp: Norm
    mlp_in: Product
    mlp_out: Product

    @classmethod
    def of(cls, block: "GPT2Block", product: MakeProduct) -> "Layer":
        """The same as ``block``, whose weights are stored as ``(inputs, outputs)``."""
        attention, mlp = block.attn, block.mlp
        return cls(
            before_attention=Norm.of(block.ln_1),
            attention_in=_linear(attention.c_attn, product),
            attention_out=_linear(attention.c_proj, product),
            before_mlp=Norm.of(block.ln_2),
            mlp_in=_linear(mlp.c_fc, product, "gelu"),
            mlp_out=_linear(mlp.c_proj, product),
        )


class Gpt:
    """The model, and room for the caches of so many streams.

    A **slot** holds the keys and values of one stream. Position 0 is the first of its prefix (the
    voice's latents, then the text), and the start token comes right behind the prefix.

    Args:
        gpt: As coqui-tts loads it; its transformer is not used afterwards.
        slots: How many streams there are at most.
        precision: Of weights and caches.
        product: Makes the layers' products, of weights in this precision.
        together: Whether a step always has a row for each slot, and all rows attend at once. None
            to do so where the rows of a product depend on their number.
    """

    def __init__(
        self,
        gpt: "GPT",
        slots: int,
        precision: torch.dtype,
        *,
        product: MakeProduct = Linear,
        together: bool | None = None,
    ) -> None:
        gpt = gpt.requires_grad_(requires_grad=False)
        self.start_token = int(gpt.start_audio_token)
        self.stop_token = int(gpt.stop_audio_token)
        self.most_tokens = int(gpt.max_gen_mel_tokens)
        """Audio tokens that a stream may have."""
        self.vocabulary = int(gpt.num_audio_tokens)
        self._around = int(gpt.start_text_token), int(gpt.stop_text_token)
        self._text = gpt.text_embedding.weight.to(precision)
        self._text_places = gpt.text_pos_embedding.emb.weight.to(precision)
        self._audio = gpt.mel_embedding.weight.to(precision)
        self._audio_places = gpt.mel_pos_embedding.emb.weight.to(precision)
        transformer = gpt.gpt.to(precision)
        self._layers = [Layer.of(block, product) for block in transformer.h]
        self._norms = Norm.of(transformer.ln_f), Norm.of(gpt.final_norm.to(precision))
        head = gpt.mel_head.to(precision)
        self._head = Linear(head.weight, head.bias)
        self._heads = int(gpt.heads)
        width = self._audio.shape[1] // self._heads
        longest = int(gpt.max_prompt_tokens) + int(gpt.max_text_tokens) + int(gpt.max_mel_tokens)
        if together is None:
            together = not is_row_by_row(self._layers[0].mlp_in, self._audio)
        shape = Shape(len(self._layers), slots, self._heads, longest, width)
        self._caches = Caches(shape, self._audio, together=together)

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        device: torch.device = self._audio.device
        return device

    def voice(self, latents: Tensor) -> Tensor:
        """What every stream of a voice begins with.

        Args:
            latents: The voice's, shape ``(32, channels)``.

        Returns:
            Embeddings, shape ``(32, channels)``.
        """
        return latents.to(self._audio.dtype)

    def text(self, tokens: Sequence[int]) -> Tensor:
        """What comes behind the voice: the text, and the token that speech begins with.

        Args:
            tokens: Of the text.

        Returns:
            Embeddings, shape ``(positions, channels)``.
        """
        begin, end = self._around
        written = torch.tensor([begin, *tokens, end], device=self.device)
        text = self._text[written] + self._text_places[: len(written)]
        start = self._audio[self.start_token] + self._audio_places[0]
        return torch.cat([text, start[None]])

    def kept(self, slot: int, positions: int) -> Tensor:
        """A copy of the first keys and values of a stream."""
        return self._caches.kept(slot, positions)

    def restore(self, slot: int, kept: Tensor) -> None:
        """Let a stream begin as another one did."""
        self._caches.restore(slot, kept)

    def read(self, slot: int, position: int, embedded: Tensor) -> Tensor:
        """Read a part of a prefix, all before it having been read.

        Args:
            slot: Whose.
            position: Of its first embedding.
            embedded: Shape ``(positions, channels)``.

        Returns:
            The last position's latent, float32, shape ``(1, channels)``.
        """
        x, reading = embedded, self._caches.reading(slot, position, len(embedded))
        for number, layer in enumerate(self._layers):
            x = self._through(layer, x, reading.attend(number, *self._projected(layer, x)))
        return self._latents(x[-1:])

    def step(
        self, slots: Sequence[int], places: Sequence[tuple[int, int]], tokens: Tensor
    ) -> Tensor:
        """Read one audio token of each of some streams.

        Args:
            slots: Whose.
            places: Of each the position in its cache, and which of its audio tokens it is, from 1.
            tokens: Int64, shape ``(streams,)``.

        Returns:
            Latents, float32, shape ``(streams, channels)``.
        """
        positions = [position for position, _ in places]
        numbers = torch.tensor([number for _, number in places], device=self.device)
        x = self._audio[tokens] + self._audio_places[numbers]
        step = self._caches.step(slots, positions)
        x = step.rows(x)
        for number, layer in enumerate(self._layers):
            x = self._through(layer, x, step.attend(number, *self._projected(layer, x)))
        return step.of_streams(self._latents(x))

    def logits(self, latents: Tensor) -> Tensor:
        """Scores of every audio token, float32, shape ``(streams, tokens)``."""
        return self._head(latents.to(self._audio.dtype)).float()

    def _projected(self, layer: Layer, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, each of shape ``(rows, heads, width)``."""
        mixed = layer.attention_in(layer.before_attention(x))
        queries, keys, values = mixed.view(len(x), 3, self._heads, -1).unbind(1)
        return queries, keys, values

    def _through(self, layer: Layer, x: Tensor, heard: Tensor) -> Tensor:
        x = x + layer.attention_out(heard.reshape(x.shape))
        return x + layer.mlp_out(layer.mlp_in(layer.before_mlp(x)))

    def _latents(self, x: Tensor) -> Tensor:
        own, final = self._norms
        return final(own(x)).float()


def _linear(module: "Conv1D", product: MakeProduct, activation: Activation = "none") -> Product:
    """The same as a module whose weights are stored as ``(inputs, outputs)``."""
    return product(module.weight.t(), module.bias, activation)

"""XTTS's GPT-2, decoded for many streams at once over key-value caches that stay where they are.

Streams join and leave between steps. A step reads every weight once for all its rows: that is what
a step costs, and what batching shares. Everything else is done row by row, so that a stream's
numbers are the same whoever else is in the batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor
from torch.nn import functional

from speaker_runtime.backends.xtts.kernels import Linear

if TYPE_CHECKING:
    from TTS.tts.layers.xtts.gpt import GPT
    from transformers.models.gpt2.modeling_gpt2 import GPT2Block

_PIECE: Final = 64
"""Positions of a prefix that are read at once: others get their turn in between."""


@dataclass(frozen=True)
class Norm:
    """A layer normalisation."""

    weight: Tensor
    bias: Tensor
    epsilon: float

    @classmethod
    def of(cls, module: torch.nn.LayerNorm) -> "Norm":
        """The same as ``module``."""
        return cls(module.weight.detach(), module.bias.detach(), module.eps)

    def __call__(self, rows: Tensor) -> Tensor:
        """Rows with mean 0 and deviation 1, scaled."""
        return functional.layer_norm(rows, rows.shape[-1:], self.weight, self.bias, self.epsilon)


@dataclass(frozen=True)
class Layer:
    """One block of the transformer."""

    before_attention: Norm
    attention_in: Linear
    attention_out: Linear
    before_mlp: Norm
    mlp_in: Linear
    mlp_out: Linear

    @classmethod
    def of(cls, block: "GPT2Block") -> "Layer":
        """The same as ``block``, whose weights are stored as ``(inputs, outputs)``."""
        attention, mlp = block.attn, block.mlp
        return cls(
            before_attention=Norm.of(block.ln_1),
            attention_in=Linear(attention.c_attn.weight.detach().t(), attention.c_attn.bias.detach()),
            attention_out=Linear(attention.c_proj.weight.detach().t(), attention.c_proj.bias.detach()),
            before_mlp=Norm.of(block.ln_2),
            mlp_in=Linear(mlp.c_fc.weight.detach().t(), mlp.c_fc.bias.detach(), "gelu"),
            mlp_out=Linear(mlp.c_proj.weight.detach().t(), mlp.c_proj.bias.detach()),
        )


class Gpt:
    """The model, and room for the caches of so many streams.

    A **slot** holds the keys and values of one stream. Position 0 is the first of its prefix (the
    voice's latents, then the text), and the start token comes right behind the prefix.

    Args:
        gpt: As coqui-tts loads it, in the precision and on the device of its weights.
        slots: How many streams there are at most.
    """

    def __init__(self, gpt: "GPT", slots: int) -> None:
        self.start_token = int(gpt.start_audio_token)
        self.stop_token = int(gpt.stop_audio_token)
        self.most_tokens = int(gpt.max_gen_mel_tokens)
        """Audio tokens that a stream may have."""
        self.most_text = int(gpt.max_text_tokens) - 2
        """Text tokens that a stream may have, without the two around them."""
        self.vocabulary = int(gpt.num_audio_tokens)
        self._text_start, self._text_stop = int(gpt.start_text_token), int(gpt.stop_text_token)
        self._text = gpt.text_embedding.weight.detach()
        self._text_places = gpt.text_pos_embedding.emb.weight.detach()
        self._audio = gpt.mel_embedding.weight.detach()
        self._audio_places = gpt.mel_pos_embedding.emb.weight.detach()
        self._layers = [Layer.of(block) for block in gpt.gpt.h]
        self._norms = Norm.of(gpt.gpt.ln_f), Norm.of(gpt.final_norm)
        self._head = Linear(gpt.mel_head.weight.detach(), gpt.mel_head.bias.detach())
        self._heads = int(gpt.heads)
        width = self._audio.shape[1] // self._heads
        longest = int(gpt.max_prompt_tokens) + int(gpt.max_text_tokens) + int(gpt.max_mel_tokens)
        # Memory that is not written to is not there yet: unused slots cost nothing on a CPU.
        shape = (len(self._layers), 2, slots, self._heads, longest, width)
        self._cache = torch.empty(shape, dtype=self._audio.dtype, device=self._audio.device)

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self._audio.device

    def prefix(self, voice: Tensor, text: Sequence[int]) -> Tensor:
        """What a stream begins with.

        Args:
            voice: The voice's latents, shape ``(32, channels)``.
            text: Text tokens.

        Returns:
            Embeddings, the start token's included, shape ``(positions, channels)``.
        """
        tokens = torch.tensor([self._text_start, *text, self._text_stop], device=self.device)
        written = self._text[tokens] + self._text_places[: len(tokens)]
        start = self._audio[self.start_token] + self._audio_places[0]
        return torch.cat([voice.to(written.dtype), written, start[None]])

    def read(self, slot: int, position: int, embedded: Tensor) -> Tensor:
        """Read a part of a prefix, all before it having been read.

        Args:
            slot: Whose.
            position: Of its first embedding.
            embedded: Shape ``(positions, channels)``.

        Returns:
            The last position's latent, float32, shape ``(1, channels)``.
        """
        end = position + len(embedded)
        x = embedded
        reach = torch.arange(end, device=self.device)[None]
        mask = reach <= torch.arange(position, end, device=self.device)[:, None]
        for number, layer in enumerate(self._layers):
            keys, values = self._cache[number, 0, slot], self._cache[number, 1, slot]
            queries, new_keys, new_values = self._heads_of(layer, x)
            keys[:, position:end] = new_keys.transpose(0, 1)
            values[:, position:end] = new_values.transpose(0, 1)
            mixed = functional.scaled_dot_product_attention(
                queries.transpose(0, 1)[None], keys[None, :, :end], values[None, :, :end], mask
            )
            x = self._through(layer, x, mixed[0].transpose(0, 1).reshape(x.shape))
        return self._latents(x[-1:])

    def step(self, slots: Sequence[int], places: Sequence[tuple[int, int]], tokens: Tensor) -> Tensor:
        """Read one audio token of each stream.

        Args:
            slots: Whose.
            places: Of each the position in its cache, and which of its audio tokens it is.
            tokens: Int64, shape ``(streams,)``.

        Returns:
            Latents, float32, shape ``(streams, channels)``.
        """
        numbers = torch.tensor([number for _, number in places], device=self.device)
        x = self._audio[tokens] + self._audio_places[numbers]
        for number, layer in enumerate(self._layers):
            queries, keys, values = self._heads_of(layer, x)
            mixed = torch.empty_like(queries)
            for row, (slot, (position, _)) in enumerate(zip(slots, places, strict=True)):
                kept_keys, kept_values = self._cache[number, 0, slot], self._cache[number, 1, slot]
                kept_keys[:, position] = keys[row]
                kept_values[:, position] = values[row]
                mixed[row] = functional.scaled_dot_product_attention(
                    queries[row, None, :, None],
                    kept_keys[None, :, : position + 1],
                    kept_values[None, :, : position + 1],
                )[0, :, 0]
            x = self._through(layer, x, mixed.reshape(x.shape))
        return self._latents(x)

    def logits(self, latents: Tensor) -> Tensor:
        """Scores of every audio token, float32, shape ``(streams, tokens)``."""
        return self._head(latents.to(self._audio.dtype)).float()

    def _heads_of(self, layer: Layer, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mixed = layer.attention_in(layer.before_attention(x))
        queries, keys, values = mixed.view(len(x), 3, self._heads, -1).unbind(1)
        return queries, keys, values

    def _through(self, layer: Layer, x: Tensor, mixed: Tensor) -> Tensor:
        x = x + layer.attention_out(mixed)
        return x + layer.mlp_out(layer.mlp_in(layer.before_mlp(x)))

    def _latents(self, x: Tensor) -> Tensor:
        own, final = self._norms
        return final(own(x)).float()

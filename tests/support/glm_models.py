"""Tiny networks of GLM-TTS: random weights under the published names, in the published layout.

Every parameter is random, those that training begins with at 0 as well, which would hide errors.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

_SEED: Final = 20261130

FLOW_CONFIG: Final = {
    "spkr_emb_adaLN": True,
    "speech_token_cfg": False,
    "remove_spkr_concat_condition": True,
    "mel_dim": 80,
    "mel_framerate": 50,
    "input_frame_rate": 25,
}
"""As published."""


class Made:
    """Random tensors by name, always the same ones."""

    def __init__(self, seed: int = _SEED) -> None:
        self.tensors: dict[str, Tensor] = {}
        self._generator = torch.Generator().manual_seed(seed)

    def put(self, name: str, *shape: int, scale: float | None = None, shift: float = 0.0) -> Tensor:
        """Normal numbers; by default of a size that keeps activations near 1."""
        if scale is None:
            scale = 1 / math.sqrt(math.prod(shape[1:])) if len(shape) > 1 else 0.1
        made = torch.randn(shape, generator=self._generator) * scale + shift
        self.tensors[name] = made
        return made

    def linear(self, name: str, *shape: int, scale: float | None = None) -> None:
        """Weight and bias."""
        self.put(f"{name}.weight", *shape, scale=scale)
        self.put(f"{name}.bias", shape[0])

    def normed(self, name: str, *shape: int, bias: int | None = None) -> None:
        """A layer with weight normalisation, under today's names."""
        directions = self.put(f"{name}.parametrizations.weight.original1", *shape)
        lengths = directions.flatten(1).norm(dim=1).view(-1, *(1,) * (len(shape) - 1))
        drawn = torch.rand(lengths.shape, generator=self._generator)
        self.tensors[f"{name}.parametrizations.weight.original0"] = lengths * (0.7 + 0.6 * drawn)
        self.put(f"{name}.bias", shape[0] if bias is None else bias)


def flow_weights(
    config: Mapping[str, Any] = FLOW_CONFIG,
    *,
    width: int = 64,
    depth: int = 2,
    heads: int = 2,
    features: int = 32,
    codes: int = 512,
) -> dict[str, Tensor]:
    """The state dict of ``flow.pt``; the speaker's share of the condition is 80 wide."""
    made = Made()
    modulated = width + (192 if config["spkr_emb_adaLN"] else 0)
    is_condition = not config["remove_spkr_concat_condition"]
    condition = 80 + (80 if is_condition else 0)
    inner = 64 * heads
    made.linear("estimator.time_embed.time_mlp.0", width, 256)
    made.linear("estimator.time_embed.time_mlp.2", width, width)
    text = "estimator.text_emb_layer"
    made.put(f"{text}.text_embed.weight", codes + 1, features, scale=1.0)
    for block in range(4):
        name = f"{text}.text_blocks.{block}"
        made.linear(f"{name}.dwconv", features, 1, 7)
        made.put(f"{name}.norm.weight", features, shift=1.0)
        made.put(f"{name}.norm.bias", features)
        made.linear(f"{name}.pwconv1", 2 * features, features)
        made.put(f"{name}.grn.gamma", 1, 1, 2 * features, scale=0.5)
        made.put(f"{name}.grn.beta", 1, 1, 2 * features, scale=0.2)
        made.linear(f"{name}.pwconv2", features, 2 * features)
    made.linear("estimator.emb_concator.proj", width, 80 + condition + features)
    for conv in (0, 2):
        name = f"estimator.emb_concator.conv_pos_embed.conv1d.{conv}"
        made.linear(name, width, width // 16, 31)
    rates = 1.0 / 10000.0 ** (torch.arange(0, 64, 2) / 64)
    made.tensors["estimator.rotary_embed.inv_freq"] = rates
    for block in range(depth):
        name = f"estimator.transformer_blocks.{block}"
        made.linear(f"{name}.attn_norm.linear", 6 * width, modulated)
        for part in "qkv":
            # Sharp enough that it matters who looks at whom.
            scale = 3.0 / math.sqrt(width) if part in "qk" else None
            made.linear(f"{name}.attn.to_{part}", inner, width, scale=scale)
        made.linear(f"{name}.attn.to_out.0", width, inner)
        made.linear(f"{name}.ff.ff.0.0", 2 * width, width)
        made.linear(f"{name}.ff.ff.2", width, 2 * width)
    made.linear("estimator.norm_out.linear", 2 * width, modulated)
    made.linear("estimator.proj_out", 80, width)
    if is_condition:
        made.linear("spk_embed_affine_layer", 80, 192)
    return made.tensors


def write_flow(directory: Path, weights: Mapping[str, Tensor] | None = None) -> None:
    """``flow.pt`` and ``config.yaml`` as they are published."""
    directory.mkdir(parents=True, exist_ok=True)
    torch.save({"model": dict(weights or flow_weights())}, directory / "flow.pt")
    lines = [f"  {name}: {str(value).lower()}" for name, value in FLOW_CONFIG.items()]
    text = "flow: !new:somewhere.somebody.Flow\n" + "\n".join(lines) + "\n"
    (directory / "config.yaml").write_text(text, "utf-8")

"""Tiny networks of GLM-TTS: random weights under the published names, in the published layout.

Every parameter is random, those that training begins with at 0 as well, which would hide errors.
"""

import json
import math
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import save_file
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


def hift_weights(*, channels: int = 32, pitch_channels: int = 16) -> dict[str, Tensor]:
    """The state dict of ``hift.pt``: a pitch around 90 Hz with gaps, and quiet enough not to clip.

    Args:
        channels: Of the first convolution, a multiple of 8.
        pitch_channels: Of the pitch's convolutions.
    """
    made = Made()
    for layer in (0, 2, 4, 6, 8):
        inputs = 80 if layer == 0 else pitch_channels
        made.normed(f"f0_predictor.condnet.{layer}", pitch_channels, inputs, 3)
    made.put("f0_predictor.classifier.weight", 1, pitch_channels, scale=60.0)
    made.put("f0_predictor.classifier.bias", 1, scale=0.0, shift=60.0)
    made.linear("m_source.l_linear", 1, 9)
    made.normed("conv_pre", channels, 80, 7)
    downs = (30, 6, 1)
    for stage, kernel in enumerate((16, 11, 7)):
        outer, inner = channels >> stage, channels >> (stage + 1)
        made.normed(f"ups.{stage}", outer, inner, kernel, bias=inner)
        made.linear(f"source_downs.{stage}", inner, 18, downs[stage])
        _hift_block(made, f"source_resblocks.{stage}", inner, (7, 7, 11)[stage])
        for at, size in enumerate((3, 7, 11)):
            _hift_block(made, f"resblocks.{3 * stage + at}", inner, size)
    made.normed("conv_post", 18, channels >> 3, 7)
    made.tensors["conv_post.parametrizations.weight.original0"] *= 0.3
    made.tensors["conv_post.bias"] -= 2.5
    return made.tensors


def _hift_block(made: Made, name: str, channels: int, kernel: int) -> None:
    for part in ("1", "2"):
        for at in range(3):
            made.normed(f"{name}.convs{part}.{at}", channels, channels, kernel)
            made.put(f"{name}.activations{part}.{at}.alpha", channels, scale=0.2, shift=1.0)


def write_hift(directory: Path, weights: Mapping[str, Tensor] | None = None) -> None:
    """``hift.pt`` as it is published."""
    directory.mkdir(parents=True, exist_ok=True)
    torch.save(OrderedDict(weights or hift_weights()), directory / "hift.pt")


class _Drone(torch.nn.Module):
    """Every bin of a frame becomes eight samples."""

    def forward(self, frames: Tensor) -> Tensor:
        """Of ``(rows, frames, 80)``."""
        return frames.repeat_interleave(8, dim=2).flatten(1)


def write_vocos(directory: Path) -> Path:
    """A program in the place of Vocos2D's: every bin of a frame becomes eight samples."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "generator_jit.ckpt"
    torch.jit.save(torch.jit.script(_Drone()), str(path))
    return path


LLM_CONFIG: Final[Mapping[str, Any]] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_act": "silu",
    "attention_bias": False,
    "mlp_bias": False,
    "vocab_size": 640,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "max_position_embeddings": 1024,
    "tie_word_embeddings": True,
}
"""Like the published one but for its sizes."""


def llm_weights(
    config: Mapping[str, Any] = LLM_CONFIG, likely: Mapping[str, Any] | None = None
) -> dict[str, Tensor]:
    """The language model's state dict.

    Args:
        config: As of ``config.json``.
        likely: How likely kinds of tokens are made: ``codes`` (a range of ids), ``end`` (one id)
            and ``ending`` (how likely the end is beside a code); without it all are alike.
    """
    made, width = Made(), int(config["hidden_size"])
    heads, head = int(config["num_attention_heads"]), int(config["head_dim"])
    shared, inner = int(config["num_key_value_heads"]) * head, int(config["intermediate_size"])
    table = made.put("model.embed_tokens.weight", config["vocab_size"], width, scale=1.0)
    for layer in range(int(config["num_hidden_layers"])):
        name = f"model.layers.{layer}"
        made.put(f"{name}.self_attn.q_proj.weight", heads * head, width, scale=2 / math.sqrt(width))
        made.put(f"{name}.self_attn.k_proj.weight", shared, width, scale=2 / math.sqrt(width))
        made.put(f"{name}.self_attn.v_proj.weight", shared, width)
        out = made.put(f"{name}.self_attn.o_proj.weight", width, heads * head)
        made.put(f"{name}.mlp.gate_proj.weight", inner, width)
        made.put(f"{name}.mlp.up_proj.weight", inner, width)
        down = made.put(f"{name}.mlp.down_proj.weight", width, inner)
        for norm in ("input_layernorm", "post_attention_layernorm"):
            made.put(f"{name}.{norm}.weight", width, shift=1.0)
        if likely is not None:
            out[0] = down[0] = 0.0
    last = made.put("model.norm.weight", width, shift=1.0)
    if not config["tie_word_embeddings"]:
        made.put("lm_head.weight", config["vocab_size"], width, scale=0.3)
    if likely is not None:
        # One channel is the same everywhere, and its column says how likely each token is.
        table[:, 0] = 4.0
        last[0] = 1.0
        scores = made.tensors["lm_head.weight"]
        scores[:, 0] = -30.0
        scores[likely["codes"].start : likely["codes"].stop, 0] = 0.0
        scores[likely["end"], 0] = likely["ending"]
    return made.tensors


def write_llm(
    directory: Path,
    config: Mapping[str, Any] = LLM_CONFIG,
    weights: Mapping[str, Tensor] | None = None,
    *,
    shards: int = 2,
) -> None:
    """``config.json`` and the shards with their index."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.json").write_text(json.dumps(dict(config)), "utf-8")
    weights = weights or llm_weights(config)
    names = sorted(weights)
    places: dict[str, str] = {}
    for shard in range(shards):
        file = f"model-{shard + 1:05}-of-{shards:05}.safetensors"
        own = {name: weights[name].contiguous() for name in names[shard::shards]}
        save_file(own, directory / file)
        places |= dict.fromkeys(own, file)
    index = {"metadata": {}, "weight_map": places}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")

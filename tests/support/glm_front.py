"""Tiny front stages of GLM-TTS: small files under the published names, in the published layout."""

import base64
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save_file
from torch import Tensor

from speaker_runtime.backends.glm_tts.features import whisper_mel
from speaker_runtime.backends.glm_tts.whisper import Encoder, EncoderConfig, sizes

CODES: Final = 48
"""Speech codes of the tiny model; the published one has 32,768."""
WORDS: Final = (
    "hello",
    " world",
    "the",
    " the",
    "ing",
    "tion",
    "你",
    "好",
    "你好",
    "世界",
    "。",
    "，",
)
"""What the tiny vocabulary knows as one token each."""
MARKS: Final = (
    *("<|endoftext|>", "[MASK]", "[gMASK]", "[sMASK]", "<sop>", "<eop>"),
    *("<|system|>", "<|user|>", "<|assistant|>", "<|observation|>"),
    *("<|begin_of_image|>", "<|end_of_image|>", "<|begin_of_video|>", "<|end_of_video|>"),
    *("<|begin_of_audio|>", "<|end_of_audio|>"),
)
PHONEMES: Final = ("<|H|>", "<|E1|>", "<|SH|>", "<|EN1|>", "<|X|>", "<|IAN2|>", "<|C|>", "<|UEI1|>")
_PLACEHOLDERS: Final = ("<|UNUSED_pad_1|>", "<|UNUSED_pad_2|>")
"""In the published vocabulary these stand for tokens that were taken out; no text becomes them."""


def ranks() -> dict[bytes, int]:
    """Every byte, then what each word grows to, byte by byte, then placeholders."""
    found: dict[bytes, int] = {bytes([byte]): byte for byte in range(256)}
    for token in _growing():
        found.setdefault(token, len(found))
    return found


def added_tokens() -> dict[str, int]:
    """Ids of the tokens that stand for themselves."""
    names = [*MARKS, *PHONEMES, *(f"<|audio_{code}|>" for code in range(CODES))]
    return {name: number for number, name in enumerate(names, start=len(ranks()))}


def write_tokenizer(directory: Path) -> Path:
    """Write ``tokenizer.model`` and ``tokenizer_config.json``; gives the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    lines = [f"{base64.b64encode(token).decode()} {rank}\n" for token, rank in ranks().items()]
    (directory / "tokenizer.model").write_text("".join(lines), "ascii")
    flags = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False}
    decoder = {
        str(number): {"content": name, **flags, "special": True}
        for name, number in added_tokens().items()
    }
    described = {
        "added_tokens_decoder": decoder,
        "auto_map": {"AutoTokenizer": ["somewhere.Somebody", None]},
        "tokenizer_class": "Somebody",
    }
    (directory / "tokenizer_config.json").write_text(json.dumps(described), "utf-8")
    return directory


def _growing() -> Iterator[bytes]:
    for word in WORDS:
        written = word.encode()
        for end in range(2, len(written) + 1):
            yield written[:end]
    for placeholder in _PLACEHOLDERS:
        yield placeholder.encode()


SPEECH_CONFIG: Final = {
    "model_type": "whisper",
    "encoder_attention_heads": 2,
    "encoder_layers": 4,
    "activation_function": "gelu",
    "pooling_kernel_size": 2,
    "pooling_type": "avg",
    "pooling_position": 2,
    "quantize_position": 2,
    "quantize_vocab_size": CODES,
    "quantize_causal_block_size": 200,
    "encoder_causal_convolution": True,
    "encoder_causal_attention": False,
    "quantize_causal_encoder": False,
    "scale_embedding": True,
}
"""As the fields are published; what the sizes are, the weights say."""
_PREPROCESSOR: Final = {
    "chunk_length": 30,
    "feature_size": 128,
    "hop_length": 160,
    "n_fft": 400,
    "n_samples": 480000,
    "nb_max_frames": 3000,
    "padding_side": "right",
    "padding_value": 0.0,
    "sampling_rate": 16000,
}


def speech_weights(*, width: int = 16, inner: int = 24, layers: int = 4) -> dict[str, Tensor]:
    """An encoder that goes on behind the codebook, and a decoder that nobody needs."""
    chance = torch.Generator().manual_seed(20261130)
    made: dict[str, Tensor] = {}

    def put(name: str, *shape: int, scale: float | None = None, shift: float = 0.0) -> None:
        scale = scale or (1 / math.sqrt(math.prod(shape[1:])) if len(shape) > 1 else 0.3)
        made[f"model.encoder.{name}"] = torch.randn(shape, generator=chance) * scale + shift

    for name, inputs in (("conv1", 128), ("conv2", width)):
        put(f"{name}.weight", width, inputs, 3, scale=0.3)
        put(f"{name}.bias", width)
    put("embed_positions.weight", 1500, width, scale=0.2)
    put("embed_positions2.weight", 750, width)
    for layer in range(layers):
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            put(f"layers.{layer}.self_attn.{part}.weight", width, width, scale=0.5)
            if part != "k_proj":
                put(f"layers.{layer}.self_attn.{part}.bias", width)
        for part in ("self_attn_layer_norm", "final_layer_norm"):
            put(f"layers.{layer}.{part}.weight", width, shift=1.0)
            put(f"layers.{layer}.{part}.bias", width)
        put(f"layers.{layer}.fc1.weight", inner, width)
        put(f"layers.{layer}.fc1.bias", inner)
        put(f"layers.{layer}.fc2.weight", width, inner)
        put(f"layers.{layer}.fc2.bias", width)
    put("layer_norm.weight", width)
    put("layer_norm.bias", width)
    made["model.encoder.codebook.weight"] = _near_what_is_heard(made, chance)
    put("ema_count", CODES)
    put("ema_weight", CODES, width)
    made["model.decoder.embed_tokens.weight"] = torch.randn((5, width), generator=chance)
    return made


def _near_what_is_heard(tensors: Mapping[str, Tensor], chance: torch.Generator) -> Tensor:
    """A codebook of which many entries are in use; of random ones, one is nearest to everything."""
    config = EncoderConfig(
        heads=2, layers=2, pooling=2, pooling_position=2, block=200, causal_convolution=True
    )
    own = {name.removeprefix("model.encoder."): tensor for name, tensor in tensors.items()}
    encoder = Encoder(config, **sizes(own))
    encoder.load_state_dict({name: own[name] for name in encoder.state_dict()})
    times = torch.arange(640 * 100) / 16_000
    tune = torch.sin(2 * math.pi * (150 + 60 * torch.sin(5 * times)) * times) * torch.sin(times)
    heard = 0.3 * tune + 0.02 * torch.randn(times.shape, generator=chance)
    features = whisper_mel(heard[None])
    with torch.inference_mode():
        hidden, _ = encoder(features, torch.ones(1, features.shape[2], dtype=torch.bool))
    chosen = hidden[0, torch.randperm(100, generator=chance)[:CODES]].clone()
    near: Tensor = chosen + 0.05 * torch.randn(chosen.shape, generator=chance)
    return near


def write_speech_tokenizer(
    directory: Path, changed: Mapping[str, object] | None = None, *, shards: int = 1
) -> Path:
    """Write configurations and weights; gives the directory.

    Args:
        directory: Is made.
        changed: Fields of the configuration; those that are None are left out.
        shards: Files that the weights lie in.
    """
    directory.mkdir(parents=True, exist_ok=True)
    fields = {**SPEECH_CONFIG, **(changed or {})}
    kept = {name: value for name, value in fields.items() if value is not None}
    (directory / "config.json").write_text(json.dumps(kept), "utf-8")
    (directory / "preprocessor_config.json").write_text(json.dumps(_PREPROCESSOR), "utf-8")
    tensors = speech_weights()
    if shards == 1:
        save_file(tensors, directory / "model.safetensors")
        return directory
    places: dict[str, str] = {}
    for number in range(shards):
        name = f"model-{number + 1:05}-of-{shards:05}.safetensors"
        part = dict(list(tensors.items())[number::shards])
        save_file(part, directory / name)
        places |= dict.fromkeys(part, name)
    index = {"metadata": {}, "weight_map": places}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")
    return directory


SPEAKER_SEED: Final = 7


def speaker_matrix() -> NDArray[np.float32]:
    """What the tiny speaker encoder multiplies with: ``(160, 192)``."""
    return np.random.default_rng(SPEAKER_SEED).standard_normal((160, 192)).astype(np.float32)


def write_speaker(path: Path, *, outputs: int = 192) -> Path:
    """A graph that says of each bin how loud, and how changing it is; gives the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nodes = [
        helper.make_node("Mul", ["feats", "feats"], ["squares"]),
        helper.make_node("ReduceMean", ["squares", "axis"], ["power"], keepdims=0),
        helper.make_node("ReduceMax", ["feats", "axis"], ["peaks"], keepdims=0),
        helper.make_node("Concat", ["power", "peaks"], ["both"], axis=1),
        helper.make_node("MatMul", ["both", "matrix"], ["vector"]),
    ]
    constants: dict[str, NDArray[Any]] = {
        "axis": np.array([1], np.int64),
        "matrix": speaker_matrix()[:, :outputs],
    }
    graph = helper.make_graph(
        nodes,
        "speaker",
        [helper.make_tensor_value_info("feats", TensorProto.FLOAT, ["B", "T", 80])],
        [helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["B", outputs])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, path)
    return path

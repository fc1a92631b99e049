"""What ``llm/config.json`` says of the language model, as far as it is of the published kind."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from speaker_runtime.backends.glm_tts.errors import damaged

_KIND: Final[Mapping[str, Any]] = {
    "model_type": "llama",
    "hidden_act": "silu",
    "attention_bias": False,
    "mlp_bias": False,
}
"""What the decoding is written for; a field that is not there has these values."""
_THETA: Final = 10000.0


@dataclass(frozen=True)
class LlamaConfig:
    """Its sizes.

    Attributes:
        vocabulary: Tokens, text and codes.
        width: Channels between the layers.
        inner: Channels within the feed-forward parts.
        layers: How many.
        heads: Of queries.
        kv_heads: Of keys and values, each shared by as many heads.
        head: Channels of a head.
        epsilon: Of the norms.
        theta: Of the rotary positions.
        positions: Tokens of the longest text that it was made for.
    """

    vocabulary: int
    width: int
    inner: int
    layers: int
    heads: int
    kv_heads: int
    head: int
    epsilon: float
    theta: float
    positions: int

    @classmethod
    def read(cls, path: Path) -> "LlamaConfig":
        """Of a file.

        Raises:
            ModelError: It cannot be read, lacks something or is of another kind of model.
        """
        try:
            told = json.loads(path.read_bytes())
        except (OSError, ValueError) as error:
            raise damaged(path, str(error)) from error
        if not isinstance(told, dict):
            raise damaged(path, "it is no JSON object")
        for name, wanted in _KIND.items():
            if told.get(name, wanted) != wanted:
                raise damaged(path, f"{name} is {told[name]!r}, not {wanted!r}")
        rope = told.get("rope_parameters") or told.get("rope_scaling") or {}
        kind = rope.get("rope_type", rope.get("type", "default"))
        if kind != "default":
            raise damaged(path, f"its positions are scaled ({kind})")
        try:
            width, heads = int(told["hidden_size"]), int(told["num_attention_heads"])
            made = cls(
                vocabulary=int(told["vocab_size"]),
                width=width,
                inner=int(told["intermediate_size"]),
                layers=int(told["num_hidden_layers"]),
                heads=heads,
                kv_heads=int(told.get("num_key_value_heads") or heads),
                head=int(told.get("head_dim") or width // heads),
                epsilon=float(told.get("rms_norm_eps", 1e-6)),
                theta=float(told.get("rope_theta") or rope.get("rope_theta") or _THETA),
                positions=int(told["max_position_embeddings"]),
            )
        except KeyError as error:
            raise damaged(path, f"it has no {error.args[0]}") from error
        except (TypeError, ValueError, ZeroDivisionError) as error:
            raise damaged(path, str(error)) from error
        if made.heads % made.kv_heads or made.head % 2:
            raise damaged(
                path, f"{heads} heads cannot share {made.kv_heads} of {made.head} channels"
            )
        return made

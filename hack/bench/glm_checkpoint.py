"""Random weights of GLM-TTS in the published sizes, and in a quarter of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from safetensors.torch import save_file

from speaker_runtime.backends.glm_tts import recipe
from tests.support.glm_models import (
    LLM_CONFIG,
    flow_weights,
    hift_weights,
    llm_weights,
    write_flow,
    write_hift,
    write_llm,
)

CODES: Final = 32_768
FIRST: Final = 61_498
"""The token of code 0."""
BEGIN: Final = 59_260
END: Final = 59_253
_NEVER: Final = -30.0


@dataclass(frozen=True)
class Size:
    """How large a model is: a quarter has half of the channels.

    Attributes:
        name: For people.
        channels: Of the language model.
        heads: Of it.
        shared: Of these for keys and values.
        width: Of the flow's network.
    """

    name: str
    channels: int
    heads: int
    shared: int
    width: int

    @property
    def llm(self) -> dict[str, Any]:
        """The language model's configuration."""
        return {
            **LLM_CONFIG,
            "vocab_size": 98_304,
            "hidden_size": self.channels,
            "intermediate_size": 3 * self.channels,
            "num_hidden_layers": 28,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.shared,
            "head_dim": self.channels // self.heads,
            "max_position_embeddings": 8192,
            "tie_word_embeddings": False,
        }


FULL: Final = Size("full size", channels=2048, heads=16, shared=4, width=768)
QUARTER: Final = Size("quarter size", channels=1024, heads=8, shared=2, width=384)


def write(directory: Path, size: Size) -> Path:
    """Write what is compared: language model, flow, vocoder; gives the directory.

    The pickles are what the reference reads, the safetensors what a fetch makes of them.
    """
    likely = {"codes": range(FIRST, FIRST + CODES), "end": END, "ending": _NEVER}
    write_llm(directory / "llm", size.llm, llm_weights(size.llm, likely))
    heads = size.width // 64
    flow = flow_weights(width=size.width, depth=18, heads=heads, features=512, codes=100_000)
    hift = hift_weights(channels=512, pitch_channels=512)
    write_flow(directory / "flow", flow)
    write_hift(directory / "hift", hift)
    save_file(flow, directory / recipe.FLOW_FILE)
    save_file(hift, directory / recipe.HIFT_FILE)
    return directory

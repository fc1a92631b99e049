"""A tiny GLM-TTS: random weights, in the very layout in which the real one is published.

Its language model says nothing but speech codes and an end, as a trained one does.
"""

from pathlib import Path
from typing import Any, Final

from speaker_runtime.backends.glm_tts.recipe import GlmTtsRecipe
from speaker_runtime.backends.protocol import Reference
from speaker_runtime.contract import ModelConfig
from speaker_runtime.models.fetching import fetch
from tests.support.clips import voiced
from tests.support.glm_front import (
    added_tokens,
    write_speaker,
    write_speech_tokenizer,
    write_tokenizer,
)
from tests.support.glm_models import LLM_CONFIG, llm_weights, write_flow, write_hift, write_llm
from tests.support.models import offer

TRANSCRIPT: Final = "你好，世界。"
_ENDING: Final = 2.5
"""How likely a piece ends, beside any one code."""


def tiny_checkpoint(directory: Path) -> Path:
    """Write the checkpoint's files into ``directory``, which is made; gives the directory."""
    tokens = added_tokens()
    codes = [number for name, number in tokens.items() if name.startswith("<|audio_")]
    config: dict[str, Any] = {
        **LLM_CONFIG,
        "vocab_size": max(codes) + 9,
        "tie_word_embeddings": False,
    }
    likely = {
        "codes": range(min(codes), max(codes) + 1),
        "end": tokens["<|user|>"],
        "ending": _ENDING,
    }
    write_llm(directory / "llm", config, llm_weights(config, likely))
    write_tokenizer(directory / "vq32k-phoneme-tokenizer")
    write_speech_tokenizer(directory / "speech_tokenizer")
    write_speaker(directory / "frontend" / "campplus.onnx")
    write_flow(directory / "flow")
    write_hift(directory / "hift")
    # What nobody needs who only speaks.
    (directory / "README.md").write_text("A model.\n", "utf-8")
    return directory


def tiny_model(directory: Path) -> ModelConfig:
    """What a service's pod finds once the checkpoint was fetched; all below ``directory``."""
    config = ModelConfig(
        source=offer(tiny_checkpoint(directory / "published")), directory=directory / "model"
    )
    fetch(config, lambda _: None, recipe=GlmTtsRecipe())
    return config


def recording(pitch: float = 120.0, rate: int = 24_000) -> Reference:
    """Somebody of whom a voice can be made."""
    return Reference((voiced(pitch, rate=rate),), "zh", TRANSCRIPT)

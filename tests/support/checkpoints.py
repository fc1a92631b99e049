"""Files in XTTS-v2's published layout with a handful of numbers: for all that does not speak."""

import json
from pathlib import Path
from typing import Any

import torch

CONFIG = {"model": "xtts", "model_args": {"gpt_use_perceiver_resampler": True}}


def small_checkpoint(directory: Path, **weights: Any) -> Path:
    """Write the files into ``directory``, with more or other weights; gives the directory."""
    directory.mkdir(exist_ok=True)
    (directory / "config.json").write_text(json.dumps(CONFIG))
    (directory / "vocab.json").write_text('{"model": {}}')
    tensors = {
        "gpt.text_head.weight": torch.arange(6.0).reshape(2, 3).t(),
        "gpt.steps": torch.tensor(7),
        "hifigan_decoder.bias": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
    }
    torch.save({"model": tensors | weights, "config": {}}, directory / "model.pth")
    latents = {"gpt_cond_latent": torch.ones(1, 32, 4), "speaker_embedding": torch.ones(1, 8, 1)}
    torch.save({"Ana Florence": latents}, directory / "speakers_xtts.pth")
    return directory

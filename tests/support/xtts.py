"""A tiny XTTS-v2 checkpoint: random weights, in the very layout in which the real one is published.

Only the sizes of the GPT are small; the vocoder and the speaker encoder have none to choose. One
takes some seconds to make and 93 MB, so the weights are made once in a process.
"""

import json
import os
import string
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

# As in the backend (pytorch/devices.py), whichever of both is imported first.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor
from TTS.config.shared_configs import BaseDatasetConfig
from TTS.tts.configs.xtts_config import XttsArgs, XttsAudioConfig, XttsConfig
from TTS.tts.models.xtts import Xtts

from speaker_runtime.backends.xtts.recipe import (
    CONFIG_FILE,
    LICENSE,
    SPEAKERS_FILE,
    VOCABULARY_FILE,
    WEIGHTS_FILE,
    XttsRecipe,
)
from speaker_runtime.contract import ModelConfig
from speaker_runtime.models.fetching import fetch
from speaker_runtime.models.store import read_manifest
from tests.support.models import offer

Variant = Literal["plain", "pickled", "trained"]
"""How the checkpoint was saved: by today's coqui-tts; as the original, whose configuration is a
pickled object; or by the trainer, with a prefix, and with what only training needs."""

SPEAKERS: Final = ("Ana Florence", "Camilla Holmström")
CHANNELS: Final = 64
_SEED: Final = 20261130
_LANGUAGES: Final = (
    *("en", "es", "fr", "de", "it", "pt", "pl", "tr", "ru"),
    *("nl", "cs", "ar", "zh-cn", "hu", "ko", "ja", "hi"),
)
_LETTERS: Final = (
    string.ascii_lowercase,
    string.digits,
    string.punctuation,
    "àáâãäåæçèéêëìíîïñòóôõöøùúûüýßąćčďęěğłńňőœřśşšťůűźżžı¿¡",
    "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
    "".join(map(chr, range(0x0621, 0x0653))),  # Arabic
    "".join(map(chr, range(0x0901, 0x0964))),  # Devanagari
)


def tiny_checkpoint(directory: Path, variant: Variant = "plain") -> Path:
    """Write the checkpoint's files into ``directory``, which is made; gives the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    tokenizer().save(str(directory / "vocab.json"))
    model = _model()
    described = json.dumps(model.config.to_dict(), indent=4)
    (directory / "config.json").write_text(described, "utf-8")
    with _published_classes():
        torch.save(_saved(variant, model), directory / "model.pth")
    torch.save(_speakers(), directory / "speakers_xtts.pth")
    # What nobody needs who only speaks.
    torch.save({}, directory / "dvae.pth")
    torch.save(torch.ones(80), directory / "mel_stats.pth")
    (directory / "README.md").write_text("A model.\n", "utf-8")
    return directory


def tiny_model(directory: Path, variant: Variant = "plain") -> ModelConfig:
    """What a service's pod finds once the checkpoint was fetched; all below ``directory``."""
    config = ModelConfig(
        source=offer(tiny_checkpoint(directory / "published", variant)),
        directory=directory / "model",
        accept_license=LICENSE,
    )
    fetch(config, lambda _: None, recipe=XttsRecipe())
    return config


def full_model(directory: Path) -> ModelConfig:
    """The same with a GPT of the published size, 1.9 GB; nothing of it is kept in memory."""
    made = directory / "model"
    made.mkdir(parents=True)
    tokenizer().save(str(made / VOCABULARY_FILE))
    model = _random(XttsConfig(model_args=XttsArgs(gpt_use_perceiver_resampler=True)))
    described = json.dumps(model.config.to_dict())
    (made / CONFIG_FILE).write_text(described, "utf-8")
    save_file(dict(model.state_dict()), made / WEIGHTS_FILE)
    speakers = _speakers(model.args.gpt_n_model_channels)
    latents = {
        f"{name}/{part}": tensor for name in speakers for part, tensor in speakers[name].items()
    }
    save_file(latents, made / SPEAKERS_FILE)
    offer(made)
    manifest = read_manifest(made)
    assert manifest is not None
    return ModelConfig(source=manifest.source, directory=made, accept_license=LICENSE)


def tiny_weights() -> dict[str, Tensor]:
    """What a loaded model has, by coqui's own names."""
    return dict(_model().weights)


def tiny_speakers() -> dict[str, dict[str, Tensor]]:
    """The latents of each built-in speaker."""
    return _speakers()


@dataclass(frozen=True)
class _Model:
    config: XttsConfig
    weights: dict[str, Tensor]
    spoken: dict[str, Tensor]
    """The same once it has spoken: with more names for some of the tensors."""


def _saved(variant: Variant, model: _Model) -> dict[str, Any]:
    config = model.config.to_dict()
    if variant == "plain":
        return {"model": model.weights, "config": config}
    more: dict[str, Any] = {"step": 1, "epoch": 0, "model_loss": 0.5, "optimizer": {}}
    if variant == "pickled":
        return {"config": model.config, "model": model.weights, **more}
    unused = (
        "dvae.codebook",
        "torch_mel_spectrogram_dvae.mel",
        "torch_mel_spectrogram_style_encoder.mel",
    )
    weights = model.spoken | dict.fromkeys(unused, torch.ones(2))
    return {"config": config, "model": {f"xtts.{name}": weights[name] for name in weights}, **more}


@contextmanager
def _published_classes() -> Iterator[None]:
    """Save these classes under the names that they had when the model was published."""
    before = XttsArgs.__module__
    XttsArgs.__module__ = XttsAudioConfig.__module__ = Xtts.__module__
    try:
        yield
    finally:
        XttsArgs.__module__ = XttsAudioConfig.__module__ = before


def _config() -> XttsConfig:
    return XttsConfig(
        model_args=XttsArgs(
            gpt_layers=2,
            gpt_n_model_channels=CHANNELS,
            gpt_n_heads=2,
            decoder_input_dim=CHANNELS,
            gpt_use_perceiver_resampler=True,
            gpt_max_audio_tokens=60,
            gpt_max_text_tokens=100,
            gpt_num_audio_tokens=1026,
            gpt_start_audio_token=1024,
            gpt_stop_audio_token=1025,
        ),
        datasets=[BaseDatasetConfig()],  # which the original has, too
    )


@cache
def tokenizer() -> Tokenizer:
    """Of letters alone: every letter is a token."""
    special = ["[STOP]", "[UNK]", "[SPACE]", "[START]", *(f"[{tag}]" for tag in _LANGUAGES)]
    tokens = [*special, *dict.fromkeys("".join(_LETTERS))]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.add_special_tokens(special)
    return made


@cache
def _model() -> _Model:
    model = _random(_config())
    weights = dict(model.state_dict())
    model.gpt.init_gpt_for_inference()
    return _Model(model.config, weights, dict(model.state_dict()))


def _random(config: XttsConfig) -> Xtts:
    with torch.random.fork_rng():
        torch.manual_seed(_SEED)
        model = Xtts(config)
        model.tokenizer.tokenizer = tokenizer()
        model.init_models()
    return model


def _speakers(channels: int = CHANNELS) -> dict[str, dict[str, Tensor]]:
    generator = torch.Generator().manual_seed(_SEED)
    return {
        name: {
            "gpt_cond_latent": torch.randn(1, 32, channels, generator=generator),
            "speaker_embedding": torch.randn(1, 512, 1, generator=generator),
        }
        for name in SPEAKERS
    }

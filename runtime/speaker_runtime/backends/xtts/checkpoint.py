"""XTTS-v2's files into memory, by coqui-tts' own classes; no pickle is read, nothing is written."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from speaker_runtime.backends.pytorch.kernels import Linear, MakeProduct
from speaker_runtime.backends.xtts.conditioning import Conditioning, Lengths
from speaker_runtime.backends.xtts.gpt import Gpt
from speaker_runtime.backends.xtts.recipe import (
    CONFIG_FILE,
    EMBEDDING,
    LATENTS,
    SPEAKERS_FILE,
    VOCABULARY_FILE,
    WEIGHTS_FILE,
)
from speaker_runtime.backends.xtts.text import Reader
from speaker_runtime.backends.xtts.vocoder import Vocoder
from speaker_runtime.contract import ExitCode, Sampling
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.store import StoredModel

if TYPE_CHECKING:
    from pathlib import Path

    from TTS.tts.configs.xtts_config import XttsArgs, XttsConfig
    from TTS.tts.layers.xtts.gpt import GPT
    from TTS.tts.layers.xtts.hifigan_decoder import HifiDecoder

_GPT: Final = "gpt."
_DECODER: Final = "hifigan_decoder."
_MEL_STATS: Final = "mel_stats"
_OTHER_NAMES: Final = ("gpt_inference.", "gpt.wte.")
"""Of weights of the GPT that older checkpoints have twice."""


@dataclass(frozen=True)
class Speaker:
    """What a voice is to the model.

    Attributes:
        name: That no other voice has.
        latents: What the GPT begins with, float32, shape ``(32, channels)``.
        embedding: What the vocoder adds, float32, shape ``(512,)``.
    """

    name: str
    latents: Tensor
    embedding: Tensor


@dataclass(frozen=True)
class Checkpoint:
    """Everything that was loaded."""

    gpt: Gpt
    vocoder: Vocoder
    conditioning: Conditioning
    reader: Reader
    speakers: Mapping[str, Speaker]
    languages: tuple[str, ...]
    sample_rate: int
    tokens_per_second: float
    sampling: Sampling
    """How its tokens are drawn unless a request says otherwise; nothing is left open."""


def load(
    stored: StoredModel,
    *,
    device: torch.device,
    precision: torch.dtype,
    slots: int,
    progress: Callable[[str], None],
    product: MakeProduct = Linear,
) -> Checkpoint:
    """Load a model.

    Args:
        stored: Its files.
        device: Where to.
        precision: Of the GPT.
        product: Makes the products of its layers.
        slots: How many streams it has to have room for.
        progress: Told which part is being loaded.

    Raises:
        ModelError: The files are of another model, or damaged.
    """
    progress("library")
    config = _config(stored)
    args: XttsArgs = config.model_args
    reader, size = _reader(stored, args)
    progress("weights")
    weights = _tensors(stored, WEIGHTS_FILE)
    progress("speakers")
    speakers = _speakers(stored, device)
    progress("model")
    gpt, decoder = _modules(stored, args, size, weights, device)
    mel_stats = weights.get(_MEL_STATS, torch.ones(80)).to(device)
    lengths = Lengths(
        clip=float(config.max_ref_len),
        together=float(config.gpt_cond_len),
        part=float(config.gpt_cond_chunk_len),
    )
    conditioning = Conditioning(gpt, decoder, mel_stats, lengths)
    vocoder = Vocoder(decoder)
    return Checkpoint(
        gpt=Gpt(gpt, slots, precision, product=product),
        vocoder=vocoder,
        conditioning=conditioning,
        reader=reader,
        speakers=speakers,
        languages=tuple(_tag(each) for each in config.languages),
        sample_rate=int(args.output_sample_rate),
        tokens_per_second=args.input_sample_rate / args.gpt_code_stride_len,
        sampling=_sampling(stored, config),
    )


def _config(stored: StoredModel) -> "XttsConfig":
    from TTS.tts.configs.xtts_config import XttsConfig  # noqa: PLC0415  seconds, on this thread

    path = stored.path(CONFIG_FILE)
    try:
        described = json.loads(path.read_bytes())
        config = XttsConfig()
        config.from_dict(described)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise _damaged(path, str(error)) from error
    if described.get("model") != "xtts" or not config.model_args.gpt_use_perceiver_resampler:
        raise ModelError(
            ExitCode.MODEL_UNAVAILABLE,
            f"{path} describes no XTTS-v2 model (model: {described.get('model')}).",
            "Name a model.source that fits the backend xtts.",
        )
    return config


def _sampling(stored: StoredModel, config: "XttsConfig") -> Sampling:
    try:
        return Sampling(
            temperature=config.temperature,
            top_k=config.top_k,
            top_p=config.top_p,
            repetition_penalty=config.repetition_penalty,
        )
    except ValidationError as error:
        raise _damaged(stored.path(CONFIG_FILE), str(error)) from error


def _reader(stored: StoredModel, args: "XttsArgs") -> tuple[Reader, int]:
    path = stored.path(VOCABULARY_FILE)
    try:
        # Two places belong to the tokens before and behind the text.
        reader = Reader(path, int(args.gpt_max_text_tokens) - 1)
        start, stop = reader.token("[START]"), reader.token("[STOP]")
    except Exception as error:  # the tokenizers' library raises nothing narrower
        raise _damaged(path, str(error)) from error
    if start is None or stop is None:
        raise _damaged(path, "it has no [START] and [STOP]")
    args.gpt_start_text_token, args.gpt_stop_text_token = start, stop
    return reader, reader.size


def _tensors(stored: StoredModel, name: str) -> dict[str, Tensor]:
    path = stored.path(name)
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise _damaged(path, str(error)) from error


def _modules(
    stored: StoredModel,
    args: "XttsArgs",
    text_tokens: int,
    weights: dict[str, Tensor],
    device: torch.device,
) -> tuple["GPT", "HifiDecoder"]:
    from TTS.tts.layers.xtts.gpt import GPT  # noqa: PLC0415  seconds, on this thread
    from TTS.tts.layers.xtts.hifigan_decoder import HifiDecoder  # noqa: PLC0415

    # Without memory, as it is all in the file: drawing half a billion numbers takes seconds.
    with torch.device("meta"):
        gpt = GPT(
            layers=args.gpt_layers,
            model_dim=args.gpt_n_model_channels,
            start_text_token=args.gpt_start_text_token,
            stop_text_token=args.gpt_stop_text_token,
            heads=args.gpt_n_heads,
            max_text_tokens=args.gpt_max_text_tokens,
            max_mel_tokens=args.gpt_max_audio_tokens,
            max_prompt_tokens=args.gpt_max_prompt_tokens,
            number_text_tokens=text_tokens,
            num_audio_tokens=args.gpt_num_audio_tokens,
            start_audio_token=args.gpt_start_audio_token,
            stop_audio_token=args.gpt_stop_audio_token,
            use_perceiver_resampler=args.gpt_use_perceiver_resampler,
            code_stride_len=args.gpt_code_stride_len,
        )
    decoder = HifiDecoder(
        input_sample_rate=args.input_sample_rate,
        output_sample_rate=args.output_sample_rate,
        output_hop_length=args.output_hop_length,
        ar_mel_length_compression=args.gpt_code_stride_len,
        decoder_input_dim=args.decoder_input_dim,
        d_vector_dim=args.d_vector_dim,
        cond_d_vector_in_each_upsampling_layer=args.cond_d_vector_in_each_upsampling_layer,
    )
    own = _below(weights, _GPT)
    for name in [each for each in own if each.startswith(_OTHER_NAMES)]:
        del own[name]
    try:
        gpt.load_state_dict(own, assign=True)
        decoder.load_state_dict(_below(weights, _DECODER))
    except RuntimeError as error:
        raise _damaged(stored.path(WEIGHTS_FILE), str(error)) from error
    return gpt.eval().to(device), decoder.eval().to(device)


def _below(weights: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in weights.items()
        if name.startswith(prefix)
    }


def _speakers(stored: StoredModel, device: torch.device) -> dict[str, Speaker]:
    if all(entry.name != SPEAKERS_FILE for entry in stored.manifest.files):
        return {}
    tensors = _tensors(stored, SPEAKERS_FILE)
    names = dict.fromkeys(name.rpartition("/")[0] for name in tensors)
    try:
        return {
            name: speaker(
                name, tensors[f"{name}/{LATENTS}"], tensors[f"{name}/{EMBEDDING}"], device
            )
            for name in names
        }
    except KeyError as error:
        raise _damaged(stored.path(SPEAKERS_FILE), f"{error} is missing") from error


def speaker(name: str, latents: Tensor, embedding: Tensor, device: torch.device) -> Speaker:
    """A speaker of tensors in any of the shapes that they are kept in."""
    channels = latents.shape[-1]
    return Speaker(
        name,
        latents.float().reshape(-1, channels).to(device),
        embedding.float().reshape(-1).to(device),
    )


def _tag(language: str) -> str:
    """BCP 47 tag of one of the model's languages, which writes Chinese as ``zh-cn``."""
    return "zh" if language == "zh-cn" else language


def _damaged(path: "Path", why: str) -> ModelError:
    return ModelError(
        ExitCode.MODEL_CORRUPT,
        f"{path} is no part of an XTTS-v2 model: {_shortened(why)}.",
        "Fetch the model anew, or name a model.source that fits the backend xtts.",
    )


def _shortened(why: str, most: int = 400) -> str:
    """Of an error that names every weight, the beginning."""
    why = " ".join(why.split())
    return why if len(why) <= most else f"{why[:most]}…"

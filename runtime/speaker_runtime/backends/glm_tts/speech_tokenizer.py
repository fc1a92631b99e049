"""Recordings into speech codes, 25 a second: each is the nearest entry of a codebook.

What follows the codebook in the published files, such as later layers and a decoder, is not read.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from torch.nn import functional

from speaker_runtime.backends.glm_tts.errors import damaged, missing
from speaker_runtime.backends.glm_tts.features import (
    HEARD_RATE,
    WHISPER_HOP,
    resampled,
    whisper_mel,
)
from speaker_runtime.backends.glm_tts.whisper import ACTIVATIONS, Encoder, EncoderConfig, sizes

CONFIG_FILE: Final = "config.json"
FEATURES_FILE: Final = "preprocessor_config.json"
INDEX_FILE: Final = "model.safetensors.index.json"
WEIGHTS: Final = "model*.safetensors"

_PREFIX: Final = "model.encoder."
_CODEBOOK: Final = "codebook.weight"
_FEATURES: Final = {"sampling_rate": HEARD_RATE, "hop_length": WHISPER_HOP, "n_fft": 400}
"""What the preprocessor's configuration has to say."""
_GROUP: Final = 128
"""Pieces that are padded to one length."""
_TOGETHER: Final = 4
"""Pieces of half a minute that are listened to at a time: what memory they take is bounded."""
_ROWS: Final = 1024
"""Hidden states whose distances to all entries are in memory at a time."""


class SpeechTokenizer:
    """Turns recordings into codes.

    Args:
        directory: Of the configurations and weights.
        device: Where it computes, in float32.

    Raises:
        ModelError: A file is missing or damaged.
    """

    def __init__(self, directory: Path, device: torch.device | str = "cpu") -> None:
        self.config = _config(directory / CONFIG_FILE)
        self._piece = _piece(directory / FEATURES_FILE)
        tensors = _tensors(directory, self.config.layers)
        self._codebook = tensors.pop(_CODEBOOK).to(device)
        self._encoder = _encoder(directory, self.config, tensors).to(device)
        self._bins = self._encoder.conv1.in_channels
        _require_fit(directory, self._encoder, self._codebook, self._piece)

    @property
    def size(self) -> int:
        """How many codes there are."""
        return len(self._codebook)

    @property
    def samples(self) -> int:
        """How many samples at 16 kHz a code stands for."""
        return WHISPER_HOP * self.config.frames

    def codes(self, wave: Tensor, rate: int) -> Tensor:
        """The codes of a recording.

        Args:
            wave: Of one or several channels, of which the first is listened to; float32, shape
                ``(samples,)`` or ``(channels, samples)``.
            rate: Hertz.

        Returns:
            Int64; at 16 kHz, every 30 s that there are begin anew, and give one code for every
            :attr:`samples` samples that they have begun.
        """
        return self.nearest(self.hidden(wave, rate))

    @torch.inference_mode()
    def hidden(self, wave: Tensor, rate: int) -> Tensor:
        """What :meth:`codes` are taken from, shape ``(codes, width)``."""
        first = (wave if wave.dim() == 1 else wave[0]).to(self._codebook)
        heard = resampled(first, rate, HEARD_RATE)
        pieces = [part for part in torch.split(heard, self._piece) if len(part)]
        groups = [pieces[at : at + _GROUP] for at in range(0, len(pieces), _GROUP)]
        parts = [self._codebook.new_zeros(0, self._codebook.shape[1])]
        for group in groups:
            unit = WHISPER_HOP * 2 * self.config.pooling
            longest = unit * math.ceil(max(map(len, group)) / unit)
            for at in range(0, len(group), _TOGETHER):
                parts += self._listen(group[at : at + _TOGETHER], longest)
        return torch.cat(parts)

    @torch.inference_mode()
    def nearest(self, hidden: Tensor) -> Tensor:
        """The entry of the codebook that is nearest to each row of ``hidden``."""
        own = self._codebook.square().sum(dim=1)
        found = [
            torch.argmin(
                rows.square().sum(dim=1, keepdim=True) + own - 2.0 * (rows @ self._codebook.t()),
                dim=1,
            )
            for rows in torch.split(hidden, _ROWS)
        ]
        return torch.cat(found)

    def _listen(self, pieces: Sequence[Tensor], length: int) -> list[Tensor]:
        waves = torch.stack([functional.pad(each, (0, length - len(each))) for each in pieces])
        ends = torch.tensor([len(each) for each in pieces], device=waves.device)
        places = torch.arange(0, length, WHISPER_HOP, device=waves.device)
        features = whisper_mel(waves, self._bins)
        hidden, real = self._encoder(features, places < ends[:, None])
        return [row[kept] for row, kept in zip(hidden, real, strict=True)]


def _config(path: Path) -> EncoderConfig:
    described = _document(path)
    try:
        kernel = described.get("pooling_kernel_size")
        block = described.get("quantize_causal_block_size")
        config = EncoderConfig(
            heads=int(described["encoder_attention_heads"]),
            layers=int(described["quantize_position"]),
            activation=str(described.get("activation_function", "gelu")),
            pooling=1 if kernel is None else int(kernel),
            pooling_type=described.get("pooling_type", "avg"),
            pooling_position=int(described.get("pooling_position") or 0),
            block=None if block is None else int(block),
            causal=any(
                bool(described.get(name))
                for name in ("encoder_causal_attention", "quantize_causal_encoder")
            ),
            causal_convolution=bool(described.get("encoder_causal_convolution")),
        )
    except KeyError as error:
        raise damaged(path, f"it has no {error.args[0]}") from error
    except (TypeError, ValueError) as error:
        raise damaged(path, str(error)) from error
    wrong = [
        what
        for what, fits in {
            f"pooling_type {config.pooling_type!r}": config.pooling_type in {"avg", "max"},
            f"activation_function {config.activation!r}": config.activation in ACTIVATIONS,
            f"quantize_position {config.layers}": config.layers >= 1,
            f"pooling_kernel_size {config.pooling}": config.pooling >= 1,
            f"encoder_attention_heads {config.heads}": config.heads >= 1,
            f"quantize_causal_block_size {config.block}": config.block is None or config.block >= 1,
        }.items()
        if not fits
    ]
    if wrong:
        raise damaged(path, f"it has {wrong[0]}")
    return config


def _piece(path: Path) -> int:
    """Samples that are listened to in one go."""
    described = _document(path)
    for name, expected in _FEATURES.items():
        if described.get(name, expected) != expected:
            raise damaged(path, f"its {name} is {described[name]!r}, not {expected}")
    seconds = described.get("chunk_length", 30)
    if not isinstance(seconds, int) or seconds < 1:
        raise damaged(path, f"its chunk_length is {seconds!r}")
    return HEARD_RATE * seconds


def _tensors(directory: Path, layers: int) -> dict[str, Tensor]:
    """Those that decide the codes, in float32, by name."""
    found: dict[str, Tensor] = {}
    for path in _shards(directory):
        try:
            with safe_open(path, framework="pt") as file:
                for name in file.keys():  # noqa: SIM118  it is no mapping
                    own = name.removeprefix(_PREFIX)
                    if name.startswith(_PREFIX) and _decides(own, layers):
                        found[own] = file.get_tensor(name).float()
        except (SafetensorError, OSError) as error:
            raise damaged(path, str(error)) from error
    if _CODEBOOK not in found:
        raise damaged(directory / WEIGHTS, f"there is no {_PREFIX}{_CODEBOOK}")
    return found


def _shards(directory: Path) -> Sequence[Path]:
    index = directory / INDEX_FILE
    if index.is_file():
        places = _document(index).get("weight_map")
        if not isinstance(places, dict):
            raise damaged(index, "it has no weight_map")
        shards = sorted({directory / str(name) for name in places.values()})
    else:
        shards = sorted(directory.glob(WEIGHTS)) or [directory / "model.safetensors"]
    for shard in shards:
        if not shard.is_file():
            raise missing(shard)
    return shards


def _decides(name: str, layers: int) -> bool:
    kind, _, rest = name.partition(".")
    if kind == "layers":
        number = rest.partition(".")[0]
        return number.isdecimal() and int(number) < layers
    return kind in {"conv1", "conv2", "embed_positions"} or name == _CODEBOOK


def _encoder(directory: Path, config: EncoderConfig, tensors: Mapping[str, Tensor]) -> Encoder:
    try:
        with torch.device("meta"):  # its weights are all there: none have to be drawn
            encoder = Encoder(config, **sizes(tensors))
        encoder.load_state_dict(dict(tensors), assign=True)
    except KeyError as error:
        raise damaged(directory / WEIGHTS, f"there is no {_PREFIX}{error.args[0]}") from error
    except (RuntimeError, ValueError) as error:
        raise damaged(directory / WEIGHTS, str(error)) from error
    return encoder.eval().requires_grad_(requires_grad=False)


def _require_fit(directory: Path, encoder: Encoder, codebook: Tensor, piece: int) -> None:
    width, positions = encoder.conv1.out_channels, encoder.embed_positions.num_embeddings
    if width % encoder.config.heads:
        raise damaged(
            directory / CONFIG_FILE,
            f"{encoder.config.heads} encoder_attention_heads do not share {width} channels",
        )
    if codebook.dim() != 2 or codebook.shape[1] != width:  # noqa: PLR2004  rows and columns
        raise damaged(
            directory / WEIGHTS, f"{_PREFIX}{_CODEBOOK} has no {width} columns, as its layers have"
        )
    if positions * 2 * WHISPER_HOP < piece:
        raise damaged(
            directory / WEIGHTS,
            f"it knows {positions} positions, too few for {piece / HEARD_RATE:g} s",
        )


def _document(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise missing(path) from error
    except (ValueError, OSError) as error:
        raise damaged(path, f"it is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise damaged(path, "it is no JSON object")
    return found

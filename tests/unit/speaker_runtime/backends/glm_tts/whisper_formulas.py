"""The speech tokenizer written down in numpy, float64, one piece at a time."""

from collections.abc import Mapping
from typing import Any

import librosa
import numpy as np
import numpy.typing as npt
from scipy.special import erf

Array = npt.NDArray[np.float64]


def gelu(x: Array) -> Array:
    return np.asarray(0.5 * x * (1 + erf(x / np.sqrt(2))))


def features(samples: Array) -> Array:
    """Whisper's log-mel of samples whose number is a multiple of 160: ``(frames, 128)``."""
    padded = np.pad(samples, 200, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, 400)[::160][:-1]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
    filters = librosa.filters.mel(sr=16_000, n_fft=400, n_mels=128)
    levels = np.log10(np.maximum(power @ filters.T, 1e-10))
    return np.asarray((np.maximum(levels, levels.max() - 8) + 4) / 4)


class WhisperFormulas:
    """Hidden states and codes of a piece of no more than 30 s."""

    def __init__(self, config: Mapping[str, Any], weights: Mapping[str, Any]) -> None:
        self.config = config
        self.weights = {
            name.removeprefix("model.encoder."): np.asarray(value, np.float64)
            for name, value in weights.items()
        }

    def hidden(self, samples: Array) -> Array:
        config = self.config
        pooling = config.get("pooling_kernel_size") or 1
        unit = 160 * 2 * pooling
        padded = np.pad(samples, (0, -len(samples) % unit))
        real = (np.arange(0, len(padded), 160) < len(samples))[::2]
        x = gelu(self.conv("conv1", features(padded), 1))
        x = gelu(self.conv("conv2", x, 2))
        x = x + self.weights["embed_positions.weight"][: len(x)]
        block = config.get("quantize_causal_block_size")
        for layer in range(config["quantize_position"]):
            x = self.layer(f"layers.{layer}", x, self.mask(real, block))
            if pooling > 1 and layer + 1 == config["pooling_position"]:
                x = np.pad(x, ((0, -len(x) % pooling), (0, 0)))
                runs = x.reshape(-1, pooling, x.shape[1])
                x = runs.mean(axis=1) if config["pooling_type"] == "avg" else runs.max(axis=1)
                real = real[::pooling]
                block = block and block // pooling
        return x[real]

    def distances(self, hidden: Array) -> Array:
        """Squared, of each row to each entry of the codebook."""
        between = hidden[:, None] - self.weights["codebook.weight"]
        return np.asarray(np.square(between).sum(axis=2))

    def conv(self, name: str, x: Array, stride: int) -> Array:
        causal = self.config.get("encoder_causal_convolution")
        x = np.pad(x, ((2, 0) if causal else (1, 1), (0, 0)))
        starts = range(0, len(x) - 2, stride)
        kernel = self.weights[f"{name}.weight"]
        made = [np.einsum("kc,ock->o", x[at : at + 3], kernel) for at in starts]
        return np.stack(made) + self.weights[f"{name}.bias"]

    def mask(self, real: npt.NDArray[np.bool_], block: int | None) -> Array:
        count = len(real)
        added = np.zeros((count, count))
        lowest = float(np.finfo(np.float32).min)
        for i in range(count):
            for j in range(count):
                if any(
                    self.config.get(name)
                    for name in ("encoder_causal_attention", "quantize_causal_encoder")
                ):
                    seen = j <= i
                elif block is None:
                    seen = bool(real[j])
                else:
                    seen = bool(real[j]) and (j <= i or i // block == j // block)
                added[i, j] = 0 if seen else lowest
        return added

    def layer(self, name: str, x: Array, mask: Array) -> Array:
        y = self.norm(f"{name}.self_attn_layer_norm", x)
        heads = self.config["encoder_attention_heads"]
        size = x.shape[1] // heads
        q, k, v = (self.linear(f"{name}.self_attn.{part}_proj", y) for part in "qkv")
        heard = []
        for head in range(heads):
            own = slice(head * size, (head + 1) * size)
            scores = q[:, own] @ k[:, own].T / np.sqrt(size) + mask
            powers = np.exp(scores - scores.max(axis=1, keepdims=True))
            heard.append(powers / powers.sum(axis=1, keepdims=True) @ v[:, own])
        x = x + self.linear(f"{name}.self_attn.out_proj", np.concatenate(heard, axis=1))
        y = self.norm(f"{name}.final_layer_norm", x)
        return x + self.linear(f"{name}.fc2", gelu(self.linear(f"{name}.fc1", y)))

    def linear(self, name: str, x: Array) -> Array:
        product = x @ self.weights[f"{name}.weight"].T
        return np.asarray(product + self.weights.get(f"{name}.bias", 0.0))

    def norm(self, name: str, x: Array) -> Array:
        centred = x - x.mean(axis=1, keepdims=True)
        scaled = centred / np.sqrt(np.square(centred).mean(axis=1, keepdims=True) + 1e-5)
        product = scaled * self.weights[f"{name}.weight"]
        return np.asarray(product + self.weights[f"{name}.bias"])

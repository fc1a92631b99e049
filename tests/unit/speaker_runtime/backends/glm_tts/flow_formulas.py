"""The flow stage once more: float64 and loops, straight from its formulas, for one row."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


class Formulas:
    """The network and its ten steps.

    Args:
        weights: The state dict.
        config: As the file has it.
    """

    def __init__(self, weights: Mapping[str, Array], config: Mapping[str, bool | int]) -> None:
        self._all = weights
        self._config = config
        self._depth = sum(name.endswith("attn.to_q.weight") for name in weights)

    def w(self, name: str) -> Array:
        return self._all[f"estimator.{name}"]

    def linear(self, name: str, x: Array) -> Array:
        return x @ self.w(f"{name}.weight").T + self.w(f"{name}.bias")

    def time_vector(self, t: float) -> Array:
        angles = [1000 * t * math.exp(-k * math.log(10000) / 127) for k in range(128)]
        waves = np.concatenate([np.sin(angles), np.cos(angles)])
        return self.linear(
            "time_embed.time_mlp.2", silu(self.linear("time_embed.time_mlp.0", waves))
        )

    def features(self, codes: Sequence[int], frames: int) -> Array:
        ratio = np.float32(len(codes) / frames)
        source = [min(int(np.float32(j) * ratio), len(codes) - 1) for j in range(frames)]
        table = self.w("text_emb_layer.text_embed.weight")
        width = table.shape[1]
        x = table[[codes[at] for at in source]].copy()
        for j in range(frames):
            for k in range(width // 2):
                angle = min(j, 4095) * 10000 ** (-2 * k / width)
                x[j, k] += math.cos(angle)
                x[j, width // 2 + k] += math.sin(angle)
        for block in range(4):
            name = f"text_emb_layer.text_blocks.{block}"
            y = conv(x, self.w(f"{name}.dwconv.weight"), self.w(f"{name}.dwconv.bias"), width)
            y = norm(y) * self.w(f"{name}.norm.weight") + self.w(f"{name}.norm.bias")
            y = self.linear(f"{name}.pwconv1", y)
            y = y * 0.5 * (1 + np.vectorize(math.erf)(y / math.sqrt(2)))
            g = np.sqrt((y * y).sum(axis=0))
            n = g / (g.mean() + 1e-6)
            y = self.w(f"{name}.grn.gamma")[0] * (y * n) + self.w(f"{name}.grn.beta")[0] + y
            x = x + self.linear(f"{name}.pwconv2", y)
        return x

    def inputs(self, x: Array, condition: Array, features: Array) -> Array:
        y = self.linear("emb_concator.proj", np.concatenate([x, condition, features], axis=1))
        z = y
        for number in (0, 2):
            name = f"emb_concator.conv_pos_embed.conv1d.{number}"
            z = conv(z, self.w(f"{name}.weight"), self.w(f"{name}.bias"), 16)
            z = z * np.tanh(np.log1p(np.exp(z)))
        return y + z

    def block(self, number: int, x: Array, c: Array, reach: Sequence[int]) -> Array:
        name = f"transformer_blocks.{number}"
        shift1, scale1, gate1, shift2, scale2, gate2 = np.split(
            self.linear(f"{name}.attn_norm.linear", silu(c)), 6
        )
        y = norm(x) * (1 + scale1) + shift1
        q, k, v = (self.linear(f"{name}.attn.to_{part}", y) for part in "qkv")
        q[:, :64], k[:, :64] = turned(q[:, :64]), turned(k[:, :64])
        heard = np.zeros_like(q)
        for head in range(q.shape[1] // 64):
            own = slice(64 * head, 64 * head + 64)
            for i, seen in enumerate(reach):
                scores = k[:seen, own] @ q[i, own] / 8
                weights = np.exp(scores - scores.max())
                heard[i, own] = weights @ v[:seen, own] / weights.sum()
        x = x + gate1 * self.linear(f"{name}.attn.to_out.0", heard)
        y = norm(x) * (1 + scale2) + shift2
        y = self.linear(f"{name}.ff.ff.0.0", y)
        y = 0.5 * y * (1 + np.tanh(math.sqrt(2 / math.pi) * (y + 0.044715 * y**3)))
        return x + gate2 * self.linear(f"{name}.ff.ff.2", y)

    def network(
        self,
        x: Array,
        condition: Array,
        features: Array,
        t: float,
        *,
        speaker: Array,
        reach: Sequence[int],
    ) -> Array:
        c = self.time_vector(t)
        if self._config["spkr_emb_adaLN"]:
            c = np.concatenate([c, speaker])
        y = self.inputs(x, condition, features)
        for number in range(self._depth):
            y = self.block(number, y, c, reach)
        scale, shift = np.split(self.linear("norm_out.linear", silu(c)), 2)
        return self.linear("proj_out", norm(y) * (1 + scale) + shift)

    def run(
        self,
        codes: Sequence[int],
        prompt_mel: Array,
        speaker: Array,
        noise: Array,
        *,
        reach: Sequence[int] | None = None,
        before: Sequence[Array] | None = None,
    ) -> tuple[Array, list[Array]]:
        """The new mel, ``(80, frames)``, and x at the beginning of each step."""
        frames = len(noise)
        reach = [frames] * frames if reach is None else reach
        unit = speaker / max(float(np.linalg.norm(speaker)), 1e-12)
        condition = np.zeros((frames, 80))
        count = min(len(prompt_mel), frames)
        condition[:count] = prompt_mel[len(prompt_mel) - count :]
        if not self._config["remove_spkr_concat_condition"]:
            told = unit @ self._all["spk_embed_affine_layer.weight"].T
            told = told + self._all["spk_embed_affine_layer.bias"]
            condition = np.concatenate([condition, np.tile(told, (frames, 1))], axis=1)
        features = self.features(codes, frames)
        others = features
        if self._config["speech_token_cfg"]:
            others = self.features([0] * len(codes), frames)
        s = [np.float32(1 - math.cos(i * math.pi / 20)) for i in range(11)]
        t, dt = s[0], np.float32(s[1] - s[0])
        x, steps = noise, []
        for k in range(1, 11):
            if before is not None:
                x = x.copy()
                x[: len(before[k - 1])] = before[k - 1]
            steps.append(x)
            told = self.network(x, condition, features, float(t), speaker=unit, reach=reach)
            nothing, nobody = np.zeros_like(condition), np.zeros(192)
            untold = self.network(x, nothing, others, float(t), speaker=nobody, reach=reach)
            x = x + float(dt) * (1.7 * told - 0.7 * untold)
            t = np.float32(t + dt)
            if k < 10:
                dt = np.float32(s[k + 1] - t)
        return x[len(prompt_mel) :].T, steps


def silu(x: Array) -> Array:
    made: Array = x / (1 + np.exp(-x))
    return made


def norm(x: Array) -> Array:
    centred = x - x.mean(axis=-1, keepdims=True)
    made: Array = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-6)
    return made


def conv(x: Array, weight: Array, bias: Array, groups: int) -> Array:
    """Over time, with zeros around; ``x`` is ``(time, channels)``."""
    outputs, inputs, kernel = weight.shape
    half = kernel // 2
    padded = np.pad(x, ((half, half), (0, 0)))
    made = np.zeros((len(x), outputs))
    for j in range(len(x)):
        for group in range(groups):
            window = padded[j : j + kernel, group * inputs : (group + 1) * inputs]
            own = slice(group * outputs // groups, (group + 1) * outputs // groups)
            made[j, own] = np.einsum("oik,ki->o", weight[own], window) + bias[own]
    return made


def turned(heads: Array) -> Array:
    made = np.empty_like(heads)
    for position, head in enumerate(heads):
        for k in range(32):
            angle = position * 10000 ** (-2 * k / 64)
            a, b = head[2 * k], head[2 * k + 1]
            made[position, 2 * k] = a * math.cos(angle) - b * math.sin(angle)
            made[position, 2 * k + 1] = b * math.cos(angle) + a * math.sin(angle)
    return made

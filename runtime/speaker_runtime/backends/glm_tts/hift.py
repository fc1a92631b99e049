"""HiFT, the vocoder of 24 kHz: mel frames into samples, over a source of harmonics.

A pitch is read from the mel; sines of it and its harmonics are the source that a stack of
transposed convolutions shapes into a spectrum. Weight normalisation is folded when it is loaded.
"""

import math
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from speaker_runtime.backends.glm_tts.tensors import Tensors

SAMPLE_RATE: Final = 24000
HOP: Final = 480
"""Samples of a frame."""
HARMONICS: Final = 9
"""The pitch itself among them."""
_MELS: Final = 80
_FFT: Final = 16
_FFT_HOP: Final = 4
_BINS: Final = _FFT // 2 + 1
_STRIDES: Final = (8, 5, 3)
_KERNELS: Final = (16, 11, 7)
_SOURCE_CONVS: Final = ((30, 15, 7), (6, 3, 1), (1, 1, 0))
"""Kernel, stride and padding of the source's way into each stage."""
_SOURCE_KERNELS: Final = (7, 7, 11)
_BLOCK_KERNELS: Final = (3, 7, 11)
_DILATIONS: Final = (1, 3, 5)
_PITCH_LAYERS: Final = (0, 2, 4, 6, 8)
_SLOPE: Final = 0.1
_LAST_SLOPE: Final = 0.01
_SINE: Final = 0.1
_BREATH: Final = 0.003
"""Noise of what is voiced; what is not has a third of a sine's height."""
_VOICED: Final = 10.0
"""Hertz above which a frame has a pitch."""
_LOUDEST: Final = 0.99
_STRONGEST: Final = 100.0
"""Most that a bin of the spectrum may have."""


class Hift:
    """The vocoder; its channels are those of the tensors.

    Args:
        tensors: All of its file.

    Raises:
        ModelError: They are not those of a HiFT of this shape.
    """

    def __init__(self, tensors: Tensors) -> None:
        self._pitch: list[tuple[Tensor, Tensor]] = []
        inputs = _MELS
        for layer in _PITCH_LAYERS:
            name = f"f0_predictor.condnet.{layer}"
            weight = tensors.normed(name, None, inputs, 3)
            inputs = len(weight)
            self._pitch.append((weight, tensors.take(f"{name}.bias", inputs)))
        self._pitch_out = tensors.pair("f0_predictor.classifier", 1, inputs)
        self._mix = tensors.pair("m_source.l_linear", 1, HARMONICS)
        self._first = _Conv(tensors, "conv_pre", (None, _MELS, 7))
        channels = self._first.outputs
        self._stages: list[_Stage] = []
        for number in range(len(_STRIDES)):
            self._stages.append(_Stage(tensors, number, channels))
            channels = self._stages[-1].channels
        self._last = _Conv(tensors, "conv_post", (2 * _BINS, channels, 7))
        self._window = torch.hann_window(_FFT, device=self.device)

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self._mix[0].device

    def __call__(self, mel: Tensor, noise: Tensor | None = None) -> Tensor:
        """Samples of some speech.

        Args:
            mel: Log-mel, float32, shape ``(80, frames)``.
            noise: Of the source, as of :meth:`source`.

        Returns:
            Float32 from -0.99 to 0.99, at 24 kHz, shape ``(480 * frames,)``.
        """
        return self.decode(mel, self.source(self.pitch(mel), noise))

    def pitch(self, mel: Tensor) -> Tensor:
        """Hertz of each frame, float32, shape ``(frames,)``; below 10 it is not voiced."""
        x = mel[None]
        for weight, bias in self._pitch:
            x = functional.elu(functional.conv1d(x, weight, bias, padding=1))
        return functional.linear(x[0].t(), *self._pitch_out)[:, 0].abs()

    def source(self, pitch: Tensor, noise: Tensor | None = None) -> Tensor:
        """Sines of the pitch and its harmonics, mixed into one.

        Args:
            pitch: Hertz, float32, shape ``(frames,)``.
            noise: Standard normal, float32, shape ``(480 * frames, 9)``; None for none.

        Returns:
            Float32, shape ``(480 * frames,)``.
        """
        harmonics = torch.arange(1, HARMONICS + 1, device=pitch.device, dtype=torch.float32)
        turns = (pitch[:, None] * harmonics / SAMPLE_RATE) % 1
        # The phase at every frame is drawn out to samples; float32, as where it was trained.
        phases = turns.cumsum(dim=0) * (2 * math.pi) * HOP
        phases = functional.interpolate(
            phases.t()[None], scale_factor=float(HOP), mode="linear", align_corners=False
        )[0].t()
        voiced = (pitch > _VOICED).float().repeat_interleave(HOP)[:, None]
        sines = voiced * (_SINE * phases.sin())
        if noise is not None:
            sines = sines + (_BREATH * voiced + (1 - voiced) * (_SINE / 3)) * noise
        return functional.linear(sines, *self._mix)[:, 0].tanh()

    def decode(self, mel: Tensor, source: Tensor) -> Tensor:
        """Samples of a mel over a source.

        Args:
            mel: Log-mel, float32, shape ``(80, frames)``.
            source: Shape ``(480 * frames,)``.

        Returns:
            As of a call.
        """
        spectrum = torch.stft(
            source[None],
            _FFT,
            _FFT_HOP,
            window=self._window,
            center=True,
            pad_mode="reflect",
            return_complex=True,
        )
        shaped = torch.cat([spectrum.real, spectrum.imag], dim=1)
        x = self._first(mel[None])
        for number, stage in enumerate(self._stages):
            x = stage(x, shaped, is_last=number == len(self._stages) - 1)
        x = self._last(functional.leaky_relu(x, _LAST_SLOPE))
        magnitudes = x[:, :_BINS].exp().clamp(max=_STRONGEST)
        phases = x[:, _BINS:].sin()
        wave = torch.istft(torch.polar(magnitudes, phases), _FFT, _FFT_HOP, window=self._window)
        return wave[0].clamp(-_LOUDEST, _LOUDEST)


class _Conv:
    """A convolution with weight normalisation that keeps the length."""

    def __init__(
        self, tensors: Tensors, name: str, shape: tuple[int | None, ...], dilation: int = 1
    ) -> None:
        self._weight = tensors.normed(name, *shape)
        self._bias = tensors.take(f"{name}.bias", len(self._weight))
        self._dilation = dilation
        self._padding = (self._weight.shape[2] - 1) * dilation // 2
        self.outputs = len(self._weight)

    def __call__(self, x: Tensor) -> Tensor:
        return functional.conv1d(
            x, self._weight, self._bias, padding=self._padding, dilation=self._dilation
        )


class _Snake:
    """An activation that ripples: ``x + sin(a x)² / a`` of each channel."""

    def __init__(self, tensors: Tensors, name: str, channels: int) -> None:
        self._rate = tensors.take(f"{name}.alpha", channels)[:, None]
        self._height = 1.0 / (self._rate + 1e-9)

    def __call__(self, x: Tensor) -> Tensor:
        return torch.addcmul(x, self._height, (x * self._rate).sin_().square_())


class _Block:
    """A residual block: each of three dilations twice, the second time without."""

    def __init__(self, tensors: Tensors, channels: int, kernel: int) -> None:
        shape = (channels, channels, kernel)
        self._parts = [
            (
                _Snake(tensors, f"activations1.{at}", channels),
                _Conv(tensors, f"convs1.{at}", shape, dilation),
                _Snake(tensors, f"activations2.{at}", channels),
                _Conv(tensors, f"convs2.{at}", shape),
            )
            for at, dilation in enumerate(_DILATIONS)
        ]

    def __call__(self, x: Tensor) -> Tensor:
        for first_snake, first, second_snake, second in self._parts:
            x = x + second(second_snake(first(first_snake(x))))
        return x


class _Stage:
    """An upsampling, the source on top, and the mean of three residual blocks."""

    def __init__(self, tensors: Tensors, number: int, inputs: int) -> None:
        name, kernel = f"ups.{number}", _KERNELS[number]
        self._up = tensors.normed(name, inputs, None, kernel)
        self.channels = self._up.shape[1]
        self._up_bias = tensors.take(f"{name}.bias", self.channels)
        self._stride = _STRIDES[number]
        self._padding = (kernel - self._stride) // 2
        name = f"source_downs.{number}"
        kernel, self._source_stride, self._source_padding = _SOURCE_CONVS[number]
        self._down = tensors.take(f"{name}.weight", self.channels, 2 * _BINS, kernel)
        self._down_bias = tensors.take(f"{name}.bias", self.channels)
        self._source_block = _Block(
            tensors.below(f"source_resblocks.{number}"), self.channels, _SOURCE_KERNELS[number]
        )
        count = len(_BLOCK_KERNELS)
        self._blocks = [
            _Block(tensors.below(f"resblocks.{count * number + at}"), self.channels, kernel)
            for at, kernel in enumerate(_BLOCK_KERNELS)
        ]

    def __call__(self, x: Tensor, source: Tensor, *, is_last: bool) -> Tensor:
        x = functional.conv_transpose1d(
            functional.leaky_relu(x, _SLOPE),
            self._up,
            self._up_bias,
            stride=self._stride,
            padding=self._padding,
        )
        if is_last:
            # The source's spectrum has one frame more than there are fours of samples.
            x = functional.pad(x, (1, 0), mode="reflect")
        shaped = functional.conv1d(
            source,
            self._down,
            self._down_bias,
            stride=self._source_stride,
            padding=self._source_padding,
        )
        x = x + self._source_block(shaped)
        total = self._blocks[0](x)
        for block in self._blocks[1:]:
            total += block(x)
        return total / len(self._blocks)

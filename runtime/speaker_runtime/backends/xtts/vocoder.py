"""From latents to samples: XTTS's HiFi-GAN, piece by piece, with the output of one whole pass.

Every convolution keeps the end of what it has seen, so that nothing is computed twice and nothing
is faded over: a piece costs what its latents cost, wherever in the speech it stands. What a
convolution sees of the future comes with the next piece, so samples come a few latents late.

What is kept is copied: a part of a tensor would keep the whole of it in memory.

Activations have the shape ``(1, channels, 1, positions)`` with channels last in memory.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor
from torch.nn import functional

from speaker_runtime.backends.xtts.interpolation import Interpolation

if TYPE_CHECKING:
    from TTS.tts.layers.xtts.hifigan_decoder import HifiDecoder
    from TTS.vocoder.models.hifigan_generator import HifiganGenerator
    from torch.nn import Conv1d, ConvTranspose1d

_SLOPE: Final = 0.1
_LAST_SLOPE: Final = 0.01


@dataclass(frozen=True)
class Voice:
    """What a speaker adds to the activations: to the first, and behind each upsampling."""

    first: Tensor
    behind: tuple[Tensor, ...]


class Vocoder:
    """The network; :meth:`begin` starts a stream of it.

    Args:
        decoder: As coqui-tts loads it, in float32.
    """

    def __init__(self, decoder: "HifiDecoder") -> None:
        net = decoder.waveform_decoder
        self._net = net
        self.scales = (
            decoder.ar_mel_length_compression / decoder.output_hop_length,
            decoder.output_sample_rate / decoder.input_sample_rate,
        )
        self.first = _Kernel.of(net.conv_pre)
        self.last = _Kernel.of(net.conv_post)
        count = net.num_kernels
        self.stages = tuple(
            (
                _Upsampling.of(up),
                tuple(_pairs_of(block) for block in net.resblocks[at * count : (at + 1) * count]),
            )
            for at, up in enumerate(net.ups)
        )

    def voice(self, embedding: Tensor) -> Voice:
        """What a speaker adds.

        Args:
            embedding: Of the speaker, shape ``(512,)``.
        """
        g = embedding[None, :, None]
        layers = [self._net.cond_layer, *self._net.conds]
        first, *behind = (layer(g)[:, :, None] for layer in layers)
        return Voice(first, tuple(behind))

    def begin(self, voice: Voice, pace: float = 1.0) -> "Stream":
        """A stream of latents to be heard.

        Args:
            voice: Whose.
            pace: How much faster than the model speaks; made by stretching the latents.
        """
        return Stream(self, voice, pace)


class Stream:
    """One utterance on its way through the network."""

    def __init__(self, vocoder: Vocoder, voice: Voice, pace: float) -> None:
        scales = vocoder.scales if pace == 1.0 else (1.0 / pace, *vocoder.scales)
        self._interpolations = [Interpolation(scale) for scale in scales]
        self._voice = voice
        self._first = _Convolution(vocoder.first)
        self._stages = [_Stage(*stage) for stage in vocoder.stages]
        self._last = _Convolution(vocoder.last)

    def push(self, latents: Tensor, *, last: bool) -> Tensor:
        """The samples that can be known now.

        Args:
            latents: The next ones, float32, shape ``(positions, channels)``.
            last: Whether there are no more.

        Returns:
            Samples, float32, shape ``(n,)``.
        """
        for interpolation in self._interpolations:
            latents = interpolation.push(latents, last=last)
        x = latents.t()[None, :, None]
        x = self._first.push(x, last=last) + self._voice.first
        for stage, added in zip(self._stages, self._voice.behind, strict=True):
            x = stage.push(x, added, last=last)
        x = self._last.push(functional.leaky_relu(x, _LAST_SLOPE), last=last)
        return torch.tanh(x).reshape(-1)


@dataclass(frozen=True)
class _Kernel:
    """A convolution that keeps the length."""

    weight: Tensor
    bias: Tensor | None
    dilation: int
    radius: int

    @classmethod
    def of(cls, layer: "Conv1d") -> "_Kernel":
        (dilation,) = layer.dilation
        (size,) = layer.kernel_size
        return cls(
            _channels_last(layer.weight),
            None if layer.bias is None else layer.bias.detach(),
            dilation,
            (size - 1) * dilation // 2,
        )

    def __call__(self, x: Tensor) -> Tensor:
        return functional.conv2d(x, self.weight, self.bias, dilation=(1, self.dilation))


@dataclass(frozen=True)
class _Upsampling:
    """A transposed convolution whose every output comes of two inputs."""

    weight: Tensor
    bias: Tensor | None
    factor: int

    @classmethod
    def of(cls, layer: "ConvTranspose1d") -> "_Upsampling":
        (factor,) = layer.stride
        if layer.kernel_size != (2 * factor,) or layer.padding != (factor // 2,):
            raise ValueError(f"no kernel of HiFi-GAN: {layer}")
        bias = None if layer.bias is None else layer.bias.detach()
        return cls(_channels_last(layer.weight), bias, factor)

    def __call__(self, x: Tensor) -> Tensor:
        return functional.conv_transpose2d(x, self.weight, self.bias, stride=(1, self.factor))


_Pairs = tuple[tuple[_Kernel, _Kernel], ...]


class _Convolution:
    """A convolution of a stream; it is as late as its kernel reaches ahead."""

    def __init__(self, kernel: _Kernel) -> None:
        self._kernel = kernel
        self._kept: Tensor | None = None

    def push(self, x: Tensor, *, last: bool) -> Tensor:
        radius = self._kernel.radius
        before = _silence(x, radius) if self._kept is None else self._kept
        x = torch.cat([before, x, _silence(x, radius)] if last else [before, x], dim=3)
        if x.shape[3] <= 2 * radius:
            self._kept = x
            return _silence(x, 0, channels=self._kernel.weight.shape[0])
        self._kept = x[..., x.shape[3] - 2 * radius :].clone()
        return self._kernel(x)


class _Block:
    """A residual block of a stream."""

    def __init__(self, pairs: _Pairs) -> None:
        self._pairs = [(_Convolution(a), _Convolution(b), _Line()) for a, b in pairs]

    def push(self, x: Tensor, *, last: bool) -> Tensor:
        for first, second, line in self._pairs:
            line.put(x)
            y = first.push(functional.leaky_relu(x, _SLOPE), last=last)
            y = second.push(functional.leaky_relu_(y, _SLOPE), last=last)
            x = y.add_(line.take(y.shape[3]))
        return x


class _Stage:
    """An upsampling of a stream, and the mean of the blocks behind it."""

    def __init__(self, upsampling: _Upsampling, blocks: Sequence[_Pairs]) -> None:
        self._upsampling = upsampling
        self._kept: Tensor | None = None
        self._blocks = [(_Block(pairs), _Line()) for pairs in blocks]

    def push(self, x: Tensor, added: Tensor, *, last: bool) -> Tensor:
        x = self._up(functional.leaky_relu(x, _SLOPE), last=last) + added
        for block, line in self._blocks:
            line.put(block.push(x, last=last))
        ready = min(line.length for _, line in self._blocks)
        first, *others = (line.take(ready) for _, line in self._blocks)
        total = first
        for other in others:
            total = total + other
        return total / len(self._blocks)

    def _up(self, x: Tensor, *, last: bool) -> Tensor:
        """Outputs whose two inputs are there; half a factor is cut off at either end."""
        factor = self._upsampling.factor
        kept = self._kept
        if x.shape[3] == 0 and not (last and kept is not None):
            return _silence(x, 0, channels=self._upsampling.weight.shape[1])
        y = self._upsampling(x if kept is None else torch.cat([kept, x], dim=3))
        begin = factor // 2 if kept is None else factor
        end = y.shape[3] - (factor // 2 if last else factor)
        self._kept = x[..., -1:].clone() if x.shape[3] else kept
        return y[..., begin:end]


class _Line:
    """Activations that wait for others."""

    def __init__(self) -> None:
        self._kept: Tensor | None = None

    @property
    def length(self) -> int:
        return 0 if self._kept is None else self._kept.shape[3]

    def put(self, x: Tensor) -> None:
        self._kept = x if not self.length else torch.cat([self._kept, x], dim=3)

    def take(self, count: int) -> Tensor:
        taken, self._kept = self._kept[..., :count], self._kept[..., count:].clone()
        return taken


def _pairs_of(block: torch.nn.Module) -> _Pairs:
    return tuple(
        (_Kernel.of(a), _Kernel.of(b)) for a, b in zip(block.convs1, block.convs2, strict=True)
    )


def _channels_last(weight: Tensor) -> Tensor:
    return weight.detach()[:, :, None].contiguous(memory_format=torch.channels_last)


def _silence(like: Tensor, positions: int, channels: int | None = None) -> Tensor:
    shape = (1, channels or like.shape[1], 1, positions)
    return torch.zeros(shape, dtype=like.dtype, device=like.device).contiguous(
        memory_format=torch.channels_last
    )

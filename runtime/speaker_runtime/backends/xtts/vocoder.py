"""From latents to samples: XTTS's HiFi-GAN, piece by piece, with the output of one whole pass.

Every convolution keeps the end of what it has seen, so that nothing is computed twice and nothing
is faded over: a piece costs what its latents cost, wherever in the speech it stands. What a
convolution sees of the future comes with the next piece, so samples come a few latents late.

What is kept is copied: a part of a tensor would keep the whole of it in memory.

Activations have the shape ``(1, channels, 1, positions)`` with channels last in memory.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor
from torch.nn import functional

from speaker_runtime.backends.xtts.fourier import FourierConvolution
from speaker_runtime.backends.xtts.interpolation import Interpolation

if TYPE_CHECKING:
    from torch.nn import Conv1d, ConvTranspose1d
    from TTS.tts.layers.xtts.hifigan_decoder import HifiDecoder
    from TTS.vocoder.models.hifigan_generator import ResBlock1

_SLOPE: Final = 0.1
_LAST_SLOPE: Final = 0.01


@dataclass(frozen=True)
class Voice:
    """What a speaker adds, in the biases: of the first layer, and of each upsampling."""

    first: Tensor
    behind: tuple[Tensor, ...]


class Vocoder:
    """The network; :meth:`begin` starts a stream of it.

    Args:
        decoder: As coqui-tts loads it, in float32.
    """

    def __init__(self, decoder: "HifiDecoder") -> None:
        net = decoder.waveform_decoder
        self._conditions = [net.cond_layer, *net.conds]
        self._biases = [net.conv_pre.bias, *(up.bias for up in net.ups)]
        self.scales = (
            decoder.ar_mel_length_compression / decoder.output_hop_length,
            decoder.output_sample_rate / decoder.input_sample_rate,
        )
        count = net.num_kernels
        blocks = [tuple(_pairs_of(block)) for block in net.resblocks]
        self.first = _Kernel.of(net.conv_pre)
        # The mean of the blocks is left to the weights behind them.
        self.stages = tuple(
            (_Upsampling.of(up, count if at else 1), tuple(blocks[at * count : (at + 1) * count]))
            for at, up in enumerate(net.ups)
        )
        self.last = _Kernel.of(net.conv_post, count)

    def voice(self, embedding: Tensor) -> Voice:
        """What a speaker adds.

        Args:
            embedding: Of the speaker, shape ``(512,)``.
        """
        first, *behind = (
            bias + layer(embedding[None, :, None])[0, :, 0]
            for layer, bias in zip(self._conditions, self._biases, strict=True)
        )
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
        self._first = _Convolution(vocoder.first, voice.first)
        self._stages = [
            _Stage(upsampling, bias, blocks)
            for (upsampling, blocks), bias in zip(vocoder.stages, voice.behind, strict=True)
        ]
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
        x = self._first.push(latents.t()[None, :, None], slope=1.0, last=last)
        for stage in self._stages:
            x = stage.push(x, last=last)
        return torch.tanh(self._last.push(x, slope=_LAST_SLOPE, last=last)).reshape(-1)


@dataclass(frozen=True)
class _Kernel:
    """A convolution that keeps the length.

    Attributes:
        fast: The same, faster where there are positions enough.
    """

    weight: Tensor
    bias: Tensor | None
    dilation: int
    radius: int
    fast: FourierConvolution | None = None

    @classmethod
    def of(cls, layer: "Conv1d", summed: int = 1) -> "_Kernel":
        (dilation,) = layer.dilation
        (size,) = layer.kernel_size
        radius = (size - 1) * dilation // 2
        return cls(_channels_last(layer.weight / summed), layer.bias, dilation, radius)

    @classmethod
    def of_block(cls, layer: "Conv1d") -> "_Kernel":
        """Of a residual block: its layers are wide, and see many positions at once."""
        kernel, weight = cls.of(layer), layer.weight.detach()
        if kernel.bias is None or not FourierConvolution.suits(weight):
            return kernel
        fast = FourierConvolution(weight, kernel.bias.detach(), kernel.dilation)
        return replace(kernel, fast=fast)


@dataclass(frozen=True)
class _Upsampling:
    """A transposed convolution whose every output comes of two inputs."""

    weight: Tensor
    factor: int

    @classmethod
    def of(cls, layer: "ConvTranspose1d", summed: int) -> "_Upsampling":
        (factor,) = layer.stride
        if layer.kernel_size != (2 * factor,) or layer.padding != (factor // 2,):
            raise ValueError(f"no kernel of HiFi-GAN: {layer}")
        return cls(_channels_last(layer.weight / summed), factor)


_Pairs = tuple[tuple[_Kernel, _Kernel], ...]


class _Convolution:
    """A convolution of a stream; it is as late as its kernel reaches ahead."""

    def __init__(self, kernel: _Kernel, bias: Tensor | None = None) -> None:
        self._kernel = kernel
        self._bias = kernel.bias if bias is None else bias
        self._kept: Tensor | None = None

    def push(self, x: Tensor, *, slope: float, last: bool) -> Tensor:
        """What is known of the convolution of the leaky ReLU of ``x``."""
        radius, kernel = self._kernel.radius, self._kernel
        before = _empty(x, radius).zero_() if self._kept is None else self._kept
        begin, end = before.shape[3], before.shape[3] + x.shape[3]
        whole = _empty(x, end + (radius if last else 0))
        whole[..., :begin] = before
        _leaky(x, slope, whole[..., begin:end])
        whole[..., end:] = 0
        if whole.shape[3] <= 2 * radius:
            self._kept = whole
            return _empty(x, 0, channels=kernel.weight.shape[0])
        self._kept = whole[..., whole.shape[3] - 2 * radius :].clone()
        if kernel.fast is not None and kernel.fast.pays(whole.shape[3]):
            return kernel.fast(whole[0, :, 0].t()).t()[None, :, None]
        return functional.conv2d(whole, kernel.weight, self._bias, dilation=(1, kernel.dilation))


class _Block:
    """A residual block of a stream."""

    def __init__(self, pairs: _Pairs) -> None:
        self._pairs = [(_Convolution(a), _Convolution(b), _Line()) for a, b in pairs]

    def push(self, x: Tensor, *, last: bool) -> Tensor:
        for first, second, line in self._pairs:
            y = first.push(x, slope=_SLOPE, last=last)
            y = second.push(y, slope=_SLOPE, last=last)
            line.put(x)
            x = line.add_to(y)
        return x


class _Stage:
    """An upsampling of a stream, and the sum of the blocks behind it."""

    def __init__(self, upsampling: _Upsampling, bias: Tensor, blocks: Sequence[_Pairs]) -> None:
        self._upsampling = upsampling
        self._bias = bias
        self._kept: Tensor | None = None
        self._blocks = [(_Block(pairs), _Line()) for pairs in blocks]

    def push(self, x: Tensor, *, last: bool) -> Tensor:
        x = self._up(x, last=last)
        for block, line in self._blocks:
            line.put(block.push(x, last=last))
        lines = [line for _, line in self._blocks]
        slowest = min(lines, key=lambda line: line.length)
        total = slowest.take(slowest.length)
        for line in lines:
            if line is not slowest:
                total = line.add_to(total)
        return total

    def _up(self, x: Tensor, *, last: bool) -> Tensor:
        """Outputs whose two inputs are there; half a factor is cut off at either end."""
        weight, factor, kept = self._upsampling.weight, self._upsampling.factor, self._kept
        begin = 0 if kept is None else 1
        whole = _empty(x, begin + x.shape[3])
        if kept is not None:
            whole[..., :1] = kept
        _leaky(x, _SLOPE, whole[..., begin:])
        if whole.shape[3] == 0 or (whole.shape[3] == begin and not last):
            return _empty(x, 0, channels=weight.shape[1])
        self._kept = whole[..., -1:].clone()
        y = functional.conv_transpose2d(whole, weight, self._bias, stride=(1, factor))
        end = y.shape[3] - (factor // 2 if last else factor)
        return y[..., factor if begin else factor // 2 : end]


class _Line:
    """Activations that wait for those that are later."""

    def __init__(self) -> None:
        self._parts: list[Tensor] = []

    @property
    def length(self) -> int:
        return sum(part.shape[3] for part in self._parts)

    def put(self, x: Tensor) -> None:
        """Wait; ``x`` may be changed once it was taken."""
        self._parts.append(x)

    def take(self, count: int) -> Tensor:
        """The first ``count`` positions."""
        whole = self._parts[0] if len(self._parts) == 1 else torch.cat(self._parts, dim=3)
        self._parts = [whole[..., count:].clone()]
        return whole[..., :count]

    def add_to(self, y: Tensor) -> Tensor:
        """Add as many positions to ``y``, in place."""
        done, left = 0, y.shape[3]
        rest: list[Tensor] = []
        for part in self._parts:
            count = min(left, part.shape[3])
            y[..., done : done + count] += part[..., :count]
            done, left = done + count, left - count
            if count < part.shape[3]:
                rest.append(part[..., count:].clone())
        self._parts = rest
        return y


def _pairs_of(block: "ResBlock1") -> Iterator[tuple[_Kernel, _Kernel]]:
    for first, second in zip(block.convs1, block.convs2, strict=True):
        yield _Kernel.of_block(first), _Kernel.of_block(second)


def _leaky(x: Tensor, slope: float, out: Tensor) -> None:
    """Write the leaky ReLU of ``x``; of slope 1, ``x`` itself."""
    torch.ops.aten.leaky_relu.out(x, slope, out=out)


def _channels_last(weight: Tensor) -> Tensor:
    return weight.detach()[:, :, None].contiguous(memory_format=torch.channels_last)


def _empty(like: Tensor, positions: int, channels: int | None = None) -> Tensor:
    shape = (1, channels or like.shape[1], 1, positions)
    return torch.empty(
        shape, dtype=like.dtype, device=like.device, memory_format=torch.channels_last
    )

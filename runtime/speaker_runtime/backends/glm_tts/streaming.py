"""Speech that is heard before all of its codes are there: what a frame may see, what is sent when.

After each chunk of codes everything so far is made anew, under a mask that lets the frames of a
chunk see little beyond it and with the steps of the run before; its waveform is sent but for an
end that the next one fades into (:class:`Overlap`).
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

CHUNKS: Final = (25, 50, 200)
"""New codes of the first chunks; all later ones are like the last."""
LOOK_AHEAD: Final = (12, 25, 100)
"""Codes at the end of each chunk whose sound is not sent yet; later chunks are like the last."""
_CODES_PER_SECOND: Final = 25
_FADE: Final = 0.1
"""Seconds."""
_OLD_CODES: Final = 12.5
_OLD_FRAMES: Final = 22050 / 256
"""Rates of an older model, by which the published one still measures its blocks."""
_NARROW: Final = 172
"""Frames of the widest block that looks half of itself ahead; wider ones look two thirds."""


def reach(blocks: Sequence[int], frames: int) -> Tensor:
    """How many of the first frames each frame may look at.

    Args:
        blocks: Codes of each block of frames; the last is repeated.
        frames: How many there are.

    Returns:
        Int64, shape ``(frames,)``, none greater than ``frames``.
    """
    sizes = [size for size in map(_block_frames, blocks) if size]
    if not sizes:
        raise ValueError("at least one block has to have a frame")
    reached: list[Tensor] = []
    begin = 0
    for size in itertools.chain(sizes, itertools.repeat(sizes[-1])):
        if begin >= frames:
            break
        end = begin + size
        ahead = size // 2 if size <= _NARROW else math.floor(size / 1.5)
        left = end - 1 - torch.arange(begin, min(end, frames))
        reached.append(end + (ahead - left).clamp(min=0))
        begin = end
    return torch.cat(reached)[:frames].clamp(max=frames) if reached else torch.zeros(0).long()


def blocks_of(prompt: int, *, literal: bool = False) -> tuple[int, ...]:
    """The blocks of a request.

    Args:
        prompt: Codes of the prompt, which are a block.
        literal: As the published code has it, which takes the prompt for one code.
    """
    return (1 if literal else prompt, *CHUNKS)


def chunk_codes(number: int) -> int:
    """New codes of a chunk, counted from 0."""
    return CHUNKS[min(number, len(CHUNKS) - 1)]


@dataclass
class Overlap:
    """What is sent of a waveform that is made anew, and longer, after each chunk.

    Attributes:
        rate: Samples in a second.
        hop: Samples of a frame.
        prompt_frames: Mel frames of the prompt.
        literal: Whether the prompt counts one frame where the next run is to keep to this one, as
            the published code has it.
        chunk: Number of the next one.
        sent: Samples that were sent.
        tail: Samples that the next chunk fades in over, float32, shape ``(samples,)``.
        kept_frames: How many frames of the next run are to be those of the last one.
    """

    rate: int
    hop: int
    prompt_frames: int
    literal: bool = False
    chunk: int = 0
    sent: int = 0
    tail: Tensor | None = None
    kept_frames: int = 0

    def push(self, wave: Tensor, *, last: bool) -> Tensor:
        """What can be heard of it.

        Args:
            wave: All samples of the new speech so far, float32, shape ``(samples,)``.
            last: Whether it is complete.

        Returns:
            Samples that come behind all that were sent.
        """
        new = wave[self.sent :]
        if self.tail is not None:
            new = _faded(self.tail, new)
        if last:
            self.sent += len(new)
            return new
        look = LOOK_AHEAD[min(self.chunk, len(LOOK_AHEAD) - 1)] / _CODES_PER_SECOND
        over, back = math.floor(self.rate * (look + _FADE)), math.floor(self.rate * look)
        end = max(0, len(new) - over)
        self.tail = new[end : max(0, len(new) - back)].clone()
        prompt = 1 if self.literal else self.prompt_frames
        heard = len(wave) / self.rate - look
        self.kept_frames = max(0, prompt + math.floor(heard * self.rate / self.hop) + 1)
        self.sent += end
        self.chunk += 1
        return new[:end]


def _block_frames(codes: int) -> int:
    return math.floor(codes / _OLD_CODES * _OLD_FRAMES)


def _faded(before: Tensor, after: Tensor) -> Tensor:
    """``after``, its beginning faded in while ``before`` fades out."""
    count = min(len(before), len(after))
    falling = torch.linspace(1, 0, count, dtype=after.dtype, device=after.device)
    rising = torch.linspace(0, 1, count, dtype=after.dtype, device=after.device)
    faded = before[:count] * falling + after[:count] * rising
    return torch.cat([faded, after[count:]])

"""What the flow stage is asked for, and what becomes of it; requests of a batch side by side."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from speaker_runtime.backends.glm_tts.dit import MELS, Modulation


@dataclass(frozen=True)
class FlowConfig:
    """What the file of the configuration says; the defaults are those of the published model.

    Attributes:
        input_frame_rate: Codes in a second.
        mel_framerate: Mel frames in a second.
        speaker_modulates: Whether the speaker is told to every layer.
        speaker_is_condition: Whether the speaker is told beside the mel.
        codes_are_guided: Whether the codes, too, are left out where the voice is.
    """

    input_frame_rate: float = 25
    mel_framerate: float = 50
    speaker_modulates: bool = True
    speaker_is_condition: bool = False
    codes_are_guided: bool = False

    def frames(self, codes: int) -> int:
        """How many mel frames so many codes have; of some numbers one less than twice as many."""
        return math.floor(codes / self.input_frame_rate * self.mel_framerate)


@dataclass(frozen=True)
class FlowVoice:
    """What the flow knows of a speaker; made once for all requests.

    Attributes:
        modulation: Of every layer at the ten times.
        affine: What is told beside the mel, shape ``(channels,)``; empty where nothing is.
    """

    modulation: Modulation
    affine: Tensor

    @property
    def nbytes(self) -> int:
        """Of memory."""
        return self.modulation.nbytes + self.affine.nbytes


@dataclass(frozen=True)
class FlowRequest:
    """One piece of speech.

    Attributes:
        codes: The prompt's and then the new ones, int64, shape ``(codes,)``.
        prompt_mel: Log-mel of the prompt, float32, shape ``(prompt frames, 80)``.
        voice: Whose.
        noise: What it begins with, standard normal, float32, shape ``(frames, 80)``, of
            :meth:`FlowConfig.frames` frames.
        reach: How many of the first frames each frame may look at
            (:func:`~speaker_runtime.backends.glm_tts.streaming.reach`), int64, shape ``(frames,)``;
            None for all.
        before: What an earlier, shorter run went through (:attr:`Flowed.steps`), as far as this one
            is to keep to it: shape ``(steps, kept frames, 80)``.
    """

    codes: Tensor
    prompt_mel: Tensor
    voice: FlowVoice
    noise: Tensor
    reach: Tensor | None = None
    before: Tensor | None = None


@dataclass(frozen=True)
class Flowed:
    """What became of a request.

    Attributes:
        mel: Of the new speech alone, log-mel, float32, shape ``(80, frames - prompt frames)``.
        steps: Where it was at the beginning of each step, shape ``(steps, frames, 80)``; empty
            unless asked for.
    """

    mel: Tensor
    steps: Tensor


def condition(request: FlowRequest, frames: int) -> Tensor:
    """The end of the prompt's mel, and silence where the new speech is to come."""
    count = min(len(request.prompt_mel), frames)
    made = request.noise.new_zeros(frames, MELS + len(request.voice.affine))
    made[:count, :MELS] = request.prompt_mel[len(request.prompt_mel) - count :]
    made[:, MELS:] = request.voice.affine
    return made


def reach_of(request: FlowRequest) -> Tensor:
    """How many of the first frames each of a request's may look at."""
    if request.reach is not None:
        return request.reach
    frames = len(request.noise)
    return torch.full((frames,), frames, device=request.noise.device)


def overwritten(x: Tensor, requests: Sequence[FlowRequest], step: int) -> Tensor:
    """Let every request that has been through this step before begin it as it did then."""
    if all(each.before is None for each in requests):
        return x
    x = x.clone()
    for row, each in enumerate(requests):
        if each.before is not None:
            count = min(each.before.shape[1], len(each.noise))
            x[row, :count] = each.before[step, :count]
    return x


def padded(parts: Sequence[Tensor], length: int, filling: int = 0) -> Tensor:
    """One row for each, filled up behind its end."""
    made = parts[0].new_full((len(parts), length, *parts[0].shape[1:]), filling)
    for row, part in enumerate(parts):
        made[row, : len(part)] = part
    return made

"""The flow stage: speech codes into mel frames, in ten steps from noise.

Each step asks the network twice, with and without the voice, in one batch, and goes a little beyond
what it says with it. Codes are features, and voices are modulations, before the first step.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from speaker_runtime.backends.glm_tts.code_features import stretched
from speaker_runtime.backends.glm_tts.dit import MELS, SPEAKER, Dit, Modulation
from speaker_runtime.backends.glm_tts.tensors import Tensors

STEPS: Final = 10
_GUIDANCE: Final = 0.7
"""By how much more than once the voice is followed."""
_LEAST: Final = 1e-12


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


class Flow:
    """The stage.

    Args:
        tensors: All of the flow's file.
        config: What goes with them.

    Raises:
        ModelError: They do not fit each other.
    """

    def __init__(self, tensors: Tensors, config: FlowConfig) -> None:
        self.config = config
        self._affine: tuple[Tensor, Tensor] | None = None
        extra = 0
        if config.speaker_is_condition:
            self._affine = tensors.pair("spk_embed_affine_layer", None, SPEAKER)
            extra = len(self._affine[0])
        self.network = Dit(tensors.below("estimator"), MELS + extra)
        if bool(self.network.speaker) is not config.speaker_modulates:
            told = f"spkr_emb_adaLN is {str(config.speaker_modulates).lower()}"
            raise tensors.damaged(
                f"its layers take {self.network.speaker} numbers of a speaker, but {told}"
            )
        self._times, self._lengths = _schedule(self.network.device)
        self._nobody = self._modulation(torch.zeros(SPEAKER, device=self.network.device))

    @property
    def codes(self) -> int:
        """How many codes it knows, from 0."""
        return self.network.codes.size

    def voice(self, speaker: Tensor) -> FlowVoice:
        """What the ten steps need to know of a speaker.

        Args:
            speaker: The speaker encoder's vector, float32, shape ``(192,)``, of any length.
        """
        unit = speaker / speaker.norm().clamp(min=_LEAST)
        affine = unit.new_zeros(0)
        if self._affine is not None:
            affine = functional.linear(unit, *self._affine)
        return FlowVoice(self._modulation(unit), affine)

    def __call__(self, requests: Sequence[FlowRequest], *, keep: bool = False) -> list[Flowed]:
        """Make the mel of some requests, all together.

        Args:
            requests: At least one.
            keep: Whether :attr:`Flowed.steps` are wanted.
        """
        lengths = [len(each.noise) for each in requests]
        frames = max(lengths)
        noise = _padded([each.noise for each in requests], frames)
        condition, features, real = self._given(requests, lengths)
        reach = None
        if any(each.reach is not None for each in requests):
            every = [_reach_of(each) for each in requests]
            reach = torch.cat([_padded(every, frames, filling=frames)] * 2)
        both = real if real is None else torch.cat([real] * 2)
        rows = self.network.rows(condition, features, both, reach)
        voices = [each.voice.modulation for each in requests]
        everybody = [*voices, *[self._nobody] * len(requests)]
        x, kept = noise, []
        for step in range(STEPS):
            x = _overwritten(x, requests, step)
            if keep:
                kept.append(x)
            blocks = torch.stack([each.blocks[step] for each in everybody])
            last = torch.stack([each.last[step] for each in everybody])
            with_voice, without = self.network.velocity(
                torch.cat([x, x]), rows, blocks, last
            ).chunk(2)
            speed = (1.0 + _GUIDANCE) * with_voice - _GUIDANCE * without
            x = x + self._lengths[step] * speed
        steps = torch.stack(kept, dim=1) if kept else x.new_zeros(len(requests), 0, frames, MELS)
        return [
            Flowed(
                x[row, len(each.prompt_mel) : length].t(),
                steps[row, :, :length],
            )
            for row, (each, length) in enumerate(zip(requests, lengths, strict=True))
        ]

    def _modulation(self, speaker: Tensor) -> Modulation:
        return self.network.modulation(self._times, speaker)

    def _given(
        self, requests: Sequence[FlowRequest], lengths: Sequence[int]
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Condition and code features of the rows with the voice, then of those without it."""
        frames = max(lengths)
        rates = [
            stretched(each.codes, length) for each, length in zip(requests, lengths, strict=True)
        ]
        codes = _padded(rates, frames)
        real = None
        if min(lengths) < frames:
            ends = torch.tensor(lengths, device=codes.device)
            real = torch.arange(frames, device=codes.device) < ends[:, None]
        features = self.network.codes(codes, real)
        others = features
        if self.config.codes_are_guided:
            others = self.network.codes(torch.zeros_like(codes), real)
        told = [_condition(each, length) for each, length in zip(requests, lengths, strict=True)]
        condition = _padded(told, frames)
        return (
            torch.cat([condition, torch.zeros_like(condition)]),
            torch.cat([features, others]),
            real,
        )


def _schedule(device: torch.device) -> tuple[Tensor, list[float]]:
    """At which times the network is asked, and how far each step goes.

    The times are added up in float32, step by step, and are not quite those of the cosine.
    """
    cosine = 1.0 - torch.cos(torch.linspace(0, 1, STEPS + 1) * 0.5 * math.pi)
    now, length = cosine[0], cosine[1] - cosine[0]
    times, lengths = [], []
    for step in range(1, STEPS + 1):
        times.append(now)
        lengths.append(float(length))
        now = now + length
        if step < STEPS:
            length = cosine[step + 1] - now
    return torch.stack(times).to(device), lengths


def _condition(request: FlowRequest, frames: int) -> Tensor:
    """The end of the prompt's mel, and silence where the new speech is to come."""
    count = min(len(request.prompt_mel), frames)
    made = request.noise.new_zeros(frames, MELS + len(request.voice.affine))
    made[:count, :MELS] = request.prompt_mel[len(request.prompt_mel) - count :]
    made[:, MELS:] = request.voice.affine
    return made


def _reach_of(request: FlowRequest) -> Tensor:
    if request.reach is not None:
        return request.reach
    frames = len(request.noise)
    return torch.full((frames,), frames, device=request.noise.device)


def _overwritten(x: Tensor, requests: Sequence[FlowRequest], step: int) -> Tensor:
    """Let every request that has been through this step before begin it as it did then."""
    if all(each.before is None for each in requests):
        return x
    x = x.clone()
    for row, each in enumerate(requests):
        if each.before is not None:
            count = min(each.before.shape[1], len(each.noise))
            x[row, :count] = each.before[step, :count]
    return x


def _padded(parts: Sequence[Tensor], length: int, filling: int = 0) -> Tensor:
    """One row for each, filled up behind its end."""
    made = parts[0].new_full((len(parts), length, *parts[0].shape[1:]), filling)
    for row, part in enumerate(parts):
        made[row, : len(part)] = part
    return made

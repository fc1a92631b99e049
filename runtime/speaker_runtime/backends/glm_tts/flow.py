"""The flow stage: speech codes into mel frames, in ten steps from noise.

Each step asks the network twice, with and without the voice, in one batch, and goes a little beyond
what it says with it. Codes are features, and voices are modulations, before the first step.
"""

import math
from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from speaker_runtime.backends.glm_tts.code_features import stretched
from speaker_runtime.backends.glm_tts.dit import MELS, SPEAKER, Dit, Modulation, Rows
from speaker_runtime.backends.glm_tts.flow_requests import (
    FlowConfig,
    Flowed,
    FlowRequest,
    FlowVoice,
    condition,
    overwritten,
    padded,
    reach_of,
)
from speaker_runtime.backends.glm_tts.tensors import Tensors

STEPS: Final = 10
_GUIDANCE: Final = 0.7
"""By how much more than once the voice is followed."""
_LEAST: Final = 1e-12


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
        run = self.begin(requests, keep=keep)
        while not run.over:
            run.advance()
        return run.flowed()

    def begin(self, requests: Sequence[FlowRequest], *, keep: bool = False) -> "FlowRun":
        """The same, to be advanced step by step."""
        lengths = [len(each.noise) for each in requests]
        frames = max(lengths)
        given, features, real = self._given(requests, lengths)
        reach = None
        if any(each.reach is not None for each in requests):
            every = [reach_of(each) for each in requests]
            reach = torch.cat([padded(every, frames, filling=frames)] * 2)
        both = real if real is None else torch.cat([real] * 2)
        rows = self.network.rows(given, features, both, reach)
        voices = [each.voice.modulation for each in requests]
        return FlowRun(self, requests, rows, [*voices, *[self._nobody] * len(requests)], keep=keep)

    def moved(self, x: Tensor, step: int, rows: Rows, voices: Sequence[Modulation]) -> Tensor:
        """Where ``x`` is after a step.

        Args:
            x: At its beginning, float32, shape ``(requests, frames, 80)``.
            step: Which one, from 0.
            rows: Of the requests with their voices, then without.
            voices: Of as many rows.
        """
        blocks = torch.stack([each.blocks[step] for each in voices])
        last = torch.stack([each.last[step] for each in voices])
        both = self.network.velocity(torch.cat([x, x]), rows, blocks, last)
        with_voice, without = both.chunk(2)
        speed = (1.0 + _GUIDANCE) * with_voice - _GUIDANCE * without
        return x + self._lengths[step] * speed

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
        codes = padded(rates, frames)
        real = None
        if min(lengths) < frames:
            ends = torch.tensor(lengths, device=codes.device)
            real = torch.arange(frames, device=codes.device) < ends[:, None]
        features = self.network.codes(codes, real)
        others = features
        if self.config.codes_are_guided:
            others = self.network.codes(torch.zeros_like(codes), real)
        told = [condition(each, length) for each, length in zip(requests, lengths, strict=True)]
        given = padded(told, frames)
        return (
            torch.cat([given, torch.zeros_like(given)]),
            torch.cat([features, others]),
            real,
        )


class FlowRun:
    """Some requests on their way from noise to mel, a step at a time.

    Args:
        flow: The stage.
        requests: At least one.
        rows: Of the requests with their voices, then without.
        voices: Of as many rows.
        keep: Whether :attr:`Flowed.steps` are wanted.
    """

    def __init__(
        self,
        flow: Flow,
        requests: Sequence[FlowRequest],
        rows: Rows,
        voices: Sequence[Modulation],
        *,
        keep: bool,
    ) -> None:
        self._flow = flow
        self._requests = requests
        self._rows = rows
        self._voices = voices
        self._kept: list[Tensor] | None = [] if keep else None
        self._x = padded([each.noise for each in requests], rows.given.shape[1])
        self._step = 0

    @property
    def over(self) -> bool:
        """Whether all steps are done."""
        return self._step == STEPS

    def advance(self) -> None:
        """Do the next step."""
        x = overwritten(self._x, self._requests, self._step)
        if self._kept is not None:
            self._kept.append(x)
        self._x = self._flow.moved(x, self._step, self._rows, self._voices)
        self._step += 1

    def flowed(self) -> list[Flowed]:
        """What became of each request, once all is over."""
        x = self._x
        steps = (
            torch.stack(self._kept, dim=1) if self._kept else x.new_zeros(len(x), 0, *x.shape[1:])
        )
        return [
            Flowed(x[row, len(each.prompt_mel) : length].t(), steps[row, :, :length])
            for row, each in enumerate(self._requests)
            for length in (len(each.noise),)
        ]


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

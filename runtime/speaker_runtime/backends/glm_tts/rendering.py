"""Codes of finished pieces into samples: flow and vocoder, a step of the flow at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from speaker_runtime.backends.glm_tts.flow import Flow, FlowRun
from speaker_runtime.backends.glm_tts.flow_requests import FlowRequest, FlowVoice
from speaker_runtime.backends.glm_tts.hift import HARMONICS, HOP, Hift
from speaker_runtime.backends.glm_tts.sampling import noise
from speaker_runtime.voices.states import VoiceStates

_FLOW_NOISE: Final = 1
_SOURCE_NOISE: Final = 2
"""Stages that noise is drawn for."""
_VOICES_BYTES: Final = 64 * 2**20
"""Of what the flow knows of voices, some 3 MiB each."""


@dataclass(frozen=True)
class Voice:
    """What a voice is to the model.

    Attributes:
        name: That no other voice has.
        transcript: Tokens of what is said in its recording.
        codes: Of the recording, int64, shape ``(codes,)``.
        mel: Of the recording, log-mel, float32, shape ``(frames, 80)``.
        speaker: The speaker encoder's vector, float32, shape ``(192,)``.
    """

    name: str
    transcript: tuple[int, ...]
    codes: Tensor
    mel: Tensor
    speaker: Tensor


@dataclass(frozen=True, eq=False)
class Piece:
    """Codes that are to be heard.

    Attributes:
        number: Later ones have greater ones.
        voice: Whose.
        codes: Of the new speech.
        seed: Of the noise that it is made of.
    """

    number: int
    voice: Voice
    codes: tuple[int, ...]
    seed: int


class Renderer:
    """Flow and vocoder, busy with some pieces at a time.

    Args:
        flow: The flow stage.
        hift: The vocoder.
        most: How many pieces go through the flow together. More than one changes a piece's samples
            by rounding, with its company.
    """

    def __init__(self, flow: Flow, hift: Hift, most: int = 1) -> None:
        self._flow = flow
        self._hift = hift
        self._most = most
        self._voices: VoiceStates[FlowVoice] = VoiceStates(_VOICES_BYTES, lambda kept: kept.nbytes)
        self._run: FlowRun | None = None
        self._pieces: tuple[Piece, ...] = ()

    @property
    def voice_bytes(self) -> int:
        """Memory of the voices that were rendered lately."""
        return self._voices.bytes

    def advance(self, waiting: Sequence[Piece]) -> list[tuple[Piece, Tensor]]:
        """Do a step, for the first of those that wait unless some are under way.

        Args:
            waiting: All pieces that are to be heard, those under way among them, the longest
                waiting first; work on pieces that nobody waits for any more is given up.

        Returns:
            Pieces that are finished, each with its samples, float32 at 24 kHz, on the CPU.
        """
        if not any(piece in waiting for piece in self._pieces):
            self._run, self._pieces = None, tuple(waiting[: self._most])
        if not self._pieces:
            return []
        if self._run is None:
            self._run = self._flow.begin([self._request(piece) for piece in self._pieces])
        self._run.advance()
        if not self._run.over:
            return []
        mels = [flowed.mel for flowed in self._run.flowed()]
        finished = [
            (piece, self._heard(piece, mel))
            for piece, mel in zip(self._pieces, mels, strict=True)
            if piece in waiting
        ]
        self._run, self._pieces = None, ()
        return finished

    def _request(self, piece: Piece) -> FlowRequest:
        voice, device = piece.voice, self._flow.network.device
        new = torch.tensor(piece.codes, dtype=torch.int64, device=device)
        codes = torch.cat([voice.codes, new])
        frames = self._flow.config.frames(len(codes))
        return FlowRequest(
            codes,
            voice.mel,
            self._voices.get(voice.name, lambda: self._flow.voice(voice.speaker)),
            noise(piece.seed, _FLOW_NOISE, frames, voice.mel.shape[1]).to(device),
        )

    def _heard(self, piece: Piece, mel: Tensor) -> Tensor:
        if not mel.shape[1]:
            return mel.new_zeros(0).cpu()
        breath = noise(piece.seed, _SOURCE_NOISE, HOP * mel.shape[1], HARMONICS).to(mel.device)
        return self._hift(mel, breath).cpu()

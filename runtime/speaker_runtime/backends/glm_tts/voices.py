"""Recordings into voices: what the language model and the flow have to know of a speaker.

A voice is kept as arrays, so that it is heard once and spoken with anywhere.
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor

from speaker_runtime.backends.glm_tts.errors import require_reference
from speaker_runtime.backends.glm_tts.features import MEL_SETTINGS, prompt_mel
from speaker_runtime.backends.glm_tts.rendering import Voice
from speaker_runtime.backends.glm_tts.speaker import SpeakerEncoder
from speaker_runtime.backends.glm_tts.speech_tokenizer import SpeechTokenizer
from speaker_runtime.backends.protocol import ClonedVoice, Reference

TRANSCRIPT: Final = "transcript"
CODES: Final = "codes"
MEL: Final = "mel"
SPEAKER: Final = "speaker"
"""Names of a voice's arrays."""


class Listener:
    """Makes voices of recordings.

    Args:
        speech: Hears codes.
        speaker: Hears who speaks.
        transcript: Turns what is said in a recording into tokens.
        rate: Hertz of the recordings, and of the vocoder that the voices are for.
    """

    def __init__(
        self,
        speech: SpeechTokenizer,
        speaker: SpeakerEncoder,
        transcript: Callable[[str], Sequence[int]],
        rate: int,
    ) -> None:
        self._speech = speech
        self._speaker = speaker
        self._transcript = transcript
        self._settings = MEL_SETTINGS[rate]
        self.rate = rate

    def __call__(self, reference: Reference) -> ClonedVoice:
        """The voice of a recording, as arrays.

        Raises:
            UnfitReferenceError: It is too short or too long, or nobody told what is said in it.
        """
        samples = np.concatenate([np.asarray(each, np.float32) for each in reference.clips])
        said = require_reference(len(samples) / self.rate, reference.transcript)
        heard = torch.from_numpy(samples)
        mel = prompt_mel(heard, self._settings)
        return {
            TRANSCRIPT: np.asarray(self._transcript(said), np.int64),
            CODES: self._speech.codes(heard, self.rate).cpu().numpy(),
            MEL: mel.cpu().numpy(),
            SPEAKER: self._speaker(heard, self.rate).cpu().numpy(),
        }


def voice_of(name: str, kept: ClonedVoice, device: torch.device) -> Voice:
    """A voice of its arrays.

    Args:
        name: That no other voice has.
        kept: What a :class:`Listener` made.
        device: Where it is to be spoken with.
    """

    def tensor(part: str) -> Tensor:
        return torch.from_numpy(np.array(kept[part])).to(device)

    return Voice(
        name,
        tuple(int(token) for token in kept[TRANSCRIPT]),
        tensor(CODES).long(),
        tensor(MEL).float(),
        tensor(SPEAKER).float(),
    )

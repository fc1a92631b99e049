"""Utterances on their way: read, drawn token by token in one batch, and heard piece by piece."""

import hashlib
import weakref
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import torch
from torch import Tensor

from speaker_runtime.audio.guard import Bounds, Fault
from speaker_runtime.backends.protocol import Slice
from speaker_runtime.backends.pytorch.attention import next_piece
from speaker_runtime.backends.pytorch.drawing import uniform
from speaker_runtime.backends.xtts import guards
from speaker_runtime.backends.xtts.checkpoint import Checkpoint, Speaker
from speaker_runtime.backends.xtts.sampling import PREFIX_TOKEN, Rows, Rules, sample
from speaker_runtime.backends.xtts.vocoder import Stream as Sound
from speaker_runtime.voices.states import VoiceStates

_FIRST: Final = 8
"""Latents until the first sound, a third of a second: the vocoder hears four of them ahead."""
_VOICES_BYTES: Final = 256 * 2**20
"""Of keys and values of voices, some 8 MiB each in float32."""
_EVERY: Final = 24
"""Latents from one sound to the next, about a second."""


@dataclass(eq=False)
class Part:
    """Text that is read and spoken in one go.

    Attributes:
        text: Embeddings that are read before the first token is drawn.
        chance: A uniform number for each token.
        seen: Which tokens were said, shape ``(1, tokens)``.
        position: Of the next key and value in the cache.
        unread: Which of the text's embeddings comes next.
        tokens: What was drawn.
        latent: Of which the next token is drawn, shape ``(1, channels)``; None until it is there.
    """

    text: Tensor
    chance: Tensor
    seen: Tensor
    position: int = 0
    unread: int = 0
    tokens: list[int] = field(default_factory=list)
    latent: Tensor | None = None


@dataclass(eq=False)
class Utterance:
    """One stream.

    Attributes:
        waiting: Text tokens of the parts that are still to be read.
        speaker: Whose voice.
        rules: How its tokens are drawn.
        seed: Of all its chance.
        most: How many tokens it may have, in all parts.
        slot: Where its keys and values are.
        sound: Its way through the vocoder.
        part: What is spoken now.
        before: Tokens of the parts before.
        unheard: Latents that have not been through the vocoder.
        wait: For how many of them it waits.
        over: Whether no more latents come.
        fault: Why it ended before its text did.
    """

    waiting: deque[list[int]]
    speaker: Speaker
    rules: Rules
    seed: int
    most: int
    slot: int
    sound: Sound
    part: Part | None = None
    before: int = 0
    unheard: list[Tensor] = field(default_factory=list)
    wait: int = _FIRST
    over: bool = False
    fault: Fault | None = None


class Speaking:
    """The model, and the streams on it.

    Args:
        checkpoint: What was loaded.
        slots: How many streams there may be.
        bounds: What its speech is like.
    """

    def __init__(self, checkpoint: Checkpoint, slots: int, bounds: Bounds) -> None:
        self._model = checkpoint
        self._gpt = checkpoint.gpt
        self._bounds = bounds
        self._slots = deque(range(slots))
        self._voices: VoiceStates[Tensor] = VoiceStates(_VOICES_BYTES, lambda kept: kept.nbytes)

    @property
    def voice_bytes(self) -> int:
        """Memory of the voices that were spoken with lately."""
        return self._voices.bytes

    def open(
        self,
        text: str,
        passes: Sequence[list[int]],
        speaker: Speaker,
        *,
        rules: Rules,
        seed: int,
        pace: float,
    ) -> Utterance:
        """Begin an utterance; its slot is free again when nobody holds it any more."""
        slot = self._slots.popleft()
        made = Utterance(
            waiting=deque(passes),
            speaker=speaker,
            rules=rules,
            seed=_seed(seed, text),
            most=guards.allowed(text, self._bounds, self._model.tokens_per_second, pace),
            slot=slot,
            sound=self._model.vocoder.begin(self._model.vocoder.voice(speaker.embedding), pace),
        )
        weakref.finalize(made, self._slots.append, slot)
        made.over = not made.waiting
        return made

    def step(self, utterances: Sequence[Utterance]) -> list[Slice]:
        """Advance each: one token, or a piece of the text, and what can be heard by then."""
        going = [(each, self._part_of(each)) for each in utterances if not each.over]
        drawing = [(each, part, part.latent) for each, part in going if part.latent is not None]
        reading = [(each, part) for each, part in going if part.latent is None]
        if drawing:
            self._draw(drawing)
        if reading:
            self._read(*reading[0])
        return [self._heard(each) for each in utterances]

    def _part_of(self, each: Utterance) -> Part:
        if each.part is None:
            text = each.waiting.popleft()
            seen = torch.zeros(1, self._gpt.vocabulary, dtype=torch.bool, device=self._gpt.device)
            seen[0, [PREFIX_TOKEN, self._gpt.start_token]] = True
            each.part = Part(
                text=self._gpt.text(text),
                chance=uniform(each.seed + each.before, self._gpt.most_tokens),
                seen=seen,
            )
        return each.part

    def _read(self, each: Utterance, part: Part) -> None:
        """Read the next piece of what stands before the speech."""
        if part.position == 0:
            self._begin_as_voice(each, part)
        piece = part.text[part.unread :]
        piece = piece[: next_piece(len(piece))]
        latent = self._gpt.read(each.slot, part.position, piece)
        part.position += len(piece)
        part.unread += len(piece)
        if part.unread == len(part.text):
            part.latent = latent

    def _begin_as_voice(self, each: Utterance, part: Part) -> None:
        """Read the voice, or remember how it was read."""
        voice = self._gpt.voice(each.speaker.latents)
        is_new = False

        def read() -> Tensor:
            nonlocal is_new
            is_new = True
            self._gpt.read(each.slot, 0, voice)
            return self._gpt.kept(each.slot, len(voice))

        kept = self._voices.get(each.speaker.name, read)
        if not is_new:
            self._gpt.restore(each.slot, kept)
        part.position = len(voice)

    def _draw(self, drawing: Sequence[tuple[Utterance, Part, Tensor]]) -> None:
        """Draw a token for each, and read it where the part goes on."""
        device = self._gpt.device
        latents = torch.cat([latent for _, _, latent in drawing])
        seen = torch.cat([part.seen for _, part, _ in drawing])
        chance = torch.stack([part.chance[len(part.tokens)] for _, part, _ in drawing])
        rows = Rows([each.rules for each, _, _ in drawing], device)
        tokens = sample(self._gpt.logits(latents), seen, rows, chance.to(device))
        going: list[int] = []
        for row, token in enumerate(tokens.tolist()):
            each, part, latent = drawing[row]
            each.unheard.append(latent)
            if self._goes_on(each, part, token):
                going.append(row)
        if not going:
            return
        parts = [drawing[row][1] for row in going]
        following = self._gpt.step(
            [drawing[row][0].slot for row in going],
            [(part.position, len(part.tokens)) for part in parts],
            tokens[going],
        )
        for row, part in enumerate(parts):
            part.position += 1
            part.latent = following[row : row + 1]

    def _goes_on(self, each: Utterance, part: Part, token: int) -> bool:
        """Note a token; whether there is another one in this part."""
        if token != self._gpt.stop_token:
            part.tokens.append(token)
            part.seen[0, token] = True
            each.fault = guards.fault_of(part.tokens, each.most - each.before)
            if each.fault is None and len(part.tokens) < self._gpt.most_tokens:
                return True
            each.fault = each.fault or Fault.TOO_LONG
        each.before += len(part.tokens)
        each.part = None
        each.over = each.fault is not None or not each.waiting
        return False

    def _heard(self, each: Utterance) -> Slice:
        if not each.over and len(each.unheard) < each.wait:
            return Slice(_NOTHING, finished=False)
        samples = _NOTHING
        if each.unheard:
            latents = torch.cat(each.unheard)
            each.unheard.clear()
            each.wait = _EVERY
            samples = each.sound.push(latents, last=each.over).cpu().numpy()
        return Slice(samples, finished=each.over, fault=each.fault)


_NOTHING: Final = np.zeros(0, np.float32)


def _seed(seed: int, text: str) -> int:
    """A seed that depends on the text, so that a sentence sounds the same wherever it stands."""
    digest = hashlib.blake2b(f"{seed}\0{text}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")

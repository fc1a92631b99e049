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
from speaker_runtime.backends.xtts import guards
from speaker_runtime.backends.xtts.checkpoint import Checkpoint, Speaker
from speaker_runtime.backends.xtts.gpt import PIECE, Gpt
from speaker_runtime.backends.xtts.sampling import PREFIX_TOKEN, Rows, Rules, draws, sample
from speaker_runtime.backends.xtts.vocoder import Stream as Sound

_FIRST: Final = 8
"""Latents until the first sound, a third of a second: the vocoder hears four of them ahead."""
_EVERY: Final = 24
"""Latents from one sound to the next, about a second."""


@dataclass(eq=False)
class Utterance:
    """One stream.

    Attributes:
        passes: Text tokens of each part that is still to be read.
        speaker: Whose voice.
        rules: How its tokens are drawn.
        seed: Of all its chance.
        most: How many tokens it may have, in all parts.
        slot: Where its keys and values are.
        sound: Its way through the vocoder.
    """

    passes: deque[list[int]]
    speaker: Speaker
    rules: Rules
    seed: int
    most: int
    slot: int
    sound: Sound
    prefix: Tensor | None = None
    position: int = 0
    """Positions in the cache."""
    chance: Tensor | None = None
    seen: Tensor | None = None
    latent: Tensor | None = None
    """Of which the next token is drawn."""
    tokens: list[int] = field(default_factory=list)
    """Of this part."""
    drawn: int = 0
    """Tokens of the parts before."""
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
        self._gpt: Gpt = checkpoint.gpt
        self._bounds = bounds
        self._slots = deque(range(slots))

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
            passes=deque(passes),
            speaker=speaker,
            rules=rules,
            seed=_seed(seed, text),
            most=guards.allowed(text, self._bounds, self._model.tokens_per_second, pace),
            slot=slot,
            sound=self._model.vocoder.begin(self._model.vocoder.voice(speaker.embedding), pace),
        )
        weakref.finalize(made, self._slots.append, slot)
        made.over = not made.passes
        return made

    def step(self, utterances: Sequence[Utterance]) -> list[Slice]:
        """Advance each: one token, or a piece of the text, and what can be heard by then."""
        drawing = [each for each in utterances if each.latent is not None]
        reading = [each for each in utterances if each.latent is None and not each.over]
        if drawing:
            self._draw(drawing)
        if reading:
            self._read(reading[0])
        return [self._heard(each) for each in utterances]

    def _read(self, each: Utterance) -> None:
        """Read the next piece of what stands before the speech."""
        if each.prefix is None:
            self._begin_part(each)
        prefix = each.prefix
        if prefix is None:
            raise RuntimeError("a part that has begun has a prefix")
        piece = prefix[each.position : each.position + PIECE]
        latent = self._gpt.read(each.slot, each.position, piece)
        each.position += len(piece)
        if each.position == len(prefix):
            each.latent, each.prefix = latent, None

    def _begin_part(self, each: Utterance) -> None:
        text = each.passes.popleft()
        device = self._gpt.device
        each.prefix = self._gpt.prefix(each.speaker.latents, text)
        each.position = 0
        each.drawn += len(each.tokens)
        each.tokens = []
        each.chance = draws(each.seed + each.drawn, self._gpt.most_tokens)
        each.seen = torch.zeros(1, self._gpt.vocabulary, dtype=torch.bool, device=device)
        each.seen[0, [PREFIX_TOKEN, self._gpt.start_token]] = True

    def _draw(self, drawing: Sequence[Utterance]) -> None:
        """Draw a token for each, and read it."""
        device = self._gpt.device
        latents = torch.cat([each.latent for each in drawing])
        seen = torch.cat([each.seen for each in drawing])
        chance = torch.stack([each.chance[len(each.tokens)] for each in drawing])
        rows = Rows([each.rules for each in drawing], device)
        tokens = sample(self._gpt.logits(latents), seen, rows, chance.to(device))
        going: list[int] = []
        for row, (each, token) in enumerate(zip(drawing, tokens.tolist(), strict=True)):
            each.unheard.append(latents[row : row + 1])
            each.latent = None
            if self._goes_on(each, token):
                going.append(row)
        if not going:
            return
        going_on = [drawing[row] for row in going]
        # All rows are read, also of those who are done: a step has the same work each time.
        said = tokens if len(going) == len(drawing) else tokens[going]
        following = self._gpt.step(
            [each.slot for each in going_on],
            [(each.position, len(each.tokens)) for each in going_on],
            said,
        )
        for row, each in enumerate(going_on):
            each.position += 1
            each.latent = following[row : row + 1]

    def _goes_on(self, each: Utterance, token: int) -> bool:
        """Note a token; whether there is another one in this part."""
        if token != self._gpt.stop_token:
            each.tokens.append(token)
            each.seen[0, token] = True
            each.fault = guards.fault_of(each.tokens, each.most - each.drawn)
            if each.fault is None and len(each.tokens) < self._gpt.most_tokens:
                return True
            each.fault = each.fault or Fault.TOO_LONG
        each.over = each.fault is not None or not each.passes
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

"""Utterances on their way: read, drawn code by code in one batch, and heard piece by piece.

While a piece is rendered, the codes of the next one are drawn already. A piece begins with what was
said before it in the same utterance, text and codes, so that it goes on in the same tone.
"""

import weakref
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import torch
from torch import Tensor

from speaker_runtime.audio.pcm import Samples
from speaker_runtime.backends.glm_tts.history import History, Said
from speaker_runtime.backends.glm_tts.llama import Llama
from speaker_runtime.backends.glm_tts.rendering import Piece, Renderer, Voice
from speaker_runtime.backends.glm_tts.sampling import (
    NO_TOKEN,
    WINDOW,
    Limits,
    Rules,
    draws,
    masked,
    sample,
)
from speaker_runtime.backends.protocol import Slice, StepResult
from speaker_runtime.backends.pytorch.attention import next_piece
from speaker_runtime.backends.pytorch.drawing import Rows
from speaker_runtime.errors import ErrorCode, SpeechError


@dataclass(frozen=True)
class Alphabet:
    """Which tokens the language model speaks with.

    Attributes:
        begin: Stands between text and codes.
        end: Ends the codes of a piece.
        first: Of code 0; the others follow.
        codes: How many there are.
    """

    begin: int
    end: int
    first: int
    codes: int

    def outputs(self) -> Tensor:
        """All that it may say: the codes, and then the end; int64, shape ``(codes + 1,)``."""
        return torch.tensor([*range(self.first, self.first + self.codes), self.end])


@dataclass(eq=False)
class Part:
    """A piece of text whose codes are being drawn.

    Attributes:
        text: Its tokens.
        prompt: All tokens that are read before the first code is drawn, int64.
        limits: How many codes it has.
        chance: Uniform numbers for each code.
        unread: Which of the prompt's tokens comes next.
        codes: What was drawn.
        known: Of which the next code is drawn, shape ``(1, width)``; None until it is there.
    """

    text: tuple[int, ...]
    prompt: Tensor
    limits: Limits
    chance: Tensor
    unread: int = 0
    codes: list[int] = field(default_factory=list)
    known: Tensor | None = None

    def recent(self) -> list[int]:
        """Its last codes, filled up from the left."""
        last = self.codes[-WINDOW:]
        return [NO_TOKEN] * (WINDOW - len(last)) + last


@dataclass(eq=False)
class Utterance:
    """One stream.

    Attributes:
        waiting: Tokens of the pieces that are still to be read.
        voice: Whose.
        rules: How its codes are drawn.
        seed: Of all its chance; every piece begins with it anew.
        slot: Where its keys and values are.
        history: What was said before, the voice's recording first.
        part: What is drawn now.
        unheard: Pieces that were drawn and not yet rendered.
        ready: Samples that were not yet handed out.
        error: Why it cannot go on.
    """

    waiting: deque[tuple[int, ...]]
    voice: Voice
    rules: Rules
    seed: int
    slot: int
    history: History
    part: Part | None = None
    unheard: deque[Piece] = field(default_factory=deque)
    ready: list[Samples] = field(default_factory=list)
    error: SpeechError | None = None

    @property
    def drawn(self) -> bool:
        """Whether no more codes come."""
        return self.error is not None or (self.part is None and not self.waiting)


class Speaking:
    """The model, and the streams on it.

    Args:
        llama: The language model, asked for :meth:`Alphabet.outputs` alone.
        renderer: What makes samples of codes.
        alphabet: Its tokens.
        slots: How many streams there may be.
    """

    def __init__(self, llama: Llama, renderer: Renderer, alphabet: Alphabet, slots: int) -> None:
        self._llama = llama
        self._renderer = renderer
        self._alphabet = alphabet
        self._outputs = alphabet.outputs().to(llama.device)
        self._slots = deque(range(slots))
        self._pieces = 0

    @property
    def voice_bytes(self) -> int:
        """Memory of the voices that were spoken with lately."""
        return self._renderer.voice_bytes

    def open(
        self, pieces: Sequence[Sequence[int]], voice: Voice, *, rules: Rules, seed: int
    ) -> Utterance:
        """Begin an utterance; its slot is free again when nobody holds it any more.

        Args:
            pieces: Tokens of each piece of its text.
            voice: Whose.
            rules: How its codes are drawn.
            seed: Of all its chance.

        Raises:
            SpeechError: A piece has more tokens than the model has room for.
        """
        for piece in pieces:
            self._require_room(piece, voice)
        slot = self._slots.popleft()
        made = Utterance(
            waiting=deque(tuple(piece) for piece in pieces if piece),
            voice=voice,
            rules=rules,
            seed=seed,
            slot=slot,
            history=History(voice.transcript, voice.codes.tolist()),
        )
        weakref.finalize(made, self._slots.append, slot)
        return made

    def step(self, utterances: Sequence[Utterance]) -> list[StepResult]:
        """Advance each: one code or a part of its prompt, and what can be heard by then."""
        going = [(each, self._part_of(each)) for each in utterances if not each.drawn]
        drawing = [(each, part, part.known) for each, part in going if part.known is not None]
        reading = [(each, part) for each, part in going if part.known is None]
        if drawing:
            self._draw(drawing)
        if reading:
            self._read(*reading[0])
        self._render(utterances)
        return [self._heard(each) for each in utterances]

    def _part_of(self, each: Utterance) -> Part:
        if each.part is None:
            text = each.waiting.popleft()
            prompt = self._prompt(each.history.prompt(len(text)), text)
            limits = Limits.of(len(text))
            if len(prompt) + limits.most > self._llama.positions:
                # Rather without what was said before than cut off.
                prompt = self._prompt(each.history.recording, text)
            most = min(limits.most, self._llama.positions - len(prompt))
            each.part = Part(text, prompt, Limits(limits.least, most), draws(each.seed, most))
        return each.part

    def _prompt(self, before: Said, text: Sequence[int]) -> Tensor:
        codes = (self._alphabet.first + code for code in before.codes)
        told = [*before.text, *text, self._alphabet.begin, *codes]
        return torch.tensor(told, dtype=torch.int64)

    def _require_room(self, piece: Sequence[int], voice: Voice) -> None:
        # Between text and codes there is a token of its own, and so is the end.
        needed = len(voice.transcript) + len(piece) + len(voice.codes) + 2
        needed += Limits.of(len(piece)).least
        if needed > self._llama.positions:
            raise SpeechError(
                ErrorCode.TEXT_NOT_SPEAKABLE,
                f"A sentence of {len(piece)} tokens takes {needed} places behind this voice's "
                f"recording, and the model has {self._llama.positions}.",
                param="input",
                suggestion="Write shorter sentences, or make the voice of a shorter recording.",
            )

    def _read(self, each: Utterance, part: Part) -> None:
        """Read the next tokens of what stands before the codes."""
        tokens = part.prompt[part.unread :]
        tokens = tokens[: next_piece(len(tokens))]
        known = self._llama.read(each.slot, part.unread, tokens)
        part.unread += len(tokens)
        if part.unread == len(part.prompt):
            part.known = known

    def _draw(self, drawing: Sequence[tuple[Utterance, Part, Tensor]]) -> None:
        """Draw a code for each, and read it where the piece goes on."""
        device, end = self._llama.device, self._alphabet.codes
        logits = self._llama.logits(torch.cat([known for _, _, known in drawing]))
        early = [len(part.codes) < part.limits.least for _, part, _ in drawing]
        drawn = sample(
            masked(logits, end, early),
            torch.tensor([part.recent() for _, part, _ in drawing], device=device),
            Rows([each.rules for each, _, _ in drawing], device),
            torch.stack([part.chance[len(part.codes)] for _, part, _ in drawing]),
        )
        going: list[int] = []
        tokens, stuck = drawn.tokens.tolist(), drawn.stuck.tolist()
        for row, (each, part, _) in enumerate(drawing):
            if stuck[row]:
                each.error = _stuck(len(part.codes))
            elif self._goes_on(each, part, tokens[row]):
                going.append(row)
        if not going:
            return
        parts = [drawing[row][1] for row in going]
        following = self._llama.step(
            [drawing[row][0].slot for row in going],
            [len(part.prompt) + len(part.codes) - 1 for part in parts],
            self._outputs[drawn.tokens[going]],
        )
        for row, part in enumerate(parts):
            part.known = following[row : row + 1]

    def _goes_on(self, each: Utterance, part: Part, drawn: int) -> bool:
        """Note a code; whether there is another one in this piece."""
        if drawn != self._alphabet.codes:
            part.codes.append(drawn)
            if len(part.codes) < part.limits.most:
                return True
        each.history.add(part.text, part.codes)
        if part.codes:
            self._pieces += 1
            each.unheard.append(Piece(self._pieces, each.voice, tuple(part.codes), each.seed))
        each.part = None
        return False

    def _render(self, utterances: Sequence[Utterance]) -> None:
        """Bring what was waiting longest a step nearer to being heard."""
        owners = {each.unheard[0]: each for each in utterances if each.unheard}
        waiting = sorted(owners, key=lambda piece: piece.number)
        for piece, samples in self._renderer.advance(waiting):
            owners[piece].unheard.popleft()
            owners[piece].ready.append(samples.numpy())

    @staticmethod
    def _heard(each: Utterance) -> StepResult:
        if each.error is not None:
            return each.error
        samples = np.concatenate(each.ready) if each.ready else _NOTHING
        each.ready.clear()
        return Slice(samples, finished=each.drawn and not each.unheard)


_NOTHING: Final = np.zeros(0, np.float32)


def _stuck(codes: int) -> SpeechError:
    return SpeechError(
        ErrorCode.SPEECH_FAILED,
        f"The model gave no numbers to draw from behind {codes} codes.",
        suggestion="Try once more with another seed; if every text fails, fetch the model anew.",
    )

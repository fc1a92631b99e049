"""What was said before a piece of a text, which the language model goes on from."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

MOST_CODES: Final = 750
"""Of what was said and what is to be said, by estimate; half a minute."""


@dataclass(frozen=True)
class Said:
    """Some text and its speech.

    Attributes:
        text: Its tokens.
        codes: Its speech codes.
    """

    text: tuple[int, ...]
    codes: tuple[int, ...]


class History:
    """The voice's recording, and the pieces that were said since.

    Args:
        transcript: Tokens of what is said in the recording.
        codes: Speech codes of the recording.
        recalls: Whether later pieces go on from earlier ones; otherwise from the recording alone.
    """

    def __init__(
        self, transcript: Sequence[int], codes: Sequence[int], *, recalls: bool = True
    ) -> None:
        self._said = [Said(tuple(transcript), tuple(codes))]
        self._recalls = recalls

    @property
    def recording(self) -> Said:
        """What the voice was made of."""
        return self._said[0]

    def prompt(self, tokens: int) -> Said:
        """What the next piece begins with.

        Where it gets too long, the oldest pieces are forgotten for good, the recording never.

        Args:
            tokens: Of the next piece's text.
        """
        if len(self._said) == 1 or not self._recalls:
            return self._said[0]
        # How many codes a token takes is what it took in all that is remembered by now.
        text = sum(len(each.text) for each in self._said)
        codes = sum(len(each.codes) for each in self._said)
        expected = math.floor((codes / text if text else 1) * tokens)
        while codes + expected > MOST_CODES and len(self._said) > 1:
            codes -= len(self._said.pop(1).codes)
        return Said(
            tuple(token for each in self._said for token in each.text),
            tuple(code for each in self._said for code in each.codes),
        )

    def add(self, text: Sequence[int], codes: Sequence[int]) -> None:
        """Remember a piece that was said."""
        self._said.append(Said(tuple(text), tuple(codes)))

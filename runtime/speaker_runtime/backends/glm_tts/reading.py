"""Texts and transcripts into tokens."""

from collections.abc import Sequence

from speaker_runtime.backends.glm_tts.normalise import normalise
from speaker_runtime.backends.glm_tts.splitting import split
from speaker_runtime.backends.glm_tts.tables import REPLACED
from speaker_runtime.backends.glm_tts.tokenizer import Tokenizer


class Reader:
    """Reads for one model; any thread may call it.

    Args:
        tokenizer: The model's.
        replaced: What is written another way in Chinese, and how.
    """

    def __init__(
        self, tokenizer: Tokenizer, replaced: Sequence[tuple[str, str]] = REPLACED
    ) -> None:
        self._tokenizer = tokenizer
        self._replaced = replaced

    def transcript(self, text: str) -> list[int]:
        """The tokens of what is said in a recording, which end in a space.

        Raises:
            SpeechError: A part of it cannot be put into words.
        """
        return self._tokenizer.encode(f"{normalise(text, self._replaced)} ")

    def pieces(self, text: str) -> list[list[int]]:
        """The tokens of each piece of a text that is to be spoken.

        Raises:
            SpeechError: A part of it cannot be put into words.
        """
        pieces = split(normalise(text, self._replaced))
        return [self._tokenizer.encode(normalise(piece, self._replaced)) for piece in pieces]

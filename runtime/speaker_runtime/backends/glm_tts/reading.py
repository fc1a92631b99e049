"""Texts and transcripts into tokens."""

from collections.abc import Callable, Sequence

from speaker_runtime.audio.clips import UnfitReferenceError
from speaker_runtime.backends.glm_tts.normalise import normalise, require_readable
from speaker_runtime.backends.glm_tts.splitting import split
from speaker_runtime.backends.glm_tts.tables import REPLACED
from speaker_runtime.backends.glm_tts.tokenizer import Tokenizer
from speaker_runtime.contract import VoiceReason
from speaker_runtime.errors import SpeechError


class Reader:
    """Reads for one model; any thread may call it.

    Args:
        tokenizer: The model's.
        replaced: What is written another way in Chinese, and how.
        phonemes: Puts characters of what is spoken into sounds
            (:class:`~speaker_runtime.backends.glm_tts.phonemes.Phonemes`); None to leave them.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        replaced: Sequence[tuple[str, str]] = REPLACED,
        phonemes: Callable[[str], str] | None = None,
    ) -> None:
        self._tokenizer = tokenizer
        self._replaced = replaced
        self._phonemes = phonemes

    def transcript(self, text: str) -> list[int]:
        """The tokens of what is said in a recording, which end in a space.

        Raises:
            UnfitReferenceError: The model cannot read it.
        """
        try:
            require_readable(text)
        except SpeechError as error:
            raise UnfitReferenceError(
                VoiceReason.LANGUAGE_UNSUPPORTED,
                f"its transcript cannot be read, {error.message} Record it in Chinese or English",
            ) from error
        return self._tokenizer.encode(f"{normalise(text, self._replaced)} ")

    def pieces(self, text: str) -> list[list[int]]:
        """The tokens of each piece of a text that is to be spoken."""
        return [
            self._tokenizer.encode(self._sounded(normalise(piece, self._replaced)))
            for piece in split(normalise(text, self._replaced))
        ]

    def _sounded(self, text: str) -> str:
        return text if self._phonemes is None else self._phonemes(text)

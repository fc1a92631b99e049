"""What XTTS reads: its languages, how much at a time, and the tokens of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.text.cutting import cut_at
from speaker_runtime.text.languages import primary

LIMITS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "en": 250,
        "es": 239,
        "fr": 273,
        "de": 253,
        "it": 213,
        "pt": 203,
        "pl": 224,
        "tr": 226,
        "ru": 182,
        "nl": 251,
        "cs": 186,
        "ar": 166,
        "zh": 82,
        "hu": 224,
        "ko": 95,
        "ja": 71,
        "hi": 150,
    }
)
"""Characters that are spoken well in one go, by language (``VoiceBpeTokenizer.char_limits``)."""
_UNKNOWN: Final = "[UNK]"
_SHORTEST: Final = 2
"""Characters that are not cut any further."""


class Reader:
    """Turns text into tokens; any thread may call it, one at a time.

    Args:
        vocabulary: The model's ``vocab.json``.
        most: How many tokens there may be in one go.
    """

    def __init__(self, vocabulary: Path, most: int) -> None:
        from TTS.tts.layers.xtts.tokenizer import VoiceBpeTokenizer  # noqa: PLC0415  seconds

        self._tokenizer: VoiceBpeTokenizer = VoiceBpeTokenizer(str(vocabulary))
        self._most = most
        self._unknown: int | None = self._tokenizer.tokenizer.token_to_id(_UNKNOWN)

    @property
    def size(self) -> int:
        """How many text tokens the model knows."""
        return int(self._tokenizer.get_number_tokens())

    def token(self, written: str) -> int | None:
        """The token that is written like this, such as ``[START]``."""
        token: int | None = self._tokenizer.tokenizer.token_to_id(written)
        return token

    def passes(self, text: str, language: str) -> list[list[int]]:
        """The tokens of ``text``, in parts that the model can take.

        Args:
            text: No longer than its language's limit.
            language: BCP 47 tag.

        Raises:
            SpeechError: It cannot be read.
        """
        words = text.strip().lower()
        if not words:
            return []
        tokens = self._tokens(words, primary(language))
        if len(tokens) <= self._most:
            return [tokens]
        if len(words) <= _SHORTEST:
            raise SpeechError(
                ErrorCode.TEXT_NOT_SPEAKABLE,
                f"{text!r} becomes {len(tokens)} tokens, more than the model takes.",
                param="input",
            )
        cut = cut_at(words, (len(words) + 1) // 2)
        return self.passes(words[:cut], language) + self.passes(words[cut:], language)

    def unknown(self, tokens: Sequence[int]) -> int:
        """How many of the tokens stand for something that the model has never seen."""
        return sum(each == self._unknown for each in tokens)

    def _tokens(self, words: str, language: str) -> list[int]:
        try:
            tokens: list[int] = self._tokenizer.encode(words, language)
        except (ImportError, NotImplementedError, ValueError, OverflowError, IndexError) as error:
            raise SpeechError(
                ErrorCode.TEXT_NOT_SPEAKABLE,
                f"The text cannot be read as {language}: {error}.",
                param="input",
            ) from error
        return tokens

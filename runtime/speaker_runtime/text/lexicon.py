"""A deployment's own words, written the way they are to be said."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from speaker_runtime.text.phonemes import Alphabet, WrongPhonemesError, as_ipa

_PHONEMES: Final = re.compile(r"/(.*)/", re.DOTALL)


class Lexicon:
    """Words and what is read in their place: other words, or phonemes as ``/…/``.

    A word is found wherever it stands alone, whatever its case; where two fit, the longer one
    holds. What is read in its place is not looked up again.

    Args:
        words: What to say, by the word as it is written; no word is empty.

    Raises:
        WrongPhonemesError: What stands between slashes is not in the phonetic alphabet.
    """

    def __init__(self, words: Mapping[str, str]) -> None:
        self._say = {word.casefold(): say for word, say in words.items()}
        self._sound: dict[str, str] = {}
        for word, say in words.items():
            ipa = phonemes_of(word, say)
            if ipa is not None:
                self._sound[word.casefold()] = ipa
        longest_first = sorted(self._say, key=len, reverse=True)
        either = "|".join(map(re.escape, longest_first))
        self._pattern = re.compile(rf"(?<!\w)(?:{either})(?!\w)", re.IGNORECASE) if either else None

    def respell(self, text: str, pronounce: Callable[[str, str], str]) -> str:
        """Write ``text`` the way it is to be said.

        Args:
            text: As it is written.
            pronounce: Given a word and its phonemes, what to write in its place.
        """

        def said(match: re.Match[str]) -> str:
            word = match.group()
            ipa = self._sound.get(word.casefold())
            return self._say.get(word.casefold(), word) if ipa is None else pronounce(word, ipa)

        return text if self._pattern is None else self._pattern.sub(said, text)

    def spans(self, text: str) -> tuple[tuple[int, int], ...]:
        """Where words of the lexicon stand in ``text``: start and end of each."""
        if self._pattern is None:
            return ()
        return tuple(match.span() for match in self._pattern.finditer(text))


def phonemes_of(word: str, say: str) -> str | None:
    """The phonemes of an entry; None where it has words.

    Raises:
        WrongPhonemesError: What stands between slashes is not in the phonetic alphabet.
    """
    match = _PHONEMES.fullmatch(say)
    if match is None:
        return None
    try:
        return as_ipa(match.group(1), Alphabet.IPA)
    except WrongPhonemesError as error:
        raise WrongPhonemesError(f"{word!r}: {error}") from error

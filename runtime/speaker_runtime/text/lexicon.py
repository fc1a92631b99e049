"""A deployment's own words, written the way they are to be said."""

import re
from collections.abc import Mapping


class Lexicon:
    """Words and what is read in their place.

    A word is found wherever it stands alone, whatever its case; where two fit, the longer one
    holds. What is read in its place is not looked up again.

    Args:
        words: What to say, by the word as it is written; no word is empty.
    """

    def __init__(self, words: Mapping[str, str]) -> None:
        self._say = {word.casefold(): say for word, say in words.items()}
        longest_first = sorted(self._say, key=len, reverse=True)
        either = "|".join(map(re.escape, longest_first))
        self._pattern = re.compile(rf"(?<!\w)(?:{either})(?!\w)", re.IGNORECASE) if either else None

    def respell(self, text: str) -> str:
        """Write ``text`` the way it is to be said."""
        if self._pattern is None:
            return text
        return self._pattern.sub(self._said, text)

    def spans(self, text: str) -> tuple[tuple[int, int], ...]:
        """Where words of the lexicon stand in ``text``: start and end of each."""
        if self._pattern is None:
            return ()
        return tuple(match.span() for match in self._pattern.finditer(text))

    def _said(self, match: re.Match[str]) -> str:
        word = match.group()
        return self._say.get(word.casefold(), word)

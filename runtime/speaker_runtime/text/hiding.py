"""Words with a pronunciation of their own, hidden from everything that rewrites a text.

Such a word becomes a run of private characters, as long as the word was: no rule takes it for
anything, no sentence ends in it, and it comes out as it went in.
"""

import re
from typing import Final

from speaker_runtime.text.phonemes import Pronunciation

FILLER: Final = "\ue000"
_FIRST: Final = 0xE001
_LAST: Final = 0xF8FF
_RUN: Final = re.compile(f"([{chr(_FIRST)}-{chr(_LAST)}]){FILLER}*")
_PRIVATE: Final = re.compile(f"[{FILLER}-{chr(_LAST)}]")


class Hiding:
    """The hidden words of one passage."""

    def __init__(self) -> None:
        self._words: list[tuple[str, str]] = []

    def hide(self, word: str, ipa: str) -> str:
        """What stands in the place of a word that is not empty; the word where there is no room."""
        if _FIRST + len(self._words) > _LAST:
            return word
        self._words.append((word, ipa))
        return chr(_FIRST + len(self._words) - 1) + FILLER * (len(word) - 1)

    def reveal(self, text: str) -> tuple[str, tuple[Pronunciation, ...]]:
        """The text with its words in it again, and how they sound."""
        shown = ""
        sounds = []
        last = 0
        for run in _RUN.finditer(text):
            word, ipa = self._words[ord(run.group(1)) - _FIRST]
            shown += text[last : run.start()]
            sounds.append(Pronunciation(len(shown), len(shown) + len(word), ipa))
            shown += word
            last = run.end()
        return shown + text[last:].replace(FILLER, ""), tuple(sounds)


def without_private(text: str) -> str:
    """``text`` without characters that would be taken for hidden words; as long as before."""
    return _PRIVATE.sub(" ", text)

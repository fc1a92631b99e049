"""Text that arrives in pieces, such as a language model's tokens, into sentences."""

import re
from typing import Final

from speaker_runtime.text.cutting import cut_at
from speaker_runtime.text.splitting import split

_SURE_END: Final = re.compile(r"[!?][\"'\u201d\u2019)\]]*\s+$")
"""An end that nothing that follows can undo; after a full stop it may still be "Dr. Smith"."""
_LINE: Final = re.compile(r"[^\r\n\u2028\u2029]*(?:[\r\n\u2028\u2029]+|$)")
_LINE_ENDS: Final = "\r\n\u2028\u2029"
_HIGH: Final = ("\ud800", "\udbff")


class GrowingText:
    """Gives each sentence as soon as it is complete. Not thread-safe.

    A sentence is complete when the next one has begun, or where nothing can change its end. Its
    text is given as it was written, and nothing between two sentences is lost. What has no letter
    or digit is no sentence of its own.

    Args:
        language: BCP 47 tag; its primary part decides on abbreviations and sentence ends.
        longest: Characters that may wait for a sentence's end; then what is there is cut where
            a reader would breathe.
    """

    def __init__(self, language: str, longest: int) -> None:
        self._language = language
        self._longest = longest
        self._tail = ""
        self._half = ""

    @property
    def waiting(self) -> int:
        """Characters of the sentence that is not complete."""
        return len(self._tail)

    def push(self, text: str) -> list[str]:
        """Take the next piece and give what is complete.

        A character beyond 16 bits may be split between two pieces, as JavaScript does it.

        Raises:
            ValueError: Half of a surrogate pair stands alone.
        """
        self._tail += self._whole(text)
        *complete, self._tail = self._split(self._tail)
        while len(self._tail) > self._longest:
            cut = cut_at(self._tail, self._longest)
            complete.append(self._tail[:cut])
            self._tail = self._tail[cut:]
        return self._heard(complete)

    def flush(self) -> list[str]:
        """Give what is there, complete or not."""
        last, self._tail = self._tail, ""
        return [last] if _is_heard(last) else []

    def clear(self) -> None:
        """Forget what is not complete."""
        self._tail = self._half = ""

    def _whole(self, text: str) -> str:
        """``text`` with what was left of the piece before, without what belongs to the next."""
        text, self._half = self._half + text, ""
        if text and _HIGH[0] <= text[-1] <= _HIGH[1]:
            text, self._half = text[:-1], text[-1]
        try:
            return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
        except UnicodeDecodeError as error:
            raise ValueError("it has half of a surrogate pair") from error

    def _split(self, text: str) -> list[str]:
        """Complete sentences, and last what is not complete, perhaps nothing."""
        *lines, _ = _LINE.findall(text)
        found = [each for line in lines for each in split(line, self._language)]
        if not found or _SURE_END.search(found[-1]) or found[-1][-1] in _LINE_ENDS:
            found.append("")
        return found

    def _heard(self, complete: list[str]) -> list[str]:
        """Join what has no sound of its own to what stands before it, or else after it."""
        given: list[str] = []
        silent = ""
        for sentence in complete:
            if _is_heard(sentence):
                given.append(silent + sentence)
                silent = ""
            elif given:
                given[-1] += sentence
            else:
                silent += sentence
        self._tail = silent + self._tail
        return given


def _is_heard(text: str) -> bool:
    return any(character.isalnum() for character in text)

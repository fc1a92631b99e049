"""What the benchmarks have spoken: everyday English of known size, no two sentences alike.

Sentences are put together from parts, so that there are enough for no server to have spoken any of
them before, unless a benchmark asks for the same one again.
"""

from collections.abc import Sequence
from itertools import product
from typing import Final

_BEGINNINGS: Final = (
    "The morning train",
    "Our new neighbour",
    "A friend of mine",
    "The old museum",
    "Her younger brother",
    "The village doctor",
    "Nobody in the office",
    "Every second visitor",
    "The captain's dog",
    "My favourite teacher",
)
_MIDDLES: Final = (
    "arrived at the harbour",
    "waited under the bridge",
    "found a letter on the table",
    "heard the bells from far away",
    "walked along the river",
    "bought fresh bread and cheese",
    "told a story about the sea",
    "looked for the missing key",
    "planted apple trees",
    "repaired the kitchen radio",
)
_ENDINGS: Final = (
    "before the rain began.",
    "while everybody was asleep.",
    "on a cold and quiet evening.",
    "as soon as the shops opened.",
    "without saying a single word.",
    "for the first time this year.",
)
SENTENCES: Final[Sequence[str]] = tuple(
    f"{beginning} {middle} {ending}"
    for ending, middle, beginning in product(_ENDINGS, _MIDDLES, _BEGINNINGS)
)
"""Of 50 to 80 characters each, about four seconds of speech."""


def text(first: int, sentences: int) -> str:
    """Sentences in a row, from the ``first`` on."""
    return " ".join(SENTENCES[(first + index) % len(SENTENCES)] for index in range(sentences))


def texts(sizes: Sequence[int], first: int = 0) -> list[str]:
    """Texts of so many sentences each, with no sentence in common, from the ``first`` on."""
    starts = [first + sum(sizes[:index]) for index in range(len(sizes))]
    return [text(start, size) for start, size in zip(starts, sizes, strict=True)]

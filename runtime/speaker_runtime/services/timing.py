"""When each sentence of an answer is heard."""

from collections.abc import Sequence
from dataclasses import dataclass

from speaker_runtime.engine.ticket import Chunk
from speaker_runtime.services.planning import Caption, Place


@dataclass(frozen=True)
class Spoken:
    """One sentence in the answer.

    Attributes:
        index: Its place among the sentences.
        caption: As it was written.
        start: Seconds from the beginning of the answer.
        end: Seconds from the beginning; None while it is still being spoken.
    """

    index: int
    caption: Caption
    start: float
    end: float | None


class Timing:
    """Follows the chunks of one answer.

    Args:
        captions: The sentences.
        places: Where each utterance belongs.
    """

    def __init__(self, captions: Sequence[Caption], places: Sequence[Place]) -> None:
        self._captions = captions
        self._places = places
        self._current = -1
        self._start = 0.0

    def follow(self, chunk: Chunk, began: float, ended: float) -> Sequence[Spoken]:
        """What a chunk tells that is heard between these two moments.

        A sentence is told when it begins, and once more when its end is known.
        """
        place = self._places[chunk.utterance]
        begins = place.caption != self._current
        ends = place.ends and chunk.last
        if begins:
            self._current, self._start = place.caption, began
        if not begins and not ends:
            return ()
        caption = self._captions[place.caption]
        return (Spoken(place.caption, caption, self._start, ended if ends else None),)

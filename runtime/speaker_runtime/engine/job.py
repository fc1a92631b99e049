"""What a client asks of the engine: utterances, and how urgent they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from speaker_runtime.backends.protocol import SpeechRequest


class Priority(StrEnum):
    """Who is served first."""

    INTERACTIVE = "interactive"
    NORMAL = "normal"
    BATCH = "batch"

    @property
    def rank(self) -> int:
        """0 for the most urgent."""
        return list(Priority).index(self)


@dataclass(frozen=True)
class Job:
    """Utterances to speak one after the other.

    Attributes:
        requests: The utterances.
        priority: Who is served first.
        client: Whom the job counts for, where clients are kept within bounds.
        label: Names the job to people.
        begin_within: Seconds in which the first speech has to be there; None for no such bound.
        continues: Whether it belongs to an answer that has begun: it is never refused for want of
            room in the queue.
    """

    requests: Sequence[SpeechRequest]
    priority: Priority = Priority.NORMAL
    client: str = ""
    label: str = ""
    begin_within: float | None = None
    continues: bool = False

"""Looks at every utterance that the engine made, and asks for another reading of a wrong one."""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from enum import StrEnum
from functools import partial
from typing import Final

import numpy as np

from speaker_runtime.audio.guard import Bounds, Fault, judge
from speaker_runtime.audio.pcm import Pcm16, to_float
from speaker_runtime.backends.protocol import Capabilities, SpeechRequest

logger = logging.getLogger(__name__)

RETRIES: Final = 2
"""Other readings of one utterance: a model that fails three times fails always."""


class Outcome(StrEnum):
    """What became of a faulty utterance."""

    RETRIED = "retried"
    """It was thrown away, and spoken anew with another seed."""
    DELIVERED = "delivered"
    """It was sent as it is."""


class Watch:
    """Judges utterances off the event loop.

    Args:
        capabilities: What the loaded backend can do.
        pool: Gives what looks at samples, by the rank of a job.
        count: Told of every faulty utterance.
    """

    def __init__(
        self,
        capabilities: Callable[[], Capabilities],
        pool: Callable[[int], Executor],
        count: Callable[[Fault, Outcome], None],
    ) -> None:
        self._capabilities = capabilities
        self._known: Capabilities | None = None
        self._pool = pool
        self._count = count

    @property
    def can_retry(self) -> bool:
        """Whether another seed may give a right reading."""
        return self._can.has_chance

    async def fault(
        self, request: SpeechRequest, chunks: Sequence[Pcm16], rank: int
    ) -> Fault | None:
        """What is wrong with the whole speech of an utterance.

        Args:
            request: What was to be said.
            chunks: All of it.
            rank: Of the job; 0 is the most urgent.
        """
        look = partial(_look, request, tuple(chunks), self._can)
        return await asyncio.get_running_loop().run_in_executor(self._pool(rank), look)

    def note(self, request: SpeechRequest, fault: Fault, outcome: Outcome) -> None:
        """Tell of a faulty utterance, without its text, which is the client's own."""
        self._count(fault, outcome)
        logger.warning(
            "%s speech of %d characters with %s: %s",
            fault,
            len(request.text),
            request.preset,
            outcome,
        )

    @property
    def _can(self) -> Capabilities:
        """Known from the first job on, even if the backend fails meanwhile."""
        self._known = self._known or self._capabilities()
        return self._known


def another_reading(request: SpeechRequest, attempt: int) -> SpeechRequest:
    """The request with a seed of its own for each attempt, the same ones every time."""
    digest = hashlib.blake2b(f"{request.seed}\0{attempt}".encode(), digest_size=4).digest()
    return replace(request, seed=int.from_bytes(digest, "big"))


def _look(request: SpeechRequest, chunks: tuple[Pcm16, ...], can: Capabilities) -> Fault | None:
    return judge(
        to_float(np.concatenate(chunks)),
        sample_rate=can.sample_rate,
        text=request.text,
        bounds=can.speech or Bounds.around(can.characters_per_second),
        pace=request.speed,
    )

"""What time it is, as the API server has it.

A machine's own clock may be hours off. What the operator writes down is compared with what the API
server, the kubelets and the pods write, so their clock counts; ours only measures what passes.
"""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

logger = logging.getLogger(__name__)

_TOLERANCE_SECONDS: Final = 2.0
"""A Date header has whole seconds, and clocks that are kept in step differ by less."""


class ServerClock:
    """The local clock, set right where it differs from the API server's."""

    def __init__(self, local: Callable[[], float] = time.time) -> None:
        self._local = local
        self._ahead = 0.0
        """Seconds by which the API server's clock is ahead of the local one."""
        self._told: tuple[str | None, float] = (None, 0.0)
        """The last Date header, and what it means: a second's answers have the same."""

    def time(self) -> float:
        """Unix seconds."""
        return self._local() + self._ahead

    def now(self) -> datetime:
        """The time of day."""
        return datetime.fromtimestamp(self.time(), UTC)

    def learn(self, date: str | None, took: float) -> None:
        """Take in the Date header of an answer to a request that took so many seconds."""
        if date != self._told[0]:
            try:
                self._told = date, parsedate_to_datetime(date or "").timestamp()
            except ValueError:
                return  # whatever answered in the API server's place does not tell
        if date is None:
            return
        ahead = self._told[1] - self._local()
        if abs(ahead - self._ahead) > _TOLERANCE_SECONDS + took:
            self._ahead = ahead if abs(ahead) > _TOLERANCE_SECONDS else 0.0
            logger.warning(
                "This machine's clock is %.0f s %s the API server's, whose counts",
                abs(ahead),
                "behind" if ahead > 0 else "ahead of",
            )

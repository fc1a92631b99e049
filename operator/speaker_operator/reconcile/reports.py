"""Wait for what others report on the children of a new spec, so that it is told in one status.

Controllers, and the scheduler of the pods, say within moments what they make of a child. Telling of
a spec before they have means to write its status, and to post an Event, two or three times.
"""

import time
from collections.abc import Callable
from typing import Final

from speaker_operator.kube.resources import Key

REPORT_SECONDS: Final = 0.3
"""How long they get, once for each spec: whatever is slower is told when it comes."""


class Reports:
    """Knows until when reports on each service's children are waited for."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[Key, tuple[int, float]] = {}
        """With the generation that it holds for."""

    def awaited_for(self, service: Key, generation: int, *, written: bool) -> float:
        """For how many more seconds there is nothing to be told yet; 0 if there is.

        Args:
            service: Whose children they are.
            generation: Of its spec.
            written: Whether a child was written just now.
        """
        known, until = self._until.get(service, (None, 0.0))
        if known != generation and written:
            until = self._clock() + REPORT_SECONDS
            self._until[service] = generation, until
        return max(0.0, until - self._clock())

    def forget(self, service: Key) -> None:
        """Forget a service that is gone."""
        self._until.pop(service, None)

    def forget_all(self) -> None:
        """Forget everything: another replica goes on."""
        self._until.clear()

"""One server behind the gateway: whether it is in service, how busy it is, what it has."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from speaker_runtime.contract import Upstream
from speaker_runtime.services.gateway.offering import Offering, declared

FAILURES_IN_A_ROW: Final = 2
"""After so many a server is out of service until it answers a probe again. One alone may be a pod
of several that has just gone."""
SECONDS_PER_CHARACTER: Final = 1 / 15
"""Of speech, roughly: what has been sent but not begun counts as waiting."""


class Server:
    """What the gateway knows of one upstream; it lives on the event loop.

    Args:
        upstream: As it was declared.
    """

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.offering: Offering = declared(upstream)
        self.is_known = False
        """Whether it has told what it has."""
        self.in_service = False
        self.reason = "it has not been asked yet"
        """Why it is not in service."""
        self.in_flight = 0
        self._queued = 0.0
        self._sent = 0.0
        self._failures = FAILURES_IN_A_ROW - 1

    @property
    def name(self) -> str:
        """Under which requests may ask for it."""
        return self.upstream.name

    @property
    def models(self) -> tuple[str, ...]:
        """Every name that a request may ask for it by; its own comes first."""
        return tuple(dict.fromkeys((self.name, *self.offering.models)))

    def model_called(self, name: str) -> str:
        """The name under which the server itself knows what a request calls ``name``."""
        models = self.offering.models
        return name if name in models or not models else models[0]

    @property
    def queued_seconds(self) -> float:
        """Speech that waits there: as it said last, and what has been sent since and not begun."""
        return self._queued + self._sent

    def succeeded(self, queued_seconds: float | None = None) -> None:
        """It has answered; a probe also tells how much speech waits there."""
        self.in_service, self.reason, self._failures = True, "", 0
        if queued_seconds is not None:
            self._queued, self._sent = queued_seconds, 0.0

    def failed(self, reason: str) -> None:
        """It has not answered as it should."""
        self._failures += 1
        if not self.in_service or self._failures >= FAILURES_IN_A_ROW:
            self.in_service, self.reason = False, reason

    @contextmanager
    def busy(self, characters: int) -> Iterator[None]:
        """It is asked for the speech of so many characters, and has not begun."""
        seconds = characters * SECONDS_PER_CHARACTER
        self._sent += seconds
        try:
            yield
        finally:
            self._sent = max(0.0, self._sent - seconds)

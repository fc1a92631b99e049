"""How long to wait before trying again."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """Exponential backoff without jitter: equal histories wait equally long."""

    base_seconds: float = 0.25
    factor: float = 2.0
    cap_seconds: float = 60.0

    def delay(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row, one or more."""
        exponent = min(failures - 1, 64)
        return min(self.cap_seconds, self.base_seconds * self.factor**exponent)

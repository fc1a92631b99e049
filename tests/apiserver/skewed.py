"""Run the operator on a machine whose clock is off: python skewed.py SECONDS."""

import datetime
import sys
import time
from typing import Self


def skew(seconds: float) -> None:
    """Have the clocks that Python gives to this process be off."""
    true_time = time.time

    class Skewed(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Self:
            return cls.fromtimestamp(true_time() + seconds, tz)

    time.time = lambda: true_time() + seconds
    datetime.datetime = Skewed  # type: ignore[misc]


if __name__ == "__main__":
    skew(float(sys.argv.pop(1)))
    from speaker_operator.entry import main

    main()

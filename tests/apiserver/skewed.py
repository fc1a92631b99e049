"""Run the operator on a machine whose clock is off: python skewed.py SECONDS."""

import datetime
import sys
import time
from typing import Self

OFF = float(sys.argv.pop(1))
_true_time = time.time


class _Skewed(datetime.datetime):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Self:
        return cls.fromtimestamp(_true_time() + OFF, tz)


time.time = lambda: _true_time() + OFF
datetime.datetime = _Skewed  # type: ignore[misc]

if __name__ == "__main__":
    from speaker_operator.entry import main

    main()

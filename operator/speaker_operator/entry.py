"""Where the process begins: it can be told to end before anything is loaded.

The first process of a container ignores SIGTERM unless it handles it. A pod that is deleted while
it starts would otherwise go on until its grace period is over.
"""

import os
import signal
from types import FrameType

_SIGNALLED = 128


def main() -> None:
    """Run the console script; what it starts takes the signals over."""
    signal.signal(signal.SIGTERM, _end)
    from speaker_operator.main import main as run  # noqa: PLC0415 - after the handler, not before

    run()


def _end(number: int, _frame: FrameType | None) -> None:
    os._exit(_SIGNALLED + number)  # nothing has begun that would have to be brought to an end

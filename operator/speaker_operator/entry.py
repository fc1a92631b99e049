"""Where the process begins: it can be told to end before anything is loaded.

The first process of a container ignores SIGTERM unless it handles it. A pod that is deleted while
it starts would otherwise go on until its grace period is over.
"""

import gc
import os
import signal
from types import FrameType

_SIGNALLED = 128
_GARBAGE = 10_000
"""Objects made beyond those freed, before the collector looks through them."""


def main() -> None:
    """Run the console script; what it starts takes the signals over."""
    signal.signal(signal.SIGTERM, _end)
    from speaker_operator.main import main as run  # noqa: PLC0415 - after the handler, not before

    _spare_the_collector()
    run()


def _end(number: int, _frame: FrameType | None) -> None:
    os._exit(_SIGNALLED + number)  # nothing has begun that would have to be brought to an end


def _spare_the_collector() -> None:
    """Have the garbage collector leave alone what was imported, and look less often.

    It would walk through all of that again and again for the little that each event leaves behind.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GARBAGE, 10, 10)

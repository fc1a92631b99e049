"""Wait for what the operator is to bring about, and measure how long it takes."""

import time
from collections.abc import Callable
from typing import Final

from tests.apiserver.api import eventually
from tests.apiserver.operator_process import OperatorProcess

RECONCILES: Final = "speaker_operator_reconciles_total"
GIVE_UP_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.002
_CALM_SECONDS: Final = 0.5
_BUSY_SECONDS: Final = 600.0


def seconds_until(condition: Callable[[], bool], began: float | None = None) -> float:
    """How long it takes until the condition holds; infinity where it does not within a minute.

    Args:
        condition: Looked at every 2 ms.
        began: When it began to take its time, by ``time.perf_counter()``; now, if not given.
    """
    start = time.perf_counter() if began is None else began
    while not condition():
        if time.perf_counter() - start > GIVE_UP_SECONDS:
            return float("inf")
        time.sleep(_POLL_SECONDS)
    return time.perf_counter() - start


def is_calm(operator: OperatorProcess) -> bool:
    """Whether nothing waits in the operator's queues."""
    return operator.total("speaker_operator_queue_depth") == 0


def await_calm(operator: OperatorProcess) -> None:
    """Wait until the operator has had nothing to do for a while, longer than it gathers changes.

    Raises:
        NeverTrue: It is still busy after some minutes.
    """

    def check() -> bool:
        before = operator.total(RECONCILES)
        time.sleep(_CALM_SECONDS)
        return is_calm(operator) and operator.total(RECONCILES) == before

    eventually(check, within=_BUSY_SECONDS, what="the operator is idle")

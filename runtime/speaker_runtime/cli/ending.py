"""How a process that cannot do its work ends: a reason for people, and one for the kubelet."""

import os
import sys
from pathlib import Path
from typing import Final

from speaker_runtime.contract import ExitCode

_TERMINATION_LOG: Final = "TERMINATION_LOG"
_DEFAULT_TERMINATION_LOG: Final = "/dev/termination-log"
_LONGEST_BYTES: Final = 4096
"""What a kubelet reads of it."""


def end(code: ExitCode, reason: str) -> ExitCode:
    """Write ``reason`` to standard error and to the termination log, which a pod's status shows.

    The kubelet puts the log's file there; where it is absent, this is no pod, and none is made.
    """
    sys.stderr.write(reason.rstrip() + "\n")
    last_words(reason)
    return code


def last_words(text: str) -> None:
    """Write to the termination log, and only there."""
    log = Path(os.environ.get(_TERMINATION_LOG, _DEFAULT_TERMINATION_LOG))
    if log.is_file() and os.access(log, os.W_OK):
        log.write_bytes(text.encode()[:_LONGEST_BYTES])

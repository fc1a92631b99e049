"""Programs of others that tests put beside a cluster, built when the first test needs them."""

from typing import Final

import pytest

from cluster.binaries import Binaries
from cluster.config import Config
from cluster.errors import Unavailable

PATIENCE: Final = 45 * 60
"""Seconds until a test is given up that may have to build one before, on two slow cores."""


def built(*tools: str) -> Binaries:
    """The cache that has these tools; skips where they cannot be built."""
    binaries = Binaries.of_user(Config.load())
    try:
        binaries.ensure(tools)
    except Unavailable as missing:
        pytest.skip(str(missing))
    return binaries

"""Engines whose images are too large for every run of the tests: ``make e2e-ENGINE``.

A module of tests names its image in ``IMAGE``.
"""

from pathlib import Path

import pytest

from cluster.config import Config
from cluster.images import product_image
from tests.e2e.conftest import deployed, kubectl, site
from tests.engines.images import gigabytes_of

__all__ = ["deployed", "kubectl", "site"]


@pytest.fixture(scope="module")
def gigabytes(repository: Path, request: pytest.FixtureRequest) -> float:
    """Of the built image, unpacked, its base included."""
    return gigabytes_of(repository, request.module.IMAGE)


@pytest.fixture
def tag(gigabytes: float, request: pytest.FixtureRequest) -> str:
    """Of the built image."""
    return product_image(Config.load(), request.module.IMAGE).tag

"""A runtime for each test, and a web server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.tone import ToneBackend
from tests.support.webserver import Site, website
from tests.unit.speaker_runtime.http.cloning.pods import CLONING, LOW, Pod, running


@pytest.fixture
def backend() -> ToneBackend:
    return ToneBackend(cloning=CLONING)


@pytest.fixture
async def pod(tmp_path: Path, backend: ToneBackend) -> AsyncIterator[Pod]:
    async with running(tmp_path / "states", backend) as pod:
        yield pod


@pytest.fixture
def site() -> "Site":  # type: ignore[misc]
    with website() as site:
        site.files["/low.wav"] = LOW
        yield site

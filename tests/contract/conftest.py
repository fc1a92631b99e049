"""One real server for all contract tests, and clients of it."""

from collections.abc import Iterator

import httpx2
import pytest
from openai import OpenAI

from speaker_runtime.contract import ServingConfig
from tests.support.runtime import RuntimeProcess, serving

CLIENT_TIMEOUT = 60.0


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RuntimeProcess]:
    """A server with the default limits."""
    with serving(tmp_path_factory.mktemp("runtime"), ServingConfig()) as running:
        yield running


@pytest.fixture(scope="session")
def http(runtime: RuntimeProcess) -> Iterator[httpx2.Client]:
    """A plain HTTP client of the server."""
    with httpx2.Client(base_url=runtime.url, timeout=CLIENT_TIMEOUT) as client:
        yield client


@pytest.fixture(scope="session")
def openai(runtime: RuntimeProcess) -> Iterator[OpenAI]:
    """The official client; without retries, so that every refusal is seen."""
    with OpenAI(
        base_url=f"{runtime.url}/v1", api_key="none", max_retries=0, timeout=CLIENT_TIMEOUT
    ) as client:
        yield client

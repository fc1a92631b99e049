"""A real gateway whose servers die, and one that is told to end."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from speaker_runtime.contract import (
    RouteManifest,
    ServingConfig,
    Upstream,
)
from tests.contract.gateways import LONG_TEXT, TIMEOUT, WITHIN, body, speak, wait_for
from tests.support.audio import decode
from tests.support.gateway import gateway
from tests.support.runtime import RuntimeProcess, eventually, serving


@pytest.fixture
def doomed(tmp_path: Path) -> Iterator[RuntimeProcess]:
    """A server that will not live long."""
    (tmp_path / "doomed").mkdir()
    with serving(tmp_path / "doomed", ServingConfig()) as running:
        yield running


@pytest.fixture
def pair(
    doomed: RuntimeProcess, runtime: RuntimeProcess, tmp_path: Path
) -> Iterator[RuntimeProcess]:
    """A gateway in front of a server that stays and one that goes."""
    routes = RouteManifest(
        upstreams=(
            Upstream(name="stays", url=runtime.url),
            Upstream(name="goes", url=doomed.url),
        )
    )
    (tmp_path / "pair").mkdir()
    with gateway(tmp_path / "pair", routes) as running:
        for name in ("stays", "goes"):
            wait_for(running.url, name, "ready")
        yield running


def test_a_server_that_dies_before_the_first_byte_is_replaced_by_another(
    pair: RuntimeProcess, doomed: RuntimeProcess
) -> None:
    os.kill(doomed.process.pid, signal.SIGSTOP)
    with ThreadPoolExecutor(4) as pool:
        # Equals take turns, so some of them wait for the server that is frozen.
        asking = [pool.submit(speak, pair.url, text=f"Order number {i}.") for i in range(4)]
        eventually(
            lambda: sum(each.done() for each in asking) >= 1, within=WITHIN, what="an answer"
        )
        os.kill(doomed.process.pid, signal.SIGKILL)
        answers = [each.result() for each in asking]
    assert [each.status_code for each in answers] == [200] * 4
    assert {each.headers["x-speaker-upstream"] for each in answers} == {"stays"}
    assert all(decode(each.content).seconds > 0.5 for each in answers)
    assert 'tts_gateway_retries_total{upstream="goes"}' in httpx2.get(f"{pair.url}/metrics").text
    wait_for(pair.url, "goes", "failed")


def test_a_server_that_dies_while_it_answers_cuts_the_answer_visibly(
    pair: RuntimeProcess, doomed: RuntimeProcess
) -> None:
    kept = {"model": "stays", "voice": "ana", "input": "Hello from who stays."}
    seen = httpx2.post(f"{pair.url}/tts/preview", json=kept).json()
    asked = body(LONG_TEXT, model="goes")
    with httpx2.stream("POST", f"{pair.url}/v1/audio/speech", json=asked, timeout=TIMEOUT) as it:
        chunks = it.iter_raw()
        next(chunks)
        doomed.process.kill()
        with pytest.raises(httpx2.RemoteProtocolError):
            list(chunks)
    assert speak(pair.url).status_code == 200, "the others are not touched by it"
    heard = httpx2.get(pair.url + seen["sentences"][0]["audio"], timeout=TIMEOUT)
    assert heard.status_code == 200, "what the other one has is still found"
    wait_for(pair.url, "goes", "failed")
    refused = speak(pair.url, model="goes")
    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "upstream_unavailable"
    assert int(refused.headers["retry-after"]) > 0


def test_sigterm_lets_what_is_under_way_finish(runtime: RuntimeProcess, tmp_path: Path) -> None:
    routes = RouteManifest(upstreams=(Upstream(name="one", url=runtime.url),))
    asked = body(LONG_TEXT, model="one", seed=2)
    with (
        gateway(tmp_path, routes, drain_seconds=20) as ending,
        httpx2.stream("POST", f"{ending.url}/v1/audio/speech", json=asked, timeout=TIMEOUT) as it,
    ):
        chunks = it.iter_raw()
        head = next(chunks)
        ending.process.send_signal(signal.SIGTERM)
        eventually(
            lambda: httpx2.get(f"{ending.url}/health/ready").status_code == 503,
            within=WITHIN,
            what="unreadiness",
        )
        assert speak(ending.url).json()["error"]["code"] == "shutting_down"
        assert decode(head + b"".join(chunks)).seconds > 60
        assert ending.process.wait(TIMEOUT) == 0

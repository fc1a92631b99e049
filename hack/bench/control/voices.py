"""A voice on its way into pods that run: real runtimes, whose kubelet is played."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

import httpx2

from bench.control.cluster import Cluster
from bench.control.waiting import await_calm, seconds_until
from bench.goals import Name
from bench.report import Measure
from bench.spread import percentile
from speaker_operator.kube.resources import CONFIG_MAP, DEPLOYMENT
from speaker_runtime.contract import CONFIG_FILE, VOICES_FILE, RuntimeConfig
from tests.apiserver.api import Api, eventually, service, voice
from tests.apiserver.children import SETTLE_TIMEOUT, settle
from tests.apiserver.kubelet import (
    FETCHED,
    HERE,
    SERVING,
    create_pod,
    report_deployment,
    report_pod,
)
from tests.apiserver.operator_process import OperatorProcess
from tests.support.runtime import COMMAND, START_TIMEOUT, start

PODS: Final = 2
TURNS: Final = 30
_ANSWER_SECONDS: Final = 10.0


def run(cluster: Cluster, operator: OperatorProcess) -> list[Measure]:
    """Declare voice after voice; each is usable when every pod speaks with it."""
    api = cluster.namespace("voices")
    api.declare(service(replicas=PODS))
    settle(api)
    with TemporaryDirectory() as folder, _pods(api, Path(folder)) as clients:
        report_deployment(
            api,
            replicas=PODS,
            updatedReplicas=PODS,
            readyReplicas=PODS,
            availableReplicas=PODS,
        )
        await_calm(operator)
        took = [_declare(api, clients, f"guest-{turn}") for turn in range(TURNS)]
    return [
        Measure(
            Name.VOICE,
            percentile(took, 0.95),
            f"p50 {median(took):.2f} s; {TURNS} voices, {PODS} pods, each asked to speak",
        )
    ]


def _declare(api: Api, clients: list[httpx2.Client], name: str) -> float:
    began = time.perf_counter()
    api.declare(voice(name))
    return max(seconds_until(partial(_speaks, client, name), began) for client in clients)


def _speaks(client: httpx2.Client, name: str) -> bool:
    order = {"model": "tts-1", "voice": name, "input": "Hi.", "response_format": "pcm"}
    return client.post("/v1/audio/speech", json=order).status_code == 200  # noqa: PLR2004  OK


@contextmanager
def _pods(api: Api, directory: Path) -> Iterator[list[httpx2.Client]]:
    """Pods whose runtime is a process of this machine, as their ConfigMap configures it."""
    written = eventually(
        lambda: api.get(CONFIG_MAP, "hello-config"), within=SETTLE_TIMEOUT, what="a ConfigMap"
    )
    eventually(lambda: api.get(DEPLOYMENT, "hello"), within=SETTLE_TIMEOUT, what="a Deployment")
    config = RuntimeConfig.model_validate_json(written["data"][CONFIG_FILE])
    model = config.model.model_copy(update={"directory": directory / "model"})
    serving = config.serving.model_copy(update={"audio_cache": None})
    own = config.model_copy(update={"model": model, "serving": serving})
    (directory / CONFIG_FILE).write_text(own.to_json(), encoding="utf-8")
    (directory / VOICES_FILE).write_text(written["data"][VOICES_FILE], encoding="utf-8")
    subprocess.run(
        [*COMMAND, "model", "fetch", "--config", directory],
        check=True,
        capture_output=True,
        timeout=START_TIMEOUT,
    )
    with start(directory) as first, start(directory) as second:
        clients = []
        for runtime in (first, second):
            runtime.wait_ready()
            pod = create_pod(api, "hello", port=runtime.port)
            report_pod(api, pod, fetch=FETCHED, runtime=SERVING, **HERE)
            clients.append(httpx2.Client(base_url=runtime.url, timeout=_ANSWER_SECONDS))
        yield clients
        for client in clients:
            client.close()

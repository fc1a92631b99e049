"""A played node whose pods really serve, and clients that never stop asking them."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count

import httpx2

from cluster.envtest import ControlPlane
from speaker_operator.api.v1alpha1.backends import BACKENDS
from speaker_operator.kube.resources import CONFIG_MAP, POD
from speaker_operator.render.labels import SERVICE
from speaker_runtime.contract import CONFIG_FILE, VOICES_FILE, RuntimeConfig, VoiceManifest
from tests.apiserver.api import Api, Json, connect
from tests.apiserver.controllers import Kubelet, at_work
from tests.apiserver.machines import never
from tests.support.tone import ToneBackend
from tests.support.tone_server import ToneServer, hummed

PORT = 8080
LINGER_SECONDS = 1.0
"""How long a pod that ends serves on, while clients learn of it."""
NETWORK = "127.0.1"
LONG = "This is hummed for half a second, at the very least."
PAUSE_SECONDS = 0.1
"""Between a client's requests."""
HOLD_SECONDS = 60.0
"""Longest time that a test may hold back what a pod speaks."""
ORDER = {"model": "tts-1", "voice": "alloy", "input": "Hello.", "response_format": "pcm"}


class ServingKubelet(Kubelet):
    """Runs the runtime, which hums, for every pod of a service: each at an address of its own."""

    def __init__(self, cluster: Api, resources: Json, crashes: Callable[[str], bool]) -> None:
        super().__init__(cluster, resources, crashes)
        self._numbers = count(1)
        self._running: dict[str, tuple[ToneServer, ExitStack]] = {}
        self._ends: dict[str, float] = {}

    def started(self, pod: Json) -> Json:
        service = pod["metadata"]["labels"].get(SERVICE)
        if service is None:
            return {}
        api = self._cluster.in_namespace(pod["metadata"]["namespace"])
        files = api.require(CONFIG_MAP, f"{service}-config")["data"]
        presets = BACKENDS["hibari"].presets
        address = f"{NETWORK}.{next(self._numbers)}"
        stack = ExitStack()
        server = stack.enter_context(
            hummed(
                _without_cache(RuntimeConfig.model_validate_json(files[CONFIG_FILE])),
                VoiceManifest.model_validate_json(files[VOICES_FILE]),
                ToneBackend(presets=presets, max_streams=1, patience=HOLD_SECONDS),
                host=address,
                port=PORT,
            )
        )
        self._running[pod["metadata"]["uid"]] = (server, stack)
        return {"podIP": address, "podIPs": [{"ip": address}]}

    def may_end(self, pod: Json) -> bool:
        uid = pod["metadata"]["uid"]
        if uid not in self._running:
            return True
        if time.monotonic() < self._ends.setdefault(uid, time.monotonic() + LINGER_SECONDS):
            return False
        self._running.pop(uid)[1].close()  # what is being spoken is finished
        return True

    def backends(self) -> list[ToneBackend]:
        """What hums in the pods."""
        return [server.backend for server, _ in self._running.values()]

    def stop(self) -> None:
        super().stop()
        for _, stack in self._running.values():
            stack.close()


def _without_cache(config: RuntimeConfig) -> RuntimeConfig:
    """Its folder would be this machine's own, and remember what other runs spoke."""
    return config.model_copy(
        update={"serving": config.serving.model_copy(update={"audio_cache": None})}
    )


@contextmanager
def serving_kubelet(plane: ControlPlane) -> Iterator[ServingKubelet]:
    """The only node of a control plane; its pods really speak."""
    with connect(plane) as api:
        kubelet = ServingKubelet(api.in_namespace(""), {}, never)
        with at_work(kubelet):
            yield kubelet


def addresses(api: Api, service: str) -> list[str]:
    """Where the service's ready pods are reached, but for those that end."""
    return [
        f"http://{pod['status']['podIP']}:{port_of(pod)}"
        for pod in api.list(POD)
        if pod["metadata"]["labels"].get(SERVICE) == service
        and "deletionTimestamp" not in pod["metadata"]
        and any(each["ready"] for each in pod["status"].get("containerStatuses", ()))
        and "podIP" in pod["status"]
    ]


def port_of(pod: Json) -> int:
    """The port that the pod's runtime listens at."""
    port: int = pod["spec"]["containers"][0]["ports"][0]["containerPort"]
    return port


def speak_at_length(address: str, listener: int) -> int:
    """Ask a pod for a long text of one's own, as one of many clients; returns the status."""
    order = {**ORDER, "input": f"Listener {listener}. {LONG}"}
    key = {"Authorization": f"Bearer listener-{listener}"}
    url = f"{address}/v1/audio/speech"
    return httpx2.post(url, json=order, headers=key, timeout=HOLD_SECONDS).status_code


class Traffic:
    """Asks a service for speech again and again; plays what kube-proxy does."""

    def __init__(self, api: Api, service: str) -> None:
        self._api = api
        self._service = service
        self._stopped = threading.Event()
        self.answered = 0
        self.failures: list[str] = []
        self.asked: set[str] = set()
        """The pods that answered."""

    def run(self) -> None:
        with httpx2.Client(timeout=10) as client:
            for turn in count():
                if self._stopped.wait(PAUSE_SECONDS):
                    return
                pods = addresses(self._api, self._service)
                if not pods:
                    self.failures.append("no pod serves")
                    continue
                self._ask(client, pods[turn % len(pods)])

    def _ask(self, client: httpx2.Client, address: str) -> None:
        try:
            answer = client.post(f"{address}/v1/audio/speech", json=ORDER)
        except httpx2.HTTPError as error:
            self.failures.append(f"{address}: {type(error).__name__} {error}")
            return
        if answer.status_code == 200 and answer.content:
            self.answered += 1
            self.asked.add(address)
        else:
            self.failures.append(f"{address}: {answer.status_code} {answer.text[:200]}")

    def stop(self) -> None:
        self._stopped.set()


@contextmanager
def traffic(api: Api, service: str) -> Iterator[Traffic]:
    """Traffic flows while the context is open."""
    flowing = Traffic(api, service)
    thread = threading.Thread(target=flowing.run)
    thread.start()
    try:
        yield flowing
    finally:
        flowing.stop()
        thread.join()

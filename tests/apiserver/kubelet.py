"""Play the controllers and the kubelet, which the test's API server lacks, over the real API."""

import copy
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2

from speaker_operator.api.v1alpha1.backends import BACKENDS
from speaker_operator.kube.resources import CONFIG_MAP, DEPLOYMENT, POD
from speaker_runtime.backends.protocol import Cloning
from speaker_runtime.contract import (
    CONFIG_FILE,
    VOICE_STATES_DIRECTORY,
    VOICES_FILE,
    FetchReport,
    ReferencesConfig,
    RuntimeConfig,
    VoiceManifest,
)
from tests.apiserver.api import Api, Json, unique_name
from tests.support.audio import decode_pcm
from tests.support.tone import SAMPLE_RATE, ToneBackend, pitch_of
from tests.support.tone_server import ToneServer, hummed

REPORT = FetchReport(digest=f"sha256:{'0' * 64}", bytes=107_000_000)
FETCHED = {"state": {"terminated": {"exitCode": 0, "message": REPORT.to_json()}}}
HERE = {"podIP": "127.0.0.1", "podIPs": [{"ip": "127.0.0.1"}]}
SERVING = {"ready": True, "state": {"running": {}}}


class LivePod:
    """A pod with a real runtime, which hums; its container may be started again."""

    def __init__(self, api: Api, service: str) -> None:
        self._api = api
        self._service = service
        self._machine = ExitStack()
        self._container = ExitStack()
        self._restarts = 0
        self._files: Json = {}
        self.states = Path(self._machine.enter_context(tempfile.TemporaryDirectory()))
        """What becomes of reference audio: it outlives a container, and not the pod."""
        self.backend = ToneBackend()
        self.server = self._start(0)
        self.name = create_pod(api, service, port=int(self.server.url.rpartition(":")[2]))
        self.report()

    def restart(self, *, stale_files: bool) -> None:
        """Start the container again; the kubelet may not have renewed its files yet."""
        self.stop()
        self._restarts += 1
        self.server = self._start(int(self.server.url.rpartition(":")[2]), stale=stale_files)
        self.report()

    def stop(self) -> None:
        """End the container, as after a crash; nobody is told."""
        self._container.close()

    def end(self) -> None:
        """End the container, and give up what was the pod's."""
        self.stop()
        self._machine.close()

    def pitch(self, voice: str) -> float:
        """How a voice sounds: what it hums at, in hertz."""
        body = {"model": "tts-1", "voice": voice, "input": "Hum to me.", "response_format": "pcm"}
        answer = httpx2.post(f"{self.server.url}/v1/audio/speech", json=body)
        assert answer.is_success, answer.text
        return pitch_of(decode_pcm(answer.content).samples)

    @property
    def voices(self) -> dict[str, set[str]]:
        """The declared voices that it serves, with their aliases."""
        listed = httpx2.get(f"{self.server.url}/v1/audio/voices").json()["voices"]
        presets = BACKENDS["hibari"].presets
        return {each["id"]: set(each["aliases"]) for each in listed if each["id"] not in presets}

    def _start(self, port: int, *, stale: bool = False) -> ToneServer:
        if not stale:
            self._files = self._api.require(CONFIG_MAP, f"{self._service}-config")["data"]
        config = RuntimeConfig.model_validate_json(self._files[CONFIG_FILE])
        if self._has_a_folder_for_clones():
            known = config.references or ReferencesConfig()
            kept = known.model_copy(update={"directory": self.states})
            config = config.model_copy(update={"references": kept})
        self.backend = ToneBackend(
            presets=BACKENDS["hibari"].presets, cloning=Cloning(sample_rate=SAMPLE_RATE)
        )
        manifest = VoiceManifest.model_validate_json(self._files[VOICES_FILE])
        return self._container.enter_context(hummed(config, manifest, self.backend, port=port))

    def _has_a_folder_for_clones(self) -> bool:
        pod = self._api.require(DEPLOYMENT, self._service)["spec"]["template"]["spec"]
        mounts = pod["containers"][0]["volumeMounts"]
        return str(VOICE_STATES_DIRECTORY) in {each["mountPath"] for each in mounts}

    def report(self) -> None:
        """Say that it serves, as the kubelet would."""
        running = {**SERVING, "restartCount": self._restarts}
        report_pod(self._api, self.name, fetch=FETCHED, runtime=running, **HERE)


@contextmanager
def live_pod(api: Api, service: str = "hello") -> Iterator[LivePod]:
    """A pod that serves while the context lasts."""
    pod = LivePod(api, service)
    try:
        yield pod
    finally:
        pod.end()


def roll_out(api: Api, name: str = "hello") -> None:
    """Report a Deployment's pods as up to date and serving, and run one until the test ends."""
    deployment = api.require(DEPLOYMENT, name)
    replicas = deployment["spec"]["replicas"]
    if replicas:
        api.machines.enter_context(live_pod(api, name))
    report_deployment(
        api,
        name,
        replicas=replicas,
        updatedReplicas=replicas,
        readyReplicas=replicas,
        availableReplicas=replicas,
    )


def report_deployment(api: Api, name: str = "hello", **numbers: Any) -> None:
    """Write a Deployment's status, as its controller would after it saw the newest spec."""
    generation = api.require(DEPLOYMENT, name)["metadata"]["generation"]
    api.patch_status(DEPLOYMENT, name, observedGeneration=generation, **numbers)


def create_pod(api: Api, name: str = "hello", *, port: int | None = None) -> str:
    """Make a pod from a Deployment's template, perhaps with another port; returns its name."""
    deployment = api.require(DEPLOYMENT, name)
    template = copy.deepcopy(deployment["spec"]["template"])
    if port is not None:
        template["spec"]["containers"][0]["ports"][0]["containerPort"] = port
    generation = deployment["metadata"]["generation"]
    labels = {**template["metadata"]["labels"], "pod-template-hash": str(generation)}
    annotations = template["metadata"]["annotations"]
    pod = api.create(
        {
            "apiVersion": POD.api_version,
            "kind": POD.kind,
            "metadata": {"name": unique_name(name), "labels": labels, "annotations": annotations},
            "spec": template["spec"],
        }
    )
    return str(pod["metadata"]["name"])


def report_pod(api: Api, pod: str, *, fetch: Json, runtime: Json, **status: Any) -> None:
    """Write a pod's status, as the kubelet would."""
    api.patch_status(
        POD,
        pod,
        initContainerStatuses=[container_status("model-fetch", fetch)],
        containerStatuses=[container_status("runtime", runtime)],
        **status,
    )


def container_status(name: str, state: Json) -> Json:
    """A container's status, as the kubelet would write it."""
    told = {"image": "runtime:test", "imageID": "", "ready": False, "restartCount": 0}
    return {**told, "name": name, **state}
